"""Which row the others are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.report.comparison.compare import compare_rows
from harness.report.comparison.reference import references_of
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.write import write_report
from harness.store.records import SweepPlan
from harness.store.store import Store
from tests.report.comparison.stores import SCORES, compared, filled
from tests.report.fakes import plan, spec


def test_references_by_strength_by_choice_and_unknown(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert compared(store, against="close").reference == "close"
    with pytest.raises(UserError, match="unknown row 'alignclop': did you mean alignclip"):
        compared(store, against="alignclop")
    with pytest.raises(UserError, match="unknown row 'closer': did you mean close"):
        compare_rows(summarise(load_frame(store)), against="closer")
    others = filled(tmp_path / "b", {m: SCORES[m] for m in ("close", "alignclip", "finetune")})
    assert compared(others).reference == "finetune"
    none = filled(tmp_path / "c", {m: SCORES[m] for m in ("close", "alignclip")})
    assert compared(none).reference == "close"


def test_a_sweep_names_its_reference_by_label_or_by_call(tmp_path: Path) -> None:
    store = filled(tmp_path)
    named(store, "p", "close")
    assert compared(store).reference == "close"
    assert compared(store, against="alignclip").reference == "alignclip"
    named(store, "p", " alignclip ")
    assert compared(store).reference == "alignclip"
    named(store, "p", "nobody")  # which this table has not
    assert compared(store).reference == "clipood"


def test_each_sweep_has_its_own_and_a_store_the_first_that_a_table_has(tmp_path: Path) -> None:
    store = filled(tmp_path)
    runs = next(store.plans()).runs
    named(store, "q", "close", runs)
    named(store, "r", "alignclip", runs)
    assert references_of(store) == ("close", "alignclip")
    assert references_of(store, "r") == ("alignclip",)
    assert references_of(store, "p") == ()
    assert compared(store, sweep="r").reference == "alignclip"
    assert compared(store).reference == "close"


def test_a_table_of_a_sweep_is_compared_with_the_sweeps_own_reference(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    runs = next(store.plans()).runs
    for sweep, label in (("q", "close"), ("r", "alignclip")):
        named(store, sweep, label, runs, [{"kind": "table", "name": f"of-{sweep}"}])
    write_report(store, tmp_path / "out", None, ["md"])
    for sweep, label in (("q", "close"), ("r", "alignclip")):
        text = (tmp_path / "out" / f"comparison-of-{sweep}.md").read_text()
        assert f"difference to {label}" in text


def test_a_row_without_results_is_no_reference(tmp_path: Path) -> None:
    store = filled(tmp_path, {m: SCORES[m] for m in ("close", "alignclip")})
    runs = [spec("clipood", d, s, method="clipood") for d in "xy" for s in range(4)]
    plan(store, "q", runs)
    assert compared(store).reference == "close"
    nothing = compared(store, against="clipood")
    assert (nothing.reference, nothing.rows) == (None, ())


def named(
    store: Store, sweep: str, reference: str, runs: Any = None, figures: Sequence[Any] = ()
) -> None:
    """Plan a sweep whose file names a reference."""
    source = {"name": sweep, "reference": reference, "figures": list(figures)}
    runs = next(store.plans()).runs if runs is None else runs
    store.write_plan(SweepPlan(name=sweep, source=source, runs=runs))
