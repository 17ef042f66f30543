"""What a view needs switches for, and every published number of it."""

from __future__ import annotations

from harness.report.page.model import (
    Glance,
    PageColumn,
    PageProvenance,
    PageRow,
    Published,
    Shown,
    View,
)


def view(*columns: PageColumn, rows: tuple[PageRow, ...] = ()) -> View:
    glance = Glance("", "", "", "", None, "", "")
    return View("v", "t", (), "", glance, columns, rows, (), ("", ""), "", "domain", (), ())


def test_switches_are_those_of_the_columns_that_are_there() -> None:
    columns = PageColumn("mean", "score"), PageColumn("wall", "cost"), PageColumn("x", "columns")
    assert view(*columns).groups == (("columns", "columns"), ("cost", "cost"))


def test_published_numbers_are_listed_with_row_column_and_our_number() -> None:
    theirs = Published("96.2", "table 1")
    cells = Shown("95.0", 95.0, published=(theirs,)), Shown("1", 1.0)
    one = view(
        PageColumn("mean", "score"),
        PageColumn("x", "columns"),
        rows=(PageRow("m", "clip", False, cells),),
    )
    assert one.published == (("m", "mean", "95.0", theirs),)
    assert ("published", "published figures") in one.groups


def test_runs_are_counted_whatever_came_of_them() -> None:
    assert PageProvenance("s", 5, 2, 1, (), (), ()).n_runs == 8
