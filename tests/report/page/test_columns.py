"""Columns of a view: rows ranked, cells that say why a number is not there, cost by device."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.report.page.columns import (
    Places,
    beyond_columns,
    cost_columns,
    letter,
    rows_in_order,
    score_columns,
    state_of,
)
from harness.report.page.cost import Cost, DeviceCost
from harness.report.tables.cells import cell_of
from harness.report.tables.columns import Beyond
from harness.report.tables.model import Cell, Row
from tests.report.tables.test_caption import row, table


def places(**status: str) -> Places:
    return Places({run: i for i, run in enumerate(status)}, status)


def of(label: str, *means: float | None) -> Row:
    cells = tuple(Cell(mean, None, int(mean is not None), 0, int(mean is None)) for mean in means)
    return replace(row(label, 1, 1), cells=cells, mean=cells[0])


def test_the_best_by_the_last_column_is_first_and_a_hole_last() -> None:
    some = table(of("low", 40, 1), of("hole", None, 99), of("high", 60, 2))
    assert [own.label for own in rows_in_order(some)] == ["high", "low", "hole"]
    by_domain = replace(some, has_mean=False)
    assert [own.label for own in rows_in_order(by_domain)] == ["hole", "high", "low"]


@pytest.mark.parametrize(
    ("cell", "state"),
    [
        (Cell(50.0, 1.0, 3, 0, 0), "done"),
        (Cell(50.0, 1.0, 2, 0, 1), "partial"),
        (Cell(None, None, 0, 1, 2), "failed"),
        (Cell(None, None, 0, 0, 3), "missing"),
    ],
)
def test_a_cell_is_whole_or_says_why_not(cell: Cell, state: str) -> None:
    assert state_of(cell) == state


def test_what_is_not_there_is_said_in_words() -> None:
    known = places(a="done", b="failed", c="missing", d="missing")
    assert known.lacking(["a", "b", "c", "d", "other"]) == "of 4 runs 1 failed and 2 missing"
    assert known.lacking(["a"]) == ""
    assert known.of(["d", "other", "c"]) == ("3,2", "d")
    assert known.of(["other"]) == ("", "")


def test_the_mean_ranks_and_a_hole_in_it_is_incomplete() -> None:
    mean = Cell(None, None, 0, 0, 1, runs=("a", "b"))
    one = replace(of("m", 50, None), mean=mean)
    (head, (score,)), others = score_columns(table(one), None, places(a="done", b="failed"), None)
    assert (head.text, head.group) == ("mean", "score")
    assert [column.text for column, _ in others] == ["art", "cartoon"]
    assert (score.number, score.runs, score.title) == ("incomplete", "0-1", "of 2 runs 1 failed")
    assert [cells[0].number for _, cells in others] == ["50.0", "–"]


def test_scores_by_seed_are_in_the_tooltip() -> None:
    cells = tuple(cell_of({(0, 0): 50.0, (1, 1): 52.0}, 0, 0, "std") for _ in range(2))
    one = replace(row("m", 2, 2), cells=cells, mean=cells[0])
    _, others = score_columns(table(one), None, places(), None)
    assert others[0][1][0].title == "by seed 0: 50.00, 1: 52.00"


def test_errors_fall_and_a_row_without_measures_is_a_dash() -> None:
    plain = table(of("a", 50, 50), of("b", 40, 40))
    more = replace(plain, rows=plain.rows[:1], domains=("ECE", "AUROC"), kind=Beyond())
    (ece, cells), (auroc, _) = beyond_columns(plain, more)
    assert (ece.text, ece.falling, auroc.falling) == ("ECE", False, True)
    assert [cell.number for cell in cells] == ["50.0", "–"]
    assert beyond_columns(plain, None) == []


def test_costs_stand_apart_for_each_device() -> None:
    costs = [
        Cost((1000, 1000), {"CPU": DeviceCost(3, None, 10.0, 500.0)}),
        Cost((1_200_000, 3_000_000), {"GPU": DeviceCost(3, 2.5, 90.0, 9_000.0)}),
        Cost(None, {}),
    ]
    columns = cost_columns(costs, ("CPU", "GPU"))
    texts = {column.text: [cell.number for cell in cells] for column, cells in columns}
    assert texts["trained"] == ["1,000", "1.2 M–3 M", "–"]
    assert texts["run s A"] == ["10", "–", "–"]
    assert texts["step ms B"] == ["–", "2.5", "–"]
    assert [column.text for column, _ in cost_columns(costs[:1], ("CPU",))][1:] == [
        "step ms",
        "run s",
        "peak MB",
    ]
    assert cost_columns(costs[2:], ()) == []


def test_devices_have_letters_and_then_numbers() -> None:
    assert [letter(k) for k in (0, 25, 26)] == ["A", "Z", "27"]
