from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.maps.figures.bars import share_picture
from harness.report.tables.model import Table
from tests.maps.stores import measured
from tests.report.figures.pixels import size_of


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Table]:
    found = measured(tmp_path)
    return found | {"block 1": found["all blocks"], "block 2": found["all blocks"]}


def test_more_groups_make_a_wider_picture(tables: dict[str, Table]) -> None:
    few = size_of(share_picture(tables, ["block 1", "all blocks"], "c"))
    many = size_of(share_picture(tables, [*["block 1"] * 20, "all blocks"], "c"))
    assert few[0] == 5.6 * 200
    assert many[0] > few[0]
    assert many[1] == few[1]


def test_a_legend_that_does_not_fit_gets_another_line(tables: dict[str, Table]) -> None:
    def named(label: str) -> dict[str, Table]:
        return {
            name: replace(table, rows=tuple(replace(row, label=label) for row in table.rows))
            for name, table in tables.items()
        }

    short, long = (
        size_of(share_picture(named(label), ["block 1", "all blocks"], "c"))
        for label in ("a", "a label of rather many words " * 2)
    )
    assert long[1] - short[1] == 2 * 40  # three entries below each other, 0.2 inch of 200 dots


def test_a_row_without_spread_is_drawn(tables: dict[str, Table]) -> None:
    bare = {
        name: replace(
            table,
            rows=tuple(replace(r, mean=replace(r.mean, spread=None)) for r in table.rows),
        )
        for name, table in tables.items()
    }
    groups = ["block 1", "all blocks"]
    assert share_picture(bare, groups, "c", "pdf").startswith(b"%PDF")
    assert share_picture(bare, groups, "c") != share_picture(tables, groups, "c")
