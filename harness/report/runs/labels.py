"""What tables call a row, and how a figure's definition refers to one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

_CALL = re.compile(r"^\s*([^\[\]]+?)\s*\[(.*)\]\s*$", re.DOTALL)
_TOP_LEVEL_COMMA = re.compile(r",(?![^\[{(]*[\]})])")


def clean(text: str) -> str:
    """Return `text` on one line, without control characters: it goes into cells and file names."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def value_text(value: Any) -> str:
    """Return a parameter's value as a reader would type it."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def method_call(method: str, given: Mapping[str, Any]) -> str:
    """Return ``method[param=value,...]``, or the bare name when nothing was given."""
    inner = ", ".join(f"{key}={value_text(value)}" for key, value in given.items())
    return f"{method}[{inner}]" if inner else method


def canonical(name: str) -> str:
    """Return the one spelling of a row's name, so that spaces and order do not matter."""
    match = _CALL.match(name)
    if match is None:
        return clean(name)
    parts = (part.partition("=") for part in _TOP_LEVEL_COMMA.split(match[2]) if part.strip())
    pairs = sorted((key.strip(), _canonical_value(value)) for key, _, value in parts)
    return f"{clean(match[1])}[{','.join(f'{key}={value}' for key, value in pairs)}]"


def _canonical_value(text: str) -> str:
    text = "".join(text.split()).strip("'\"")
    try:
        return repr(float(text))
    except ValueError:
        lowered = text.lower()
        return lowered if lowered in {"true", "false", "none", "null"} else text


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return a configuration as dotted names and printed values."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value_text(value)
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
    parts = []
    mine = variants[own]
    if len({variants[i]["method"] for i in members}) > 1:
        parts.append(str(mine["method"]))
    same = [
        flatten(variants[i]["config"]) for i in members if variants[i]["method"] == mine["method"]
    ]
    config = flatten(mine["config"])
    for key in dict.fromkeys(key for other in same for key in other):
        if len({other.get(key) for other in same}) > 1:
            parts.append(f"{key}={config.get(key, '–')}")
    if len({variants[i]["selection"] for i in members}) > 1:
        parts.append(f"selection={mine['selection']}")
    return [clean(part) for part in parts]
