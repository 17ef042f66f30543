"""Each column's best against its next, and whether that is noise."""

from __future__ import annotations

import pytest
from scipy import stats

from harness.report.comparison.compare import compare_rows
from harness.report.comparison.leads import leads_note, leads_of
from harness.report.stats.design import DEFAULT
from harness.report.tables.cells import cell_of, mean_cell
from harness.report.tables.model import Row
from harness.report.text.comparison import to_markdown
from tests.report.tables.test_caption import table

SEEDS = [(s, s) for s in range(3)]


def varied(label: str, *columns: tuple[float, ...]) -> Row:
    """Return a row with these scores of three seeds in each column."""
    cells = [
        cell_of(dict(zip(SEEDS, own, strict=False)), 0, 3 - len(own), "std") for own in columns
    ]
    mean = mean_cell(cells, SEEDS, "std")
    return Row(label, frozenset({label}), label, "last", tuple(cells), mean)


A = ((60.0, 60.1, 60.2), (60.0, 70.0, 65.0))
B = ((50.0, 50.3, 50.1), (64.0, 64.5, 63.9))


def test_p_is_that_of_the_paired_test_after_holms_correction_for_the_columns() -> None:
    first, second = leads_of(table(varied("a", *A), varied("b", *B)), DEFAULT)
    assert (first.best, first.second, first.number) == (("a",), "b", "60.1")
    ps = [stats.ttest_rel(a, b).pvalue for a, b in zip(A, B, strict=True)]
    assert first.comparison is not None
    assert second.comparison is not None
    assert first.comparison.test.p == pytest.approx(ps[0])
    assert first.comparison.holm_p == pytest.approx(2 * min(ps))
    assert second.comparison.holm_p == pytest.approx(max(ps))
    assert (first.comparison.verdict, second.comparison.verdict) == ("better", "not resolved")
    assert first.lead == first.comparison.difference


def test_ties_lead_together_and_holes_lead_nothing() -> None:
    rows = (varied("a", *A), varied("same", *A), varied("part", (90.0,), (90.0,)), varied("b", *B))
    lead = leads_of(table(*rows), DEFAULT)[0]
    assert (lead.best, lead.second) == (("a", "same"), "b")
    alone = leads_of(table(varied("a", *A)), DEFAULT)[0]
    assert (alone.best, alone.second, alone.lead, alone.comparison) == (("a",), "", None, None)


def test_one_seed_is_too_few() -> None:
    one = table(varied("a", (60.0,), (50.0,)), varied("b", (50.0,), (60.0,)))
    rows = [[cell_of({(0, 0): c.mean or 0.0}, 0, 0, "std") for c in row.cells] for row in one.rows]
    made = table(*(Row(r.label, r.names, r.method, "", tuple(c), c[0])
                   for r, c in zip(one.rows, rows, strict=True)))  # fmt: skip
    found = [own.comparison for own in leads_of(made, DEFAULT)]
    assert [own and own.verdict for own in found] == ["too few seeds"] * 2


def test_markdown_says_of_each_lead_whether_it_is_noise() -> None:
    found = compare_rows(table(varied("a", *A), varied("b", *B)))
    assert found is not None
    text = " ".join(to_markdown(found).split())
    assert "| art | a | 60.1 | +10.0 | more than noise (p &lt; 0.001) | b |" in text
    assert "| cartoon | a | 65.0 | +0.9 | may be noise (p = 0." in text
    assert leads_note(found) in text
    assert "Holm-corrected for 2 comparisons" in leads_note(found)
