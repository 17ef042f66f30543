from __future__ import annotations

from pathlib import Path

import pytest

from harness.report.figures.notes import footnote
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.store.store import Store
from tests.report.fakes import fill, spec


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"a": (1000, 1010), "b": (1000, 1010)}, "Bands: ± sample standard deviation over n = 2"),
        ({"a": (1000, 1010), "b": (1000,)}, "over n = 1 to 2 seeds."),
        ({"a": (1000,), "b": (1000,)}, "One seed (n = 1), so no bands."),
    ],
)
def test_what_shows_the_spread_is_said(
    tmp_path: Path, counts: dict[str, tuple[int, ...]], said: str
) -> None:
    store = Store(tmp_path)
    fill(store, {label: {"x": correct} for label, correct in counts.items()})
    table = summarise(load_frame(store))
    cells = [row.cells[0] for row in table.rows]
    text = footnote(table, cells, 0.0, "bands", "point")
    assert text.startswith("emoji, leave one domain out, tiny-emoji (fp32). ")
    assert said in text
    assert "axis" not in text
    assert "without a result" not in text


def test_a_cut_axis_and_holes_are_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for label in "ab":
        store.fail(spec(label, "x", 0, method=label), "E: no", "", "now")
    table = summarise(load_frame(store))
    cells = [row.cells[0] for row in table.rows]
    text = footnote(table, cells, 35.0, "bands", "point", "More.")
    assert text.endswith("More. The axis starts at 35 %, not at zero. 2 points without a result.")
    assert footnote(table, cells[:1], 0, "bands", "point").endswith("1 point without a result.")


def test_bars_without_spread_as_nothing_is_random_are_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"zero_shot": {"x": (1000, 1000)}, "b": {"x": (1000, 1010)}})
    table = summarise(load_frame(store))
    cells = [row.cells[0] for row in table.rows]
    assert cells[0].spread is None
    text = footnote(table, cells, 0.0, "error bars", "bar")
    assert "over n = 2 seeds. Without error bars: deterministic." in text
    alone = footnote(table, cells[:1], 0.0, "error bars", "bar")
    assert alone.endswith("(fp32). Without error bars: deterministic.")
