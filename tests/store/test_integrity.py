"""Records that their predictions contradict are named and not reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cli.main import main
from harness.errors import UserError
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.store.integrity import read_predictions
from harness.store.store import Store
from tests.report.fakes import keep, packed, record, spec


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    for seed in range(3):
        label = np.arange(20) % 2
        right = np.arange(20) < 12 + seed
        keep(store, record(spec("ours", seed=seed), 1), packed(label, np.where(right, label, 2)))
    return store


def edit(store: Store, change: dict[str, Any]) -> None:
    file = store.run_dir(spec("ours").id) / "record.json"
    values = json.loads(file.read_text())
    values["metrics"]["tests"]["target"] |= change
    file.write_text(json.dumps(values))


def shifted(store: Store) -> None:
    file = store.run_dir(spec("ours").id) / "predictions.npz"
    found = store.predictions(spec("ours").id)
    file.write_bytes(packed(found.label + 1, found.prediction))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda store: edit(store, {"correct": 0}), "0 correct of 20, the predictions say 12 of"),
        (lambda store: edit(store, {"n": 40}), "12 correct of 40, the predictions say 12 of 20"),
        (lambda store: edit(store, {"correct": 21}), "21 correct of 20"),
        (lambda store: edit(store, {"correct": -1}), "-1 correct of 20"),
        (shifted, "its SHA-256 is not the record's predictions_sha256"),
        (
            lambda store: (store.run_dir(spec("ours").id) / "predictions.npz").write_bytes(b"PK"),
            "predictions.npz: cannot be read",
        ),
    ],
)
def test_a_run_whose_files_disagree_is_named_and_not_reported(
    store: Store, spoil: Any, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (load_frame(Store(store.root))["status"] == "done").all()
    spoil(store)
    assert main(["report", "--store", str(store.root), "--format", "md,term"]) == 0
    out, err = capsys.readouterr()
    assert f"not reported: run {spec('ours').id}: " in err
    assert why in err
    assert "67.5" in out  # the mean of the two that are whole
    frame = load_frame(Store(store.root))
    assert frame["status"].value_counts().to_dict() == {"done": 2, "failed": 1}


def test_the_best_classes_must_be_those_of_the_prediction(tmp_path: Path) -> None:
    label = np.array([0, 1, 1])
    for name, top in {"well": [[0, 1], [1, 0], [1, 65535]], "ill": [[0, 1], [0, 1], [1, 0]],
                      "high": [[0, 1], [1, 9], [1, 0]]}.items():  # fmt: skip
        made = packed(label, label, top=top, logits=np.zeros((3, 2)))
        keep(Store(tmp_path / name), record(spec(), 1), made)
    assert load_frame(Store(tmp_path / "well"))["status"].tolist() == ["done"]
    (ill,) = load_frame(Store(tmp_path / "ill"))["error"]
    assert "the first of the best classes is not the predicted one" in ill
    (high,) = load_frame(Store(tmp_path / "high"))["error"]
    assert "class 9, but the record names 2" in high
    with pytest.raises(UserError, match=r"'logits' is float16 \[3, 1\]"):
        read_predictions(packed(label, label, top=np.zeros((3, 2)), logits=np.zeros((3, 1))))


def test_a_labels_probability_must_fit_the_confidence(tmp_path: Path) -> None:
    label, answer = np.array([0, 1]), np.array([0, 0])  # confidence: 0.5 of both
    for name, sure in {"well": [0.5, 0.1], "right": [0.4, 0.1], "wrong": [0.5, 0.6],
                       "no number": [0.5, np.nan], "nothing": [0.5, 0.0]}.items():  # fmt: skip
        with np.errstate(divide="ignore"):
            made = packed(label, answer, log_probability=np.log(sure))
        keep(Store(tmp_path / name), record(spec(), 1), made)
        (error,) = load_frame(Store(tmp_path / name))["error"].fillna("")
        assert ("label's log_probability does not fit the confidence" in error) == (name != "well")


def test_a_run_without_predictions_is_taken_at_its_word(store: Store) -> None:
    (store.run_dir(spec("ours").id) / "predictions.npz").unlink()
    assert (load_frame(Store(store.root))["status"] == "done").all()


def test_a_record_whose_spec_was_edited_or_that_is_another_runs_is_named(store: Store) -> None:
    first, second = (store.run_dir(spec("ours", seed=seed).id) for seed in (0, 1))
    text = (first / "record.json").read_text()
    (first / "record.json").write_text(text.replace('"steps": 150', '"steps": 151'))
    assert "its spec's content gives" in load_frame(Store(store.root))["error"].dropna().item()
    (first / "record.json").write_text((second / "record.json").read_text())
    with pytest.raises(UserError, match=f"record.json: the record of run {second.name}; restore"):
        load_frame(Store(store.root))


def test_a_record_of_an_earlier_engine_is_a_row_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path)
    config = {"crop_scale": [0.7, 1.0]}
    now, before = spec("ours", config=config), spec("ours", seed=1, config=config)
    (earlier,) = before.earlier_ids
    keep(store, record(now, 1000, method_source="abc"))
    old = record(before, 1200, method_source="abc")
    keep(store, old.model_copy(update={"id": earlier}))
    rows = summarise(load_frame(store)).rows
    assert {row.label: row.cells[0].mean for row in rows} == {
        "ours (code=abc)": 50.0,
        "ours (code=earlier)": 60.0,
    }
