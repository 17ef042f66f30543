"""Methods ranked over the data sets of a store."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from harness.cli.main import main
from harness.errors import UserError
from harness.report.build import Choice, ranks_by_name, report_blocks
from harness.report.comparison.ranks import RankOver, Ranks
from harness.report.figures.ranks import ranks_picture
from harness.report.text.grid import to_csv
from harness.report.text.ranks import caption, lines
from harness.specs import DatasetSpec
from harness.store.store import Store
from tests.report.fakes import N, add, plan, spec

SCORES = {  # percent by data set
    "plain": (50, 60, 70, 40, 55), "good": (54, 63, 75, 44, 58), "even": (50.4, 60, 69.6, 40, 55.2),
}  # fmt: skip


def filled(root: Path, datasets: int = 5) -> Store:
    store = Store(root)
    runs = []
    for method, scores in SCORES.items():
        for number, score in enumerate(scores[:datasets]):
            for d, shift in (("x", 1), ("y", -1)):
                data = DatasetSpec(name=f"set{number}")
                run = spec(method, f"{d}{number}", 0, method=method, dataset=data)
                add(store, run, round((score + shift) * N / 100))
                runs.append(run)
    plan(store, "p", runs)
    return store


def ranked(store: Store, over: RankOver = "datasets") -> Ranks:
    choice = Choice(against="plain", rank_over=over, evidence=False)
    ((name, found),) = ranks_by_name(store, choice, report_blocks(store, choice))
    assert name == ""
    return found


def test_rows_are_ranked_over_the_means_of_data_sets(tmp_path: Path) -> None:
    found = ranked(filled(tmp_path))
    assert found.blocks == tuple(f"set{i}" for i in range(5))
    ranks = {row.label: row.rank for row in found.rows}
    assert ranks == pytest.approx({"good": 1.0, "even": 2.4, "plain": 2.6})
    assert [row.label for row in found.rows] == ["good", "even", "plain"]
    good = next(row.against for row in found.rows if row.label == "good")
    assert good is not None
    assert good.difference == pytest.approx(np.mean([4, 3, 5, 4, 3]))
    assert good.holm_p == pytest.approx(2 * 2 / 2**5)  # all five up, of two comparisons
    assert good.equivalence.better > 0.95
    even = next(row.against for row in found.rows if row.label == "even")
    assert even is not None
    assert even.equivalence.same > 0.95
    assert found.cliques == ((0, 1), (1, 2))  # CD 1.48 for three methods on five data sets
    assert found.cd == pytest.approx(2.343 * (3 * 4 / (6 * 5)) ** 0.5, abs=1e-3)


def test_fewer_than_three_data_sets_are_refused_and_targets_are_labelled(tmp_path: Path) -> None:
    store = filled(tmp_path, 2)
    with pytest.raises(UserError, match=r"2 data sets in a table; .* 3 or more.*rank-over targets"):
        ranked(store)
    found = ranked(store, "targets")
    assert found.blocks == ("set0/x0", "set0/y0", "set1/x1", "set1/y1")
    assert "Not independent" in caption(found)
    assert "Not independent" not in caption(ranked(filled(tmp_path / "more")))
    assert "With 4 targets that p is never below 0.25." in caption(found)  # 2 / 2**3


def test_a_row_that_lacks_a_data_set_is_left_out_and_named(tmp_path: Path) -> None:
    store = filled(tmp_path)
    add(store, spec("part", "x0", method="part", dataset=DatasetSpec(name="set0")), 900)
    found = ranked(store)
    assert found.left_out == ("part",)
    assert "so not ranked: part" in caption(found)


def test_the_files_and_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = filled(tmp_path / "store", 3)
    out = tmp_path / "out"
    args = ["report", "--store", str(store.root), "--out", str(out), "--rank-over", "datasets"]
    assert main([*args, "--rope", "0.5", "--html"]) == 0
    assert {f"ranks.{kind}" for kind in ("md", "csv", "tex", "png", "pdf")} <= {
        file.name for file in out.iterdir()
    }
    assert "within 0.5 points" in " ".join((out / "ranks.md").read_text().split())
    assert "Average ranks over data sets" in (out / "leaderboard.html").read_text()
    assert "average rank" in capsys.readouterr().out
    found = ranked(store)
    rows = list(csv.DictReader(io.StringIO(to_csv(lines(found)))))
    assert [float(line["average_rank"]) for line in rows] == [row.rank for row in found.rows]
    assert ranks_picture(found) == ranks_picture(found)
    assert main([*args[:3], "--rank-over", "datasets", "--dataset", "set0"]) == 2
    assert "--rank-over datasets: 1 data set in a table" in capsys.readouterr().err
