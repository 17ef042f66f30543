"""Parquet files hold what the store holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.cli import main
from harness.execution.run import Shared, execute
from harness.protocols.domain_and_class import DomainAndClass
from harness.report.runs.frame import load_frame
from harness.store.exchange.tables import write_predictions
from harness.store.records import Score
from harness.store.store import Store
from tests.engine import make_context, make_spec
from tests.report import fakes


def test_every_record_and_every_answer_is_there(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    specs = [
        make_spec("zero_shot", image_folder, random_clip),
        make_spec("zero_shot", image_folder, random_clip, target="domain2"),
    ]
    for spec in specs:
        execute(spec, Shared(make_context(store, image_folder)))
    assert main(["export-results", "--store", str(store), "--out", str(tmp_path / "out")]) == 0
    rows = pd.read_parquet(tmp_path / "out" / "records.parquet")
    frame = load_frame(Store(store))
    assert rows["id"].tolist() == frame["id"].tolist()
    np.testing.assert_allclose(rows["accuracy"], frame["accuracy"].astype(float))
    answers = pd.read_parquet(tmp_path / "out" / "predictions.parquet")
    assert not list((tmp_path / "out").glob(".*"))
    for spec in specs:
        own = answers[answers["run"] == spec.id]
        for name, score in Store(store).read(spec.id).metrics.tests.items():
            part = own[own["test_set"] == name]
            assert len(part) == score.n
            assert int((part["label"] == part["prediction"]).sum()) == score.correct
            assert part["image"].tolist() == list(range(score.n))


def test_runs_that_recorded_more_and_less_share_a_table(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    label = np.array([0, 1, 1])
    two, five = (np.tile(np.arange(n), (3, 1)) for n in (2, 5))
    more = {"alignment": np.full(3, 0.25), "zero_shot": label}
    more["log_probability"] = np.log([0.5, 0.1, 0.1])
    for seed, arrays in enumerate([
        {}, {"top": two, "logits": two} | more, {"top": five, "logits": five},
    ]):  # fmt: skip
        made = fakes.packed(label, np.zeros(3), **arrays)
        fakes.keep(store, fakes.record(fakes.spec("a", seed=seed), 1), made)
    assert write_predictions(store, store_ids(store), tmp_path / "all.parquet") == 9
    answers = pd.read_parquet(tmp_path / "all.parquet")
    for seed, width in ((0, None), (1, 2), (2, 5)):
        own = answers[answers["run"] == fakes.spec("a", seed=seed).id]
        widths = {None if top is None else len(top) for top in own["top"]}
        assert widths == {width}
        assert own["alignment"].notna().all() == (seed == 1)
        assert own["log_probability"].notna().all() == (seed == 1)


def test_an_image_s_place_is_within_its_test_set_however_they_are_mixed(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    made = fakes.record(fakes.spec("a", protocol=DomainAndClass()), 1)
    tests = {name: Score(correct=1, n=2) for name in ("base", "open")}
    metrics = made.metrics.model_copy(update={"tests": tests})
    packed = fakes.packed([0, 1, 0, 1], [0, 0, 0, 0], test=[1, 0, 1, 0])
    fakes.keep(store, made.model_copy(update={"metrics": metrics}), packed)
    write_predictions(store, store_ids(store), tmp_path / "all.parquet")
    answers = pd.read_parquet(tmp_path / "all.parquet")
    assert answers["test_set"].tolist() == ["open", "base", "open", "base"]
    assert answers["image"].tolist() == [0, 0, 1, 1]
    assert write_predictions(store, [], tmp_path / "all.parquet") == 0
    assert not (tmp_path / "all.parquet").exists()  # they were of other runs


def store_ids(store: Store) -> list[str]:
    return [run.id for run in store.records()]


def test_without_pyarrow_it_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert main(["export-results", "--store", str(tmp_path), "--out", str(tmp_path / "o")]) == 2
    assert "pip install pyarrow" in capsys.readouterr().err
