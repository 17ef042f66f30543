"""Which runs may share a table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.errors import UserError
from harness.protocols.domain_shift import DomainShift
from harness.report.runs.blocks import FIELDS, blocks_of
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.specs import DatasetSpec, ModelSpec
from harness.store.store import Store
from tests.report.fakes import add, plan, spec


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("test_on", {"protocol": DomainShift(test_on="out")}),
        ("holdout_fraction", {"protocol": DomainShift(holdout_fraction=0.5)}),
        ("disjoint_groups", {"protocol": DomainShift(disjoint_groups=True)}),
        ("precision", {"model": ModelSpec(name="tiny-emoji", precision="bf16")}),
        ("model", {"model": ModelSpec(name="ViT-B-16", pretrained="openai")}),
        ("dataset", {"dataset": DatasetSpec(name="pacs")}),
        ("dataset_options", {"dataset": DatasetSpec(name="emoji", options={"size": 3})}),
    ],
)
def test_blocks_never_mix(store: Store, name: str, values: dict[str, object]) -> None:
    add(store, spec("a"), 1000)
    add(store, spec("a", **values), 1100)
    frame = load_frame(store)
    parts = blocks_of(frame)
    assert len(parts) == 2
    assert len({part.name for part in parts}) == 2
    with pytest.raises(UserError, match=f"cannot mix {name} "):
        summarise(frame)
    means = sorted(summarise(part.frame).rows[0].cells[0].mean or 0 for part in parts)
    assert means == [pytest.approx(50), pytest.approx(55)]


@pytest.mark.parametrize("name", ["dataset_fingerprint", "model_fingerprint"])
def test_other_content_under_the_same_name_is_another_block(store: Store, name: str) -> None:
    add(store, spec("a", seed=0), 1000)
    add(store, spec("a", seed=1), 1000, **{name: "f" * 16})
    contents = [block.content for block in blocks_of(load_frame(store))]
    assert len(set(contents)) == 2
    assert f"{'images' if name.startswith('data') else 'weights'} ffffffff" in contents


def test_a_block_that_is_alone_in_its_setting_needs_no_hash(store: Store) -> None:
    add(store, spec("a"), 1000, dataset_fingerprint="e" * 16)
    add(store, spec("a", protocol=DomainShift(test_on="out")), 1000, dataset_fingerprint="f" * 16)
    assert [block.content for block in blocks_of(load_frame(store))] == ["", ""]


def test_a_missing_run_is_a_hole_not_a_block(store: Store) -> None:
    runs = [spec("a", seed=s) for s in range(3)]
    plan(store, "p", runs)
    add(store, runs[0], 1000)
    assert len(blocks_of(load_frame(store))) == 1


def test_a_run_that_is_not_done_goes_where_most_of_its_like_went(store: Store) -> None:
    runs = [spec("a", seed=s) for s in range(5)]
    plan(store, "p", runs)
    add(store, runs[0], 1000, dataset_fingerprint="old")
    for run in runs[1:3]:
        add(store, run, 1000, dataset_fingerprint="new")
    store.fail(runs[3], "E: x", "", "now")
    split = blocks_of(load_frame(store))
    assert [block.key["dataset_fingerprint"] for block in split] == ["old", "new"]
    assert [block.frame["status"].tolist() for block in split] == [
        ["done"],
        ["done", "done", "failed", "missing"],
    ]
    assert [block.name for block in split] == ["old", "new"]


def test_keys_hold_plain_values_and_names_say_what_differs(store: Store) -> None:
    add(store, spec("a"), 1000)
    add(store, spec("a", protocol=DomainShift(disjoint_groups=True, shots=4)), 1000)
    first, second = blocks_of(load_frame(store))
    assert (first.name, second.name) == ("shared-all-shots", "disjoint-4-shot")
    kinds = {field: type(value) for field, value in second.key.items()}
    assert kinds["disjoint_groups"] is bool
    assert kinds["shots"] is int
    assert kinds["holdout_fraction"] is float
    assert kinds["dataset"] is str
    assert tuple(second.key) == FIELDS


def test_frames_put_together_by_hand_are_split_too(store: Store) -> None:
    add(store, spec("a"), 1000)
    add(store, spec("a", dataset=DatasetSpec(name="pacs")), 1000)
    frame = load_frame(store)
    twice = pd.concat([frame, frame])  # every index is there twice
    assert [len(block.frame) for block in blocks_of(twice)] == [2, 2]
