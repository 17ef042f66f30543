"""What tuning is worth, as CSV."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.comparison.tuning import Gain
from harness.report.tables.model import Table
from harness.report.text import grid

_FIELDS = ("dataset", "model", "protocol", "test_on")


def to_csv(table: Table, found: Sequence[Gain]) -> str:
    """Return a line for each row and rule."""
    head = ["method", "rule", "defaults", "tuned", "gain", "gain_std", "seeds", "reference"]
    head += ["difference_defaults", "difference_tuned", *_FIELDS]
    rows = ([*vars(gain).values(), *(table.key[field] for field in _FIELDS)] for gain in found)
    return grid.to_csv(head, rows)
