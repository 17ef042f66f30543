from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from harness.errors import UserError
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.validation import validated

BASE: dict[str, Any] = {
    "method": "m",
    "config": {"lr": 0.1, "steps": 3},
    "model": {"name": "tiny"},
    "dataset": {"name": "d"},
    "protocol": {},
    "target": "a",
    "seed": 0,
    "data_seed": 0,
}


def spec(**changes: Any) -> RunSpec:
    return RunSpec.model_validate({**BASE, **changes})


def test_identity_is_stable_across_processes_and_versions() -> None:
    # A literal: if this changes, every store in the world is orphaned. Change it knowingly.
    assert spec().id == RunSpec.model_validate_json(spec().model_dump_json()).id
    assert spec().id == "c92531e020192233"


@pytest.mark.parametrize(
    "change",
    [
        {"method": "n"},
        {"config": {"lr": 0.2, "steps": 3}},
        {"model": {"name": "tiny", "pretrained": "x"}},
        {"model": {"name": "tiny", "precision": "bf16"}},
        {"model": {"name": "tiny", "elsewhere": True}},
        {"model": {"name": "tiny", "pretrained": "x", "base": "y"}},
        {"dataset": {"name": "e"}},
        {"dataset": {"name": "d", "options": {"k": 1}}},
        {"dataset": {"name": "d", "fingerprint": "00"}},
        {"protocol": {"test_on": "out"}},
        {"protocol": {"holdout_fraction": 0.3}},
        {"protocol": {"disjoint_groups": True}},
        {"target": "b"},
        {"selection": "best"},
        {"seed": 1},
        {"data_seed": 1},
    ],
)
def test_everything_that_changes_numbers_changes_the_id(change: dict[str, Any]) -> None:
    assert spec(**change).id != spec().id


def test_labels_what_was_given_and_key_order_do_not_change_the_id() -> None:
    same = spec(label="Ours", given={"lr": 0.1}, config={"steps": 3, "lr": 0.1})
    assert same.id == spec().id


def test_a_local_checkpoint_is_known_by_content_not_by_path() -> None:
    def at(path: str, fingerprint: str) -> str:
        model = {"name": "ViT-B-16", "pretrained": path, "base": path, "fingerprint": fingerprint}
        return spec(model=model).id

    assert at("/home/a/w.pt", "aa") == at("/scratch/b/w2.pt", "aa")
    assert at("/home/a/w.pt", "aa") != at("/home/a/w.pt", "bb")


def test_a_model_has_one_identity_however_it_is_spelled() -> None:
    assert ModelSpec(name="ViT-B/16") == ModelSpec(name="ViT-B-16")
    assert ModelSpec(name="hf-hub:a/b").name == "hf-hub:a/b"


def test_a_hub_model_with_a_slash_keeps_its_name() -> None:
    one, other = (spec(model={"name": f"hf-hub:org/{n}", "fingerprint": "aa"}).id for n in "xy")
    assert one != other


def test_specs_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        spec().seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (ModelSpec, {}, r"f.yaml: field 'name' is missing; add it"),
        (
            DatasetSpec,
            {"name": "d", "nmae": 1},
            r"unknown field 'nmae': did you mean name.; known: fingerprint, name",
        ),
        (DomainShift, {"test_on": "most"}, r"field 'test_on' is 'most': use all, in, out"),
        (RunSpec, {**BASE, "seed": -1}, r"field 'seed' is -1: give 0 or more"),
    ],
)
def test_a_bad_value_is_one_line_that_names_place_field_and_value(
    model: Any, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        validated(model, values, "f.yaml")
    assert "\n" not in str(caught.value)


def test_a_changed_schedule_changes_the_ids_of_those_runs_alone() -> None:
    warm = {"warmup_steps": 10, "schedule": "cosine"}
    assert spec(config=warm).content()["schedule_revision"] == 2
    for other in (
        {"warmup_steps": 0, "schedule": "cosine"},
        {"warmup_steps": 3, "schedule": "constant"},
    ):
        assert "schedule_revision" not in spec(config=other).content()


def test_crops_resized_otherwise_change_the_ids_of_runs_that_crop() -> None:
    assert spec(config={"crop_scale": [0.7, 1.0]}).content()["crop_revision"] == 2
    assert "crop_revision" not in spec(config={"depth": 2}).content()  # nothing trains


def test_what_a_run_was_called_before_its_numbers_changed_is_known() -> None:
    trained = spec(config={"crop_scale": [0.7, 1.0], "warmup_steps": 5, "schedule": "cosine"})
    content = trained.content()
    for key in ("crop_revision", "schedule_revision"):
        del content[key]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] in trained.earlier_ids
    assert len(trained.earlier_ids) == 3
    assert trained.id not in trained.earlier_ids
    assert spec(config={"depth": 2}).earlier_ids == frozenset()
