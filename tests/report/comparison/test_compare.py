"""A table's rows compared: against direct calls of the statistics on the numbers put in."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from harness.report import stats
from harness.report.text import comparison as contrast
from harness.report.text import grid
from harness.report.write import write_report
from harness.specs import DatasetSpec
from harness.store.store import Store
from tests.report.comparison.stores import RNG, SCORES, compared, filled, only, percent
from tests.report.fakes import N, add, plan, spec


def test_numbers_are_those_of_the_statistics(tmp_path: Path) -> None:
    out = compared(filled(tmp_path))
    assert out.reference == "clipood"
    assert [line.label for line in out.rows] == ["finetune", "alignclip", "close"]
    gaps = {m: percent(m) - percent("clipood") for m in SCORES if m != "clipood"}
    tests = [stats.paired_test(gap.mean(axis=0), "t") for gap in gaps.values()]
    for line, holm, (method, gap) in zip(
        out.rows, stats.holm([test.p for test in tests]), gaps.items(), strict=True
    ):
        assert line.difference == pytest.approx(gap.mean())
        expected = stats.t_interval(gap.mean(axis=0))
        assert line.interval is not None
        assert expected is not None
        assert line.interval.low == pytest.approx(expected.low)
        assert line.comparison.test.p == pytest.approx(stats.paired_test(gap.mean(axis=0), "t").p)
        assert line.holm_p == pytest.approx(holm)
        assert line.seeds_needed == stats.seeds_needed(gap.mean(axis=0)).text
        middle = stats.iqm(percent(method))
        assert line.iqm is not None
        assert middle is not None
        assert line.iqm.value == pytest.approx(middle.value)
        assert line.images is None  # the fakes have no predictions
    assert [line.verdict for line in out.rows] == ["worse", "better", "not resolved"]


def test_the_difference_is_that_of_the_table(tmp_path: Path) -> None:
    part = only(filled(tmp_path))
    means = {row.label: row.mean.mean for row in part.table.rows}
    assert part.evidence is not None
    for line in part.evidence.rows:
        assert line.difference == pytest.approx(means[line.label] - means["clipood"])  # type: ignore[operator]


def test_one_method_says_plainly_that_nothing_can_be_said(tmp_path: Path) -> None:
    store = filled(tmp_path, {"clipood": SCORES["clipood"]})
    files = write_report(store, tmp_path / "out", formats=["md", "csv", "tex"])
    assert [path.name for path in files if path.name.startswith("comparison")] == ["comparison.md"]
    text = (tmp_path / "out" / "comparison.md").read_text()
    why = "Only 'clipood' has results, so there is nothing to compare."
    assert text == f"emoji, leave one domain out, tiny-emoji (fp32): {why}\n"


def test_two_configurations_under_one_label_are_two_rows(tmp_path: Path) -> None:
    store = filled(tmp_path, {"clipood": SCORES["clipood"]})
    for lr in (1, 2):
        for d, row in zip("xy", SCORES["alignclip"], strict=True):
            for s, correct in enumerate(row):
                run = spec("A", d, s, method="alignclip", config={"lr": lr})
                add(store, run, correct + 10 * lr)
    part = only(store)
    assert part.evidence is not None
    assert sorted(line.label for line in part.evidence.rows) == ["A (lr=1)", "A (lr=2)"]
    assert list(dict.fromkeys(part.frame["label"])) == [row.label for row in part.table.rows]


def test_over_data_sets_the_pairs_are_those_of_the_mean_column(tmp_path: Path) -> None:
    store = Store(tmp_path)
    runs, values = [], {}
    for d, dataset in enumerate(("PACS", "VLCS")):
        for method, gain in (("clipood", 0), ("alignclip", 40)):
            for domain in range(2 + d):
                for seed in range(3):
                    run = spec(
                        method, f"d{domain}", seed, method=method, dataset=DatasetSpec(name=dataset)
                    )
                    correct = 1000 + gain * (1 + d) + int(RNG.integers(0, 9)) + 20 * domain
                    add(store, run, correct)
                    runs.append(run)
                    values.setdefault((method, dataset, seed), []).append(100 * correct / N)
    asked = {"kind": "table", "name": "main", "over": "datasets"}
    plan(store, "all", runs, [asked, {"kind": "table", "name": "side", "over": "measures"}])
    names = {path.name for path in write_report(store, tmp_path / "out", None, ["md", "csv"])}
    assert {"comparison-main.csv", "comparison-pacs.csv", "beyond-vlcs.md"} <= names
    assert not any(name.startswith("comparison-side") for name in names)
    (row,) = csv.DictReader((tmp_path / "out" / "comparison-main.csv").open())
    per_seed = [
        np.mean(
            [
                np.mean(values["alignclip", d, s]) - np.mean(values["clipood", d, s])
                for d in ("PACS", "VLCS")
            ]
        )
        for s in range(3)
    ]
    interval = stats.t_interval(np.array(per_seed))
    assert interval is not None
    assert float(row["difference"]) == pytest.approx(np.mean(per_seed))
    assert float(row["t_low"]) == pytest.approx(interval.low)
    assert "†" in (tmp_path / "out" / "table-main.md").read_text()


def test_renderings_agree(tmp_path: Path) -> None:
    out = compared(filled(tmp_path))
    text = contrast.to_markdown(out)
    assert out.answer.replace("<", "&lt;") in text
    for line in out.rows:
        assert f"{line.difference:+.2f}" in text
        assert f"${line.difference:+.2f}$" in contrast.to_latex(out)
    rows = list(csv.DictReader(grid.to_csv(contrast.lines(out)).splitlines()))
    assert [row["method"] for row in rows] == [line.label for line in out.rows]
    assert [float(row["holm_p"]) for row in rows] == [line.holm_p for line in out.rows]
    assert [row["reading"] for row in rows] == [line.reading for line in out.rows]
