"""What tables call a row: no label stands for two configurations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from harness.sweep.calls import one_line, print_value


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return a configuration as dotted names and printed values."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = print_value(value)
    return flat


def disambiguate(labels: Sequence[str], variants: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return labels that are all different: what differs is appended to those that are not.

    Two configurations under one label are two methods; averaging them would be a number of
    nothing.

    Args:
        labels: One per row, perhaps repeated.
        variants: One per row: ``method``, ``config`` and ``selection``.
    """
    out = list(labels)
    for label, count in Counter(labels).items():
        if count == 1:
            continue
        members = [i for i, other in enumerate(labels) if other == label]
        for i in members:
            out[i] = f"{label} ({', '.join(_differences(i, members, variants))})"
    seen: Counter[str] = Counter()
    for i, label in enumerate(out):  # only a label made to look like ours gets here twice
        seen[label] += 1
        if seen[label] > 1:
            out[i] = f"{label} #{seen[label]}"
    return out


def _differences(
    own: int, members: Sequence[int], variants: Sequence[Mapping[str, Any]]
) -> list[str]:
    words = []
    mine = variants[own]
    if len({variants[i]["method"] for i in members}) > 1:
        words.append(str(mine["method"]))
    same = [
        flatten(variants[i]["config"]) for i in members if variants[i]["method"] == mine["method"]
    ]
    config = flatten(mine["config"])
    for key in dict.fromkeys(key for other in same for key in other):
        if len({other.get(key) for other in same}) > 1:
            words.append(f"{key}={config.get(key, '–')}")
    if len({variants[i]["selection"] for i in members}) > 1:
        words.append(f"selection={mine['selection']}")
    return [one_line(word) for word in words]
