"""Tuned rows, their trials and what tuning is worth, from a store of runs that never ran."""

from __future__ import annotations

import csv
import io
import itertools
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.main import main
from harness.report.build import Choice, report_blocks
from harness.report.runs.frame import load_frame
from harness.report.tuning.expected import expected_best
from harness.report.tuning.panel import panels
from harness.report.tuning.trials import lines, searched
from harness.specs import RunSpec
from harness.store.records import SweepPlan
from harness.store.store import Store
from harness.sweep.file import SweepSpec, plan_sweep
from harness.tune.choice import finals_of, rows_of
from harness.validation import validated
from tests.report.fakes import N, add


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(1, 4))
def test_the_expected_best_is_that_of_all_draws(scores: list[int], n: int) -> None:
    every = [max(drawn) for drawn in itertools.product(scores, repeat=n)]
    assert expected_best(scores, n) == pytest.approx(statistics.fmean(every))


def planned(
    _protocol: str = "domain_shift",
    _shots: Sequence[int] = (),
    _datasets: Sequence[Any] = ("emoji",),
    **tune: Any,
) -> SweepPlan:
    source = {
        "protocol": {"name": _protocol}, "shots": list(_shots),
        "name": "tuned", "model": "tiny-emoji", "datasets": list(_datasets), "seeds": [0, 1],
        "targets": ["noto", "twemoji"], "defaults": {"steps": 9},
        "tune": {"trials": 3} | tune,
        "methods": ["zero_shot", {"method": "clipood", "label": "CLIPood"},
                    {"method": "alignclip", "label": "AlignCLIP"}],
    }  # fmt: skip
    return plan_sweep(validated(SweepSpec, source, "s"), None)


def fill(store: Store, plan: SweepPlan) -> None:
    """Let trial 1 of CLIPood and 2 of AlignCLIP be the best; 50 % by default, 60 and 54 % tuned."""
    for search in plan.searches:
        best = 1 if search.row == "CLIPood" else 2
        for number, candidate in enumerate(search.candidates):
            for run in candidate.runs:
                if not store.has(run.id):
                    add(store, run, 1300 + (100 if number == best else -number))
    for _, finals in finals_of(plan, store):
        for run in finals:
            add_once(store, run, 1200 if run.method == "clipood" else 1080)
    for run in plan.runs:
        add_once(store, run, 1000 + 20 * run.seed * (run.method == "alignclip"))
    store.write_plan(plan)


def add_once(store: Store, run: RunSpec, correct: int) -> None:
    if not store.has(run.id):
        add(store, run, correct)


def test_trials_are_no_rows_and_a_tuned_row_is_one_whatever_was_chosen(tmp_path: Path) -> None:
    plan, store = planned(select=["oracle"]), Store(tmp_path)
    fill(store, plan)
    for sweep in (None, "tuned"):
        (block,) = report_blocks(store, Choice(sweep=sweep))
        assert [row.label for row in block.table.rows] == [
            "zero_shot", "CLIPood (defaults)", "CLIPood (tuned, ORACLE, 3 trials)",
            "AlignCLIP (defaults)", "AlignCLIP (tuned, ORACLE, 3 trials)",
        ]  # fmt: skip
        assert block.table.usual_n == 2
        assert block.table.n_missing == 0
    frame = load_frame(store)
    assert not set(frame["id"]) & {run.id for run in plan.trials}
    # another choice's final runs, from before a failed trial was repeated, are none either
    other = plan.searches[0].finals_of(0 if plan.searches[0].row == "AlignCLIP" else 2)
    add(store, other[0], 1)
    assert set(load_frame(store)["id"]) == {run.id for run in rows_of(plan, store)}


def test_an_oracle_is_called_so_everywhere_and_nobody_else_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, tune in (("named", {"select": ["oracle"]}), ("not", {})):
        plan = planned(**tune)
        store = Store(tmp_path / name)
        fill(store, plan)
        assert main(["report", "--store", str(store.root), "--html"]) == 0
        said = capsys.readouterr().out
        files = {f.name: f for f in (store.root / "report").iterdir()}
        texts = {n: f.read_text() for n, f in files.items() if f.suffix not in (".png", ".pdf")}
        texts |= {"terminal": said}
        assert {"table.csv", "comparison.md", "beyond.md", "trials.csv", "tuning.csv",
                "leaderboard.html", "table.tex"} - set(texts) <= {"beyond.md"}  # fmt: skip
        for file, text in texts.items():
            assert ("ORACLE" in text) == (name == "named"), file
            assert "oracle-" not in text
            assert "(trial" not in text, file
        for line in texts["table.csv"].splitlines():
            assert ("tuned" in line) <= (("ORACLE" in line) == (name == "named"))
        figure = f"figure-trials-{'ORACLE' if name == 'named' else 'training-domain'}.png"
        assert figure in files


def test_what_tuning_is_worth(tmp_path: Path) -> None:
    plan, store = planned(), Store(tmp_path)
    # the rule reads the sources' validation, the same in all fakes: the first trial is chosen
    fill(store, plan)
    (block,) = report_blocks(store, Choice())
    assert [(g.row, g.gain) for g in block.tuning] == [("CLIPood", 0), ("AlignCLIP", 0)]

    plan, store = planned(select=["leave-one-source-out"]), Store(tmp_path / "other")
    name = "CLIPood (tuned, leave-one-source-out, 3 trials)"
    fill(store, plan.model_copy(update={"source": plan.source | {"reference": name}}))
    (block,) = report_blocks(store, Choice())
    clipood, alignclip = block.tuning
    assert (clipood.defaults, clipood.tuned) == (50, 60)
    assert (clipood.gain, clipood.reference, clipood.apart) == (10, "", None)
    assert alignclip.defaults == pytest.approx(100 * 1010 / N)
    assert alignclip.gain == pytest.approx(54 - 50.5)
    assert alignclip.spread == pytest.approx(2**-0.5)  # 50 and 51 % by default
    assert alignclip.apart == pytest.approx(0.5)
    assert alignclip.apart_tuned == pytest.approx(-6)
    caption = block.table.tuning
    assert "the best of 3 trials for each target" in caption
    assert "AlignCLIP 50.5, +3.50 to 54.0 (leave-one-source-out)" in caption
    assert ("Against CLIPood, both at their own values: AlignCLIP +0.50, tuned alike -6.00 "
            "(leave-one-source-out).") in caption  # fmt: skip


def test_budgets_of_two_sweeps_are_told_apart_and_each_sweep_has_its_own(tmp_path: Path) -> None:
    store, rule = Store(tmp_path), "leave-one-source-out"
    for trials in (2, 3):
        plan = planned(select=[rule], trials=trials)
        fill(store, plan.model_copy(update={"name": f"of-{trials}"}))
    every = [("CLIPood", f"{rule}, 2 trials"), ("AlignCLIP", f"{rule}, 2 trials"),
             ("CLIPood", f"{rule}, 3 trials"), ("AlignCLIP", f"{rule}, 3 trials")]  # fmt: skip
    (block,) = report_blocks(store, Choice())
    assert [(gain.row, gain.selection) for gain in block.tuning] == every
    for sweep in ("of-2", "of-3"):
        (block,) = report_blocks(store, Choice(sweep=sweep))
        assert [(g.row, g.selection) for g in block.tuning] == [
            ("CLIPood", rule),
            ("AlignCLIP", rule),
        ]


def test_the_figure_s_numbers(tmp_path: Path) -> None:
    plan, store = planned(select=["leave-one-source-out"]), Store(tmp_path)
    fill(store, plan)
    (panel,) = panels(searched(store, Choice()), store)
    clipood, alignclip = panel.rows
    assert clipood.scores == pytest.approx((65, 70, 64.9))
    assert (clipood.median, clipood.best) == (pytest.approx(65), pytest.approx(70))
    assert clipood.curve[0] == pytest.approx(statistics.fmean((65, 70, 64.9)))
    assert clipood.curve[2] == pytest.approx(expected_best((65, 70, 64.9), 3))
    assert (clipood.tested, alignclip.tested) == (pytest.approx(60), pytest.approx(54))
    assert "CLIPood: median 65.0 %, best 70.0 % of 3, tested 60.0 %" in panel.alt


def test_figures_of_two_sweeps_have_different_titles(tmp_path: Path) -> None:
    plan, store = planned(select=["leave-one-source-out"]), Store(tmp_path)
    fill(store, plan)
    (only,) = panels(searched(store, Choice()), store)
    assert only.title == "Trials and what they choose: leave-one-source-out"
    store.write_plan(plan.model_copy(update={"name": "again"}))
    titles = [panel.title for panel in panels(searched(store, Choice()), store)]
    assert titles == [f"{only.title} ({name}, emoji, tiny-emoji)" for name in ("again", "tuned")]


def test_figures_and_lines_of_two_numbers_of_shots_are_told_apart(tmp_path: Path) -> None:
    plan, store = planned(_protocol="few_shot", _shots=[1, 4]), Store(tmp_path)
    for run in plan.trials:
        add(store, run, 1000)
    store.write_plan(plan)
    found = searched(store, Choice())
    assert {(one.key["shots"], one.target) for one in found} == {
        (1, "noto"), (1, "twemoji"), (4, "noto"), (4, "twemoji"),
    }  # fmt: skip
    titles = [panel.title.partition(" (")[2] for panel in panels(found, store)]
    assert titles == [f"tuned, emoji, tiny-emoji, {n}-shot)" for n in (1, 4)]
    head, rows = lines(found)
    assert {row[head.index("shots")] for row in rows} == {1, 4}


def test_the_trials_file_has_values_and_validation_and_no_test(tmp_path: Path) -> None:
    plan, store = planned(select=["leave-one-source-out"]), Store(tmp_path)
    fill(store, plan)
    main(["report", "--store", str(tmp_path), "--format", "csv"])
    text = (tmp_path / "report" / "trials.csv").read_text()
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == 2 * 2 * 3
    chosen = [line for line in found if line["chosen"] == "True"]
    assert {(line["method"], line["trial"]) for line in chosen} == {
        ("CLIPood", "1"), ("AlignCLIP", "2"),
    }  # fmt: skip
    assert [float(line["validation"]) for line in chosen] == pytest.approx([70.0] * 4)
    assert chosen[0]["values"].startswith("clipood[lr=")
    assert "60.0" not in text


def test_an_unfinished_search_is_a_hole_and_not_a_choice(tmp_path: Path) -> None:
    plan, store = planned(select=["leave-one-source-out"]), Store(tmp_path)
    fill(store, plan)
    gone = plan.searches[0].candidates[0].runs[0]
    store.set_aside(gone.id)
    (block,) = report_blocks(store, Choice())
    (row,) = [r for r in block.table.rows if r.label.startswith("CLIPood (tuned")]
    assert [cell.n for cell in row.cells] == [0, 2]
    assert panels(searched(store, Choice()), store)[0].rows[0].row == "AlignCLIP"


def test_a_row_whose_trials_chose_nothing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, store = planned(), Store(tmp_path)
    fill(store, plan)
    one, other = (
        next(s for s in plan.searches if s.row == row) for row in ("CLIPood", "AlignCLIP")
    )
    for run in (run for candidate in one.candidates for run in candidate.runs):
        store.set_aside(run.id)
        store.fail(run, "it broke", "", "now")
    store.set_aside(other.candidates[1].runs[0].id)
    assert main(["report", "--store", str(tmp_path), "--format", "csv"]) == 0
    assert (
        "tuned rows lack 2 target(s), whose trials chose nothing: CLIPood on noto "
        "(training-domain: all failed); AlignCLIP on noto (training-domain: not all are done)"
    ) in capsys.readouterr().err


def test_failed_trials_are_said_of_their_own_data_set_s_table(tmp_path: Path) -> None:
    datasets = ["emoji", {"name": "emoji", "options": {"domains": ["noto", "twemoji"]}}]
    plan, store = planned(_datasets=datasets), Store(tmp_path)
    broken = next(s for s in plan.searches if s.finals[0].dataset.options).candidates[1].runs[0]
    store.fail(broken, "it broke", "", "now")
    for run in plan.trials:
        if run.id != broken.id:
            add(store, run, 1000)
    fill(store, plan.model_copy(update={"searches": ()}))
    store.write_plan(plan)
    whole, part = report_blocks(store, Choice(evidence=False))
    assert "failed" not in whole.table.tuning
    assert "1 of its trials failed" in part.table.tuning


def test_validation_of_a_run_that_several_rows_chose_is_in_each_of_them(tmp_path: Path) -> None:
    plan, store = planned(select=["training-domain", "oracle"]), Store(tmp_path)
    fill(store, plan)
    tested, validated_on = (
        report_blocks(store, Choice(score=score))[0].table for score in ("target", "source_val")
    )
    assert [row.label for row in validated_on.rows] == [row.label for row in tested.rows]
    for row in validated_on.rows:
        assert [cell.mean for cell in row.cells] == [75.0, 75.0], row.label
