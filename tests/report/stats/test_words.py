"""How a p is written."""

from __future__ import annotations

import pytest

from harness.report.stats.words import p_cell, p_words


@pytest.mark.parametrize(
    ("p", "cell", "words"),
    [
        (0.0312, "0.0312", "p = 0.0312"),
        (0.31249, "0.312", "p = 0.312"),
        (0.04996, "0.04996", "p = 0.04996"),  # not 0.0500 beside "worse"
        (0.0499999, "0.0499999", "p = 0.0499999"),
        (0.05, "0.0500", "p = 0.0500"),
        (0.1 - 0.05 + 1e-17, "0.0500", "p = 0.0500"),
        (0.05004, "0.05004", "p = 0.05004"),
        (0.0009996, "< 0.001", "p < 0.001"),
        (0.001, "0.00100", "p = 0.00100"),
        (0.00099, "< 0.001", "p < 0.001"),
        (0.0, "< 0.001", "p < 0.001"),
        (1.0, "1.00", "p = 1.00"),
    ],
)
def test_a_p_in_cells_and_sentences(p: float, cell: str, words: str) -> None:
    assert (p_cell(p), p_words(p)) == (cell, words)
