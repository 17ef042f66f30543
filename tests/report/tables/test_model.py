"""What a cell and the heads of a table say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.report.tables.model import Cell, cell_text
from tests.report.tables.test_caption import row, table


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        (Cell(50.0, 0.5, 3, 0, 0), ("50.0", "± 0.5", "")),
        (Cell(50.0, 0.5, 2, 0, 0), ("50.0", "± 0.5", "(n=2)")),
        (Cell(50.0, None, 1, 1, 1), ("50.0", "", "(1/3)")),
        (Cell(50.0, 0.5, 3, 0, 0, mark="†"), ("50.0", "± 0.5", "†")),
        (Cell(50.0, 0.5, 2, 1, 0, mark="‡"), ("50.0", "± 0.5", "(2/3) ‡")),
        (Cell(None, None, 0, 1, 2), ("failed", "", "")),
        (Cell(None, None, 0, 0, 3), ("–", "", "")),
    ],
)
def test_a_cell_is_number_spread_and_note(cell: Cell, texts: tuple[str, str, str]) -> None:
    assert cell_text(cell, 3) == texts


def test_the_last_column_is_the_mean_and_has_the_name_of_no_other() -> None:
    usual = table(row("a", 3, 3))
    assert usual.columns == ("art", "cartoon", "mean")
    assert len(usual.cells(usual.rows[0])) == 3
    named = table(row("a", 3, 3), domains=("mean", "max"))
    assert named.columns == ("mean", "max", "mean over domains")
    alone = replace(usual, has_mean=False, heads=("A", "C"))
    assert (alone.columns, alone.column_heads) == (("art", "cartoon"), ("A", "C"))
    assert len(alone.cells(alone.rows[0])) == 2
