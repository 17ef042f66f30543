"""Accuracy by alignment and confusions, against sums written out here."""

from __future__ import annotations

import csv
import io
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cli.main import main
from harness.errors import UserError
from harness.protocols.cross_dataset import CrossDataset
from harness.report.build import Choice, Reported, report_blocks
from harness.report.stats.alignment import RIGHT, WRONG
from harness.report.text.alignment import lines
from harness.report.text.grid import to_csv
from harness.store.records import OtherData, Score
from harness.store.store import Store
from tests.report.fakes import add, keep, packed, plan, record, spec

RNG = np.random.default_rng(2)
N, SEEDS = 60, range(3)
LABEL = {d: RNG.integers(0, 3, N) for d in "xy"}
COSINE = {d: RNG.permutation(N) / N for d in "xy"}
ZERO_SHOT = {d: np.where(COSINE[d] > 0.4, LABEL[d], (LABEL[d] + 1) % 3) for d in "xy"}
ANSWERS = {
    (m, d, s): np.where(RNG.random(N) < 0.7, LABEL[d], (LABEL[d] + 1) % 3)
    for m in ("plain", "new")
    for d in "xy"
    for s in SEEDS
}


def filled(root: Path, recorded: Any = lambda method, seed: True) -> Store:
    store = Store(root)
    for (m, d, s), answer in ANSWERS.items():
        more: dict[str, Any] = {}
        if recorded(m, s):
            top = np.stack([answer, (answer + 1) % 3], axis=1)
            more = {"top": top, "logits": np.zeros((N, 2))}
            more |= {"alignment": COSINE[d], "zero_shot": ZERO_SHOT[d]}
        keep(store, record(spec(m, d, s, method=m), 1), packed(LABEL[d], answer, **more))
    return store


def only(store: Store, **options: Any) -> Reported:
    (part,) = report_blocks(store, Choice(against="plain", **options))
    return part


def inside(name: str, d: str) -> Any:
    if name in (RIGHT, WRONG):
        return (ZERO_SHOT[d] == LABEL[d]) == (name == RIGHT)
    fifth = ["0–20 %", "20–40 %", "40–60 %", "60–80 %", "80–100 %"].index(name)
    ranks = COSINE[d].argsort().argsort()
    return ranks * 5 // N == fifth


def by_seed(m: str, name: str) -> list[float]:
    return [
        statistics.fmean(
            100 * float((ANSWERS[m, d, s] == LABEL[d])[inside(name, d)].mean()) for d in "xy"
        )
        for s in SEEDS
    ]


@pytest.mark.parametrize("recorded", [lambda m, s: True, lambda m, s: (m, s) == ("new", 2)])
def test_accuracy_and_gain_in_each_bin(tmp_path: Path, recorded: Any) -> None:
    """It is the same in all runs, so one that recorded it serves those of before."""
    found = only(filled(tmp_path, recorded), alignment=True).alignment
    assert found is not None
    rows = {row.label: row for row in found.table.rows}
    assert found.reference == "plain"
    for i, own in enumerate(found.bins):
        for m in ("plain", "new"):
            assert rows[m].cells[i].mean == pytest.approx(statistics.fmean(by_seed(m, own.name)))
            assert rows[m].cells[i].spread == pytest.approx(statistics.stdev(by_seed(m, own.name)))
        pairs = zip(by_seed("new", own.name), by_seed("plain", own.name), strict=True)
        differences = [a - b for a, b in pairs]
        gain = found.gains[i]["new"]
        assert gain.difference == pytest.approx(statistics.fmean(differences))
        half = 4.302653 * statistics.stdev(differences) / math.sqrt(3)
        assert gain.t is not None
        assert gain.t.high - gain.t.low == pytest.approx(2 * half)
        cosines = np.concatenate([COSINE[d][inside(own.name, d)] for d in "xy"])
        assert own.cosine == pytest.approx(cosines.mean(), abs=1e-3)  # in half precision
        assert own.share == pytest.approx(100 * len(cosines) / (2 * N))
    rows = list(csv.DictReader(io.StringIO(to_csv(lines(found)))))
    assert len(rows) == 2 * 7
    assert float(rows[7]["difference"] or rows[0]["difference"]) == found.gains[0]["new"].difference


def test_answers_to_other_images_are_in_no_bin(tmp_path: Path) -> None:
    store = filled(tmp_path)
    for d in "xy":
        other = (LABEL[d] + 1) % 3
        keep(store, record(spec("other", d, 0, method="other"), 1), packed(other, other))
    found = only(store, alignment=True).alignment
    assert found is not None
    (row,) = (row for row in found.table.rows if row.label == "other")
    assert {cell.mean for cell in row.cells} == {None}


def test_what_was_not_recorded_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = filled(tmp_path, lambda m, s: False)
    assert only(store, alignment=True).alignment is None
    assert only(store).alignment is None
    args = ["report", "--store", str(store.root), "--alignment", "--format", "md"]
    assert main(args) == 0
    assert "--alignment: not recorded in these runs" in capsys.readouterr().err


def test_confusions_are_counted_over_domains_and_seeds(tmp_path: Path) -> None:
    store = filled(tmp_path)
    found = only(store, confusion="new").confusion
    assert found is not None
    answers = [(d, ANSWERS["new", d, s]) for d in "xy" for s in SEEDS]
    for i in range(3):
        for j in range(3):
            n = sum(int(((LABEL[d] == i) & (a == j)).sum()) for d, a in answers)
            assert found.counts[i, j] == n
    worst = max(found.pairs, key=lambda pair: pair.share)
    assert found.pairs[0] == worst
    i, j = (found.class_names.index(name) for name in (worst.label, worst.prediction))
    assert worst.share == pytest.approx(100 * found.counts[i, j] / found.counts[i].sum())
    assert found.n_runs == 6
    assert only(store).confusion is None
    with pytest.raises(UserError, match=r"row 'nwe'.*; for --confusion"):
        only(store, confusion="nwe")
    bare = Store(tmp_path / "without predictions")
    add(bare, spec("new", method="new"), 5)
    assert report_blocks(bare, Choice(confusion="new"))[0].confusion is None


def test_confusions_on_other_data_sets_are_of_their_classes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    protocol = CrossDataset(tests=("p", "q"), source="emoji")  # type: ignore[arg-type]
    made = record(spec("a", "p+q", protocol=protocol), 1)
    others = {
        name: OtherData(class_names=names, fingerprint="f")
        for name, names in (("p", ("cat", "dog", "crane", "crane")), ("q", ("owl", "cat")))
    }
    tests = {name: Score(correct=1, n=2) for name in ("p", "q", "emoji")}
    metrics = made.metrics.model_copy(update={"tests": tests})
    made = made.model_copy(update={"other_data": others, "metrics": metrics})
    #                    p (cat, dog, crane, crane)  q (owl, cat)  emoji
    answers = packed([0, 1, 2, 3, 0, 1, 0], [1, 1, 3, 3, 1, 1, 0], test=[0, 0, 0, 0, 1, 1, 2])
    keep(store, made, answers)
    (found,) = (b.confusion for b in report_blocks(store, Choice(confusion="a"))
                if b.table.key["measure"] == "accuracy")  # fmt: skip
    assert found is not None
    assert found.n_runs == 1
    assert found.class_names == ("cat", "dog", "crane", "crane", "owl")
    assert {(p.label, p.prediction, p.count) for p in found.pairs} == {
        ("cat", "dog", 1), ("crane", "crane", 1), ("owl", "cat", 1),
    }  # fmt: skip
    assert int(found.counts.trace()) == 3


def test_all_of_it_is_written_printed_and_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = filled(tmp_path / "store")
    plan(store, "p", [spec(m, d, s, method=m) for m, d, s in ANSWERS])
    out = tmp_path / "out"
    args = ["report", "--store", str(store.root), "--out", str(out), "--alignment", "--html"]
    assert main([*args, "--confusion", "new", "--against", "plain", "--decimals", "3"]) == 0
    files = {file.name for file in out.iterdir()}
    for name in ("alignment", "confusion-new"):
        assert files >= {f"{name}.{kind}" for kind in ("md", "csv", "tex", "png", "pdf")}
    page = (out / "leaderboard.html").read_text()
    assert "by alignment: " in page
    assert page.count("data:image/png") == 2
    # the best where the pretrained model is wrong is not the best
    assert page.count("where a gain is made") == 1
    printed = capsys.readouterr().out
    assert "zero-shot wrong" in printed
    assert "What new confuses most" in printed
    mean = statistics.fmean(by_seed("new", WRONG))
    assert f"{mean:.3f}" in (out / "alignment.md").read_text()
    assert f"{mean:.3f}" in printed
