"""Differences and verdicts as columns."""

from __future__ import annotations

from pathlib import Path

from harness.report.page.build import build_page
from harness.store.store import Store
from tests.report.fakes import fill
from tests.report.page.test_build import column


def test_rows_that_do_not_differ_have_their_place(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"zero_shot": {"x": (1200, 1210)}, "b": {"x": (1200, 1210)}})
    (view,) = build_page(store).views
    forest = column(view, "Δ zero_shot")["b"].forest
    assert forest is not None
    assert forest.zero == forest.at == forest.low == forest.high
