"""How a p is written."""

from __future__ import annotations

import pytest

from harness.report.stats.words import p_cell, p_words


@pytest.mark.parametrize(
    ("p", "cell", "words"),
    [
        (0.0312, "0.031", "p = 0.031"),
        (0.001, "0.001", "p = 0.001"),
        (0.00099, "< 0.001", "p < 0.001"),
        (0.0, "< 0.001", "p < 0.001"),
        (1.0, "1.000", "p = 1.000"),
    ],
)
def test_a_p_in_cells_and_sentences(p: float, cell: str, words: str) -> None:
    assert (p_cell(p), p_words(p)) == (cell, words)
