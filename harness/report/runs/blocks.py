"""Which runs may share a table: same backbone, data, and protocol."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import pandas as pd

ASKED = (
    "dataset", "dataset_options", "model", "precision", "protocol", "measure", "test_on",
    "holdout_fraction", "disjoint_groups", "shots", "source", "fixed_splits", "test_resize",
)  # fmt: skip
"""Known from the spec, so that a run that is not done has its place too."""
FOUND = ("dataset_fingerprint", "model_fingerprint")
"""Known once a run has opened its files: the same name may stand for other content."""
FIELDS = ASKED + FOUND


@dataclass(frozen=True)
class Block:
    """Runs that may share a table."""

    key: dict[str, Any]
    """The value of every field in FIELDS."""
    name: str
    """For file names; empty when the store has one block."""
    frame: pd.DataFrame


def blocks(frame: pd.DataFrame) -> list[Block]:
    """Split runs into groups that may share a table; in order of first appearance."""
    keys = _keys(frame)
    distinct = list(dict.fromkeys(keys))
    names = _names(distinct)
    return [
        Block(dict(zip(FIELDS, key, strict=True)), name, frame[[other == key for other in keys]])
        for key, name in zip(distinct, names, strict=True)
    ]


def _keys(frame: pd.DataFrame) -> list[tuple[Hashable, ...]]:
    asked = list(zip(*(frame[field] for field in ASKED), strict=True))
    found = list(zip(*(frame[field] for field in FOUND), strict=True))
    done = frame["status"] == "done"
    seen: dict[tuple[Hashable, ...], dict[tuple[Hashable, ...], int]] = {}
    for a, f, is_done in zip(asked, found, done, strict=True):
        if is_done:
            counts = seen.setdefault(a, {})
            counts[f] = counts.get(f, 0) + 1
    # A run that is not done has not opened its files: it belongs where most of its like went.
    # It is a hole in a table, not a table of its own.
    usual = {a: max(counts, key=lambda f: counts[f]) for a, counts in seen.items()}
    return [
        a + (f if is_done else usual.get(a, f))
        for a, f, is_done in zip(asked, found, done, strict=True)
    ]


def _names(keys: list[tuple[Hashable, ...]]) -> list[str]:
    if len(keys) == 1:
        return [""]
    varying = [i for i in range(len(FIELDS)) if len({key[i] for key in keys}) > 1]
    names: list[str] = []
    for key in keys:
        parts = [_part(FIELDS[i], key[i]) for i in varying]
        name = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(parts)).strip("-.").lower() or "block"
        taken = sum(other == name or other.startswith(f"{name}.") for other in names)
        names.append(f"{name}.{taken + 1}" if taken else name)
    return names


def _part(field: str, value: Hashable) -> str:
    if field == "disjoint_groups":
        return "disjoint" if value else "shared"
    if field == "test_on":
        return f"test-{value}"
    if field == "holdout_fraction":
        return f"holdout-{value}"
    if field == "shots":
        return f"{value}-shot" if value else "all-shots"
    if field == "fixed_splits":
        return "fixed-splits" if value else "own-splits"
    if field == "test_resize":
        return f"resize-{value}"
    return str(value)[:8] if field in FOUND else str(value)
