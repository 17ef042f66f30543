"""Which runs may share a table: same backbone, data, and protocol."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.protocols import PROTOCOLS, Protocol, read_protocol
from harness.specs import ELSEWHERE

ASKED = (
    "dataset",
    "dataset_options",
    "model",
    "precision",
    "protocol",
    "measure",
    "test_on",
    "holdout_fraction",
    "disjoint_groups",
    "shots",
    "source",
    "fixed_splits",
    "test_resize",
    "protocol_options",
)
"""Known from the spec, so that a run that is not done has its place too."""
OPENED = ("dataset_fingerprint", "model_fingerprint")
"""Known once a run has opened its files: the same name may stand for other content."""
FIELDS = ASKED + OPENED
_LONG_WORD = 60


@dataclass(frozen=True)
class Block:
    """Runs that may share a table."""

    key: dict[str, Any]
    """The value of every field in FIELDS."""
    name: str
    """For file names; empty when the store has one block."""
    frame: pd.DataFrame
    content: str = ""
    """Hash of the files, as ``images 1a2b3c4d``, where another block differs in nothing else."""


def blocks_of(frame: pd.DataFrame) -> list[Block]:
    """Split runs into groups that may share a table; in order of first appearance."""
    placed = _placed(frame)
    number = placed.groupby(list(FIELDS), sort=False, dropna=False).ngroup().to_numpy()
    _, firsts = np.unique(number, return_index=True)
    keys = placed.iloc[firsts].astype(object).to_dict("records")
    names = names_of(keys)
    return [
        Block(
            {str(field): value for field, value in key.items()},
            name,
            frame[number == i],
            _content(key, keys),
        )
        for i, (key, name) in enumerate(zip(keys, names, strict=True))
    ]


def beside_ours(frame: pd.DataFrame) -> pd.DataFrame:
    """Put weights trained elsewhere into every block of ours that has their data and protocol."""
    theirs = frame["model"] == ELSEWHERE
    backbone = ["model", "precision", "model_fingerprint"]
    shared = [field for field in FIELDS if field not in backbone]
    parts, left = [frame[~theirs]], theirs.copy()
    for block in blocks_of(frame[~theirs]):
        same = theirs & (frame[shared] == [block.key[field] for field in shared]).all(axis=1)
        parts.append(frame[same].assign(**{field: block.key[field] for field in backbone}))
        left &= ~same
    return pd.concat([*parts, frame[left]], ignore_index=True)


def _content(key: Mapping[Any, Any], keys: Sequence[Mapping[Any, Any]]) -> str:
    """Return what tells a block from those that were asked for with the same words."""
    twins = [other for other in keys if all(other[field] == key[field] for field in ASKED)]
    return ", ".join(
        f"{what} {str(key[field])[:8] or 'not opened'}"
        for field, what in zip(OPENED, ("images", "weights"), strict=True)
        if len({other[field] for other in twins}) > 1
    )


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the fields of each run; one that is not done goes where most of its like went.

    It has not opened its files, and is a hole in a table, not a table of its own.
    """
    placed = frame[list(FIELDS)].reset_index(drop=True)
    done = (frame["status"] == "done").to_numpy(dtype=bool)
    counts = placed[done].groupby(list(FIELDS), sort=False, dropna=False).size()
    usual = (
        counts.rename("runs")
        .reset_index()
        .sort_values("runs", ascending=False, kind="stable")
        .drop_duplicates(list(ASKED))
    )
    likely = placed[list(ASKED)].merge(usual, on=list(ASKED), how="left")
    for field in OPENED:
        placed[field] = placed[field].mask(~done & likely["runs"].notna(), likely[field])
    return placed


def protocol_of(key: Mapping[str, Any]) -> Protocol:
    """Return the protocol of a block from its key."""
    shared = {field: key[field] for field in Protocol.model_fields if field != "name"}
    return read_protocol(
        {"name": key["protocol"], **shared, **json.loads(key["protocol_options"])}, "block"
    )


def words_apart(key: Mapping[Any, Any], keys: Sequence[Mapping[Any, Any]], by: str = ", ") -> str:
    """Return the words for those fields of a key that differ between all of them."""
    return by.join(_word(f, key) for f in FIELDS if len({str(own[f]) for own in keys}) > 1)


def names_of(keys: Sequence[dict[Any, Any]]) -> list[str]:
    """Return what tells keys of blocks apart, for file names; nothing of a single one.

    Ours are called as if nothing else was there.
    """
    apart = [key["model"] == ELSEWHERE for key in keys]
    if any(apart):
        ours = iter(names_of([k for k, other in zip(keys, apart, strict=True) if not other]))
        others = [{**k, "model": ""} for k, other in zip(keys, apart, strict=True) if other]
        theirs = (f"trained-elsewhere-{name}".strip("-") for name in names_of(others))
        return [next(theirs if other else ours) for other in apart]
    if len(keys) == 1:
        return [""]
    names: list[str] = []
    for key in keys:
        words = words_apart(key, keys, "-")
        name = re.sub(r"[^A-Za-z0-9.]+", "-", words).strip("-.").lower() or "block"
        taken = sum(other == name or other.startswith(f"{name}.") for other in names)
        names.append(f"{name}.{taken + 1}" if taken else name)
    return names


def _word(field: str, key: Mapping[Any, Any]) -> str:
    if field in Protocol.model_fields:
        return PROTOCOLS[key["protocol"]].file_part(field, key[field])
    text = str(key[field])
    if field in OPENED:
        return text[:8]
    if len(text) > _LONG_WORD:  # of options: a file's name has an end
        return hashlib.sha256(text.encode()).hexdigest()[:8]
    return text
