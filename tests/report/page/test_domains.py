"""Each column in detail: who is best, by how much, where the others lie."""

from __future__ import annotations

from dataclasses import replace

from harness.report.comparison.leads import leads_of
from harness.report.page.domains import domains_of
from harness.report.stats.design import DEFAULT
from tests.report.comparison.test_leads import A, B, varied
from tests.report.page.test_columns import of
from tests.report.tables.test_caption import table


def test_best_second_and_the_places_of_all() -> None:
    some = table(of("a", 40, 80), of("b", 60, 80.01), of("c", 50, None))
    (art, cartoon), axis = domains_of(some, leads_of(some))
    assert axis == ("40.0", "80.0")
    assert (art.best, art.number, art.second, art.lead) == (("b",), "60.0", "c", "10.0")
    assert cartoon.best == ("b", "a")  # they print the same
    assert (cartoon.second, cartoon.lead) == ("", "")
    assert art.dots[-1] == 50.0
    assert sorted(art.dots) == [0.0, 25.0, 50.0]
    assert len(cartoon.dots) == 2


def test_a_column_of_holes_has_no_best() -> None:
    empty = table(of("a", None, None))
    (art, _), axis = domains_of(empty, leads_of(empty))
    assert (art.best, art.number, art.dots, axis) == ((), "–", (), ("0.0", "100.0"))


def test_a_lead_says_whether_it_is_noise_if_that_was_asked() -> None:
    one = table(varied("a", *A), varied("b", *B))
    (sure, noise), _ = domains_of(one, leads_of(one, DEFAULT))
    assert (sure.badge, sure.badge_text, sure.lead) == ("resolved", "more than noise", "10.0")
    assert "after Holm's correction for 2 comparisons" in sure.reading
    assert (noise.badge, noise.badge_text) == ("noise", "may be noise")
    (plain, _), _ = domains_of(one, leads_of(one))
    assert (plain.badge, plain.badge_text, plain.lead) == (None, "", "10.0")


def test_columns_that_are_not_shown_have_no_line() -> None:
    one = table(of("a", 40, 80), of("b", 60, 70))
    fewer = replace(one, domains=("cartoon",), rows=(of("a", 80), of("b", 70)))
    ((only,), _) = domains_of(fewer, leads_of(one))
    assert (only.name, only.lead) == ("cartoon", "10.0")
