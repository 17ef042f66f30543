"""Whether two boxes of a plot share any area."""

from __future__ import annotations

from harness.report.page.labels import Box


def overlap(a: Box, b: Box) -> bool:
    across = a.left < b.right and b.left < a.right
    return across and a.top < b.bottom and b.top < a.bottom
