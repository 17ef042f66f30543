"""Each column in detail: who is best, by how much, where the others lie."""

from __future__ import annotations

from harness.report.page.domains import domains_of
from tests.report.page.test_columns import of
from tests.report.tables.test_caption import table


def test_best_second_and_the_places_of_all() -> None:
    some = table(of("a", 40, 80), of("b", 60, 80.01), of("c", 50, None))
    (art, cartoon), axis = domains_of(some)
    assert axis == ("40.0", "80.0")
    assert (art.best, art.number, art.second, art.lead) == (("b",), "60.0", "c", "10.0")
    assert cartoon.best == ("b", "a")  # they print the same
    assert (cartoon.second, cartoon.lead) == ("", "")
    assert art.dots[-1] == 50.0
    assert sorted(art.dots) == [0.0, 25.0, 50.0]
    assert len(cartoon.dots) == 2


def test_a_column_of_holes_has_no_best() -> None:
    (art, _), axis = domains_of(table(of("a", None, None)))
    assert (art.best, art.number, art.dots, axis) == ((), "–", (), ("0.0", "100.0"))
