"""A search in a sweep file: what runs, what it may read, and what a mistake is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.dataset import Sample
from harness.errors import UserError
from harness.execution.run import Shared, execute
from harness.protocols import PROTOCOLS
from harness.protocols.domain_shift import DomainShift
from harness.protocols.trial import Trial
from harness.specs import RunSpec
from harness.store.integrity import examined
from harness.store.records import Search, SweepPlan
from harness.store.store import Store
from harness.sweep.file import SweepSpec, plan_sweep
from harness.sweep.plan import open_dataset
from harness.tune.choice import best, trials_of
from harness.validation import validated
from tests.conftest import make_folder
from tests.engine import make_context


def planned(images: Path, model: Path, tune: Any, **more: Any) -> SweepPlan:
    """Return the plan of three small rows, one of which has nothing to tune."""
    source = {
        "name": "tuned",
        "model": f"local-dir:{model}",
        "dataset": "folder",
        "seeds": [0, 1],
        "defaults": {"steps": 2, "batch_per_domain": 2, "lr": 1e-3},
        "methods": [
            "zero_shot",
            {"method": "clipood", "label": "CLIPood", "params": {"margin": 0.1}},
            {"method": "finetune", "space": {"weight_decay": None}},
        ],
        "tune": tune,
    } | more
    return plan_sweep(validated(SweepSpec, source, "small.yaml"), images, "small.yaml")


def search(plan: SweepPlan, row: str, rule: str, target: str) -> Search:
    (found,) = (s for s in plan.searches
                if (s.row, s.rule, s.finals[0].target) == (row, rule, target))  # fmt: skip
    return found


def test_every_row_with_a_space_has_the_same_budget(image_folder: Path, random_clip: Path) -> None:
    rules = ["training-domain", "leave-one-source-out"]
    plan = planned(image_folder, random_clip, {"trials": 4, "select": rules})
    assert len(plan.searches) == 2 * 2 * 3  # rows, rules, held-out domains
    assert {len(s.candidates) for s in plan.searches} == {4}
    assert [run.label for run in plan.runs[:3]] == [
        "zero_shot", "CLIPood (defaults)", "finetune (defaults)",
    ]  # fmt: skip
    own = search(plan, "CLIPood", "training-domain", "domain1")
    assert own.candidates[0].values == {}
    assert own.candidates[0].config["margin"] == 0.1
    assert own.candidates[0].config["lr"] == 1e-3
    assert set(own.candidates[1].values) == {"lr", "weight_decay", "margin", "beta"}
    for candidate in own.candidates[1:]:
        assert {key: candidate.config[key] for key in candidate.values} == candidate.values
        assert candidate.config["steps"] == 2  # what is not searched stays
    assert set(search(plan, "finetune", rules[0], "domain1").candidates[1].values) == {"lr"}
    # every domain and rule tries the same values
    other = search(plan, "CLIPood", "leave-one-source-out", "domain2")
    assert [c.values for c in own.candidates] == [c.values for c in other.candidates]
    # fresh splits, and a final run is what a row with these values would be
    assert {run.data_seed for run in plan.trials} == {100}
    assert {run.data_seed for s in plan.searches for run in s.finals} == {0, 1}
    values = own.candidates[2].values
    by_hand = planned(
        image_folder, random_clip, None, targets=["domain1"],
        methods=[{"method": "clipood", "params": {"margin": 0.1, **values}}],
    )  # fmt: skip
    assert [run.id for run in own.finals_of(2)] == [run.id for run in by_hand.runs]
    assert own.finals[0].label == "CLIPood (tuned, training-domain, 4 trials)"
    # each source in turn, without the target
    assert [(r.target, r.protocol.model_dump()["left_out"]) for r in other.candidates[1].runs] == [
        ("domain0", "domain2"), ("domain1", "domain2"),
    ]  # fmt: skip


def test_the_values_depend_on_the_search_s_seed_alone(
    image_folder: Path, random_clip: Path
) -> None:
    def values(**tune: Any) -> list[dict[str, Any]]:
        plan = planned(image_folder, random_clip, {"trials": 3} | tune)
        return [c.values for c in search(plan, "CLIPood", "training-domain", "domain0").candidates]

    assert values() == values(data_seeds=[7, 8], defaults=False) == values(trials=5)[:3]
    assert values(seed=1) != values()


def test_a_grid_tries_every_combination(image_folder: Path, random_clip: Path) -> None:
    space = {"lr": {"choice": [1e-3, 1e-2]}, "margin": {"choice": [0.1, 0.2]}}
    space |= {"weight_decay": None, "beta": None}
    plan = planned(image_folder, random_clip, {"search": "grid", "space": space})
    own = search(plan, "CLIPood", "training-domain", "domain0")
    assert [tuple(c.values.values()) for c in own.candidates] == [
        (), (1e-3, 0.1), (1e-3, 0.2), (1e-2, 0.1), (1e-2, 0.2),
    ]  # fmt: skip
    assert "all of a grid" in own.about


def test_a_class_may_write_its_space_as_a_file_does(
    image_folder: Path, random_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cls = registry.method_class("finetune")
    monkeypatch.setattr(cls, "search_space", {"lr": {"choice": [0.5, 0.5]}})
    plan = planned(image_folder, random_clip, {"trials": 2})
    own = search(plan, "finetune", "training-domain", "domain0")
    assert own.candidates[1].values == {"lr": 0.5}
    monkeypatch.setattr(cls, "search_space", {"lr": {"uniform": 3}})
    with pytest.raises(UserError, match=r"method 'finetune', search_space.lr: field 'uniform'"):
        planned(image_folder, random_clip, {"trials": 2})


@pytest.mark.parametrize(
    ("tune", "more", "message"),
    [
        ({"trials": 1}, {}, "field 'tune.trials' is 1"),
        ({"select": ["test"]}, {}, "field 'tune.select.0' is 'test'"),
        ({"select": ["oracle", "oracle"]}, {}, "'select' names a rule twice"),
        ({"search": "grid", "trials": 4}, {}, "a grid has its own"),
        ({"search": "grid"}, {}, "'lr' is no choice; list its values"),
        ({"space": {"lr": {"uniform": [2, 1]}}}, {}, "give the lowest first"),
        ({"space": {"lr": {"choice": ["bad", 1]}}}, {}, "space.lr of method 'clipood' holds 'bad'"),
        ({"space": {"lr": {"uniform": [-1, 1]}}}, {}, "holds -1.0: give a number above 0"),
        ({"space": {"lr": {"log_uniform": [1, 2], "log": True}}}, {}, "'log' goes with integer"),
        ({"space": {"lrr": {"uniform": [0, 1]}}}, {}, "'lrr': did you mean lr"),
        ({"space": {"margin": {"uniform": [-2, -1]}}}, {}, "space.margin of method 'clipood'"),
        ({"data_seeds": [1]}, {}, "1 is a data seed of the final runs"),
        ({}, {"data_seed": 100}, "100 is a data seed of the final runs"),
        ({"select": ["training-domain", "oracle"]}, {"protocol": "few_shot"},
         "tune.select oracle: protocol few_shot offers training-domain alone; domain_shift has"),
        ({"select": ["oracle"]}, {"protocol": {"name": "domain_shift", "test_on": "out"}},
         "protocol.test_on is 'out'"),
        ({"select": ["oracle"]}, {"selection": "best"}, "reads the last step"),
        (None, {}, "'space' of finetune: the sweep has no 'tune'"),
        ({}, {"reference": "CLIPood"}, "unknown row 'CLIPood'"),
        ({}, {"methods": [{"method": "finetune", "space": {"margin": None}}]}, "'margin'"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_file_and_field(
    image_folder: Path, random_clip: Path, tune: Any, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        planned(image_folder, random_clip, tune, **more)
    assert message in str(caught.value)
    assert "small.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_domain_is_left_out_entirely(image_folder: Path, tmp_path: Path) -> None:
    from harness.specs import DatasetSpec

    dataset = open_dataset(DatasetSpec(name="folder"), image_folder)
    protocol = DomainShift(left_out="domain0")
    sources = protocol.sources(dataset, "domain1", 0)
    assert set(sources.train) == set(sources.val) == {"domain2"}
    (tested,) = protocol.test_sets(dataset, "domain1", 0)
    assert {sample.domain for sample in tested.samples} == {"domain1"}
    with pytest.raises(UserError, match="'domain7' is no domain"):
        DomainShift(left_out="domain7").check(dataset, "domain1")
    (tmp_path / "two").mkdir()
    for name in ("domain0", "domain1"):
        (tmp_path / "two" / name).symlink_to(image_folder / name)
    two = open_dataset(DatasetSpec(name="folder"), tmp_path / "two")
    with pytest.raises(UserError, match="without 'domain1' and 'domain0' no domain is left"):
        protocol.check(two, "domain1")


def reads(run: RunSpec, images: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Execute a run, and return the keys of all images that it opened."""
    seen: set[str] = set()
    cls = registry.dataset_class("folder")
    original = cls.read

    def read(self: Any, sample: Sample) -> Any:
        seen.add(sample.key)
        return original(self, sample)

    with monkeypatch.context() as patch:
        patch.setattr(cls, "read", read)
        execute(run, Shared(make_context(store, images)))
    return seen


@pytest.mark.parametrize("rule", ["training-domain", "leave-one-source-out", "oracle"])
def test_no_trial_opens_the_target_but_an_oracle_s_its_own_part(
    rule: str, image_folder: Path, random_clip: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    plan = planned(image_folder, random_clip, {"trials": 2, "select": [rule]})
    own = search(plan, "CLIPood", rule, "domain1")
    trial = {
        key
        for candidate in own.candidates
        for run in candidate.runs
        for key in reads(run, image_folder, tmp_path, monkeypatch)
    }
    final = reads(own.finals_of(1)[0], image_folder, tmp_path, monkeypatch)
    of_target = [{key for key in keys if key.startswith("domain1/")} for keys in (trial, final)]
    assert {key.partition("/")[0] for key in trial - of_target[0]} == {"domain0", "domain2"}
    if rule != "oracle":
        assert of_target[0] == set()
        assert len(of_target[1]) == 30
    else:  # a fifth, which no final run tests, whatever its seed
        assert len(of_target[0]) == 6
        assert len(of_target[1]) == 24
        other = reads(own.finals_of(1)[1], image_folder, tmp_path, monkeypatch)
        assert not of_target[0] & (final | other)
        assert all("ORACLE" in text for text in (own.about, own.finals[0].label))
        assert all("ORACLE" in run.label for c in own.candidates for run in c.runs)
        assert "ORACLE" in own.finals[0].protocol.tested_words()


OTHERS: dict[str, dict[str, Any]] = {
    "corruptions": {},
    "cross_dataset": {"tests": ["emoji"], "shots": 2},
    "distribution_shift": {"source": "domain0", "shots": 2},
    "domain_and_class": {},
    "few_shot": {"shots": 2},
    "multi_target": {},
    "open_class": {"shots": 2},
    "single_source": {},
}


def test_every_protocol_offers_a_search() -> None:
    assert {*OTHERS, "domain_shift", "trial"} == set(PROTOCOLS)


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_a_trial_of_any_protocol_reads_what_trains_and_validates_and_nothing_else(
    name: str, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_folder(tmp_path / "data", domains=3)
    for domain in ("domain0", "domain1", "domain2"):  # a fourth class, to halve
        shutil.copytree(root / domain / "red_thing", root / domain / "rust_thing")
    tune, protocol = {"trials": 2, "defaults": False}, {"name": name, **OTHERS[name]}
    more = {"protocol": protocol, "methods": ["finetune"], "seeds": [0]}
    plan = planned(root, random_clip, tune, **more)
    own = plan.searches[0]
    last = own.finals[0]
    assert last.protocol.name == name
    assert own.about.startswith("Tuned, training-domain: the best of 2 trials for each target")
    for candidate in own.candidates:
        (run,) = candidate.runs
        assert run.protocol.name == "trial"
        assert (run.target, run.config["steps"]) == (last.target, last.config["steps"])
        data = open_dataset(run.dataset, root)
        parts = last.protocol.sources(data, last.target, run.data_seed)
        seen = {s.key for part in (parts.train, parts.val) for own in part.values() for s in own}
        read = reads(run, root, tmp_path / "store", monkeypatch)
        assert read <= seen
        val = [s for part in parts.val.values() for s in part]
        assert {s.key for s in val} <= read
        store = Store(tmp_path / "store")
        record = store.read(run.id)  # as JSON, and back
        assert record.spec == run
        assert record.metrics.tests["validation"].n == len(val)
        scored = sum(score.correct for score in record.metrics.source_val.values())
        assert record.metrics.tests["validation"].correct == scored
        assert examined(record, store.run_dir(run.id) / "predictions.npz")[0] == []
    assert best(trials_of(own, store)) in (0, 1)


def test_a_search_takes_the_source_domain_that_the_field_agrees_on() -> None:
    source = {
        "name": "s", "dataset": "ImageNetShift", "protocol": "distribution_shift", "seeds": [0],
        "methods": ["clipood"], "tune": {"trials": 2},
    }  # fmt: skip
    plan = plan_sweep(validated(SweepSpec, source, "s.yaml"), None, "s.yaml", outline=True)
    (own,) = plan.searches
    (trial,) = own.candidates[1].runs
    assert own.finals[0].protocol.source == "ImageNet"
    assert isinstance(trial.protocol, Trial)
    assert trial.protocol.of == own.finals[0].protocol
