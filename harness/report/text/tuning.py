"""What tuning is worth, as lines of values."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.comparison.tuning import Gain
from harness.report.tables.model import Table
from harness.report.text import grid

_FIELDS = ("dataset", "model", "protocol", "test_on")


def lines(table: Table, found: Sequence[Gain]) -> grid.Lines:
    """Return a line for each row and rule."""
    head = ["method", "rule", "defaults", "tuned", "gain", "gain_std", "seeds", "reference"]
    head += ["difference_defaults", "difference_tuned", *_FIELDS]
    rows = ([*vars(gain).values(), *(table.key[field] for field in _FIELDS)] for gain in found)
    return grid.Lines(head, rows)
