"""What must not leave a machine unasked: host names, and where somebody's files lie.

An absolute path becomes its last part; a local model's place, which is not part of a run's
identity once its files have a fingerprint, becomes ``./<last part>``. Identities stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from harness.specs import ModelSpec, RunSpec
from harness.store.records import RunRecord, Search, SweepPlan

WITHHELD = "withheld"
"""Stands for a host's name."""
# Not after a letter, a digit, a dot or a slash: ViT-B/16, and/or, ../x and https://x are no such.
_PATH = re.compile(r"(?:(?<![\w./~-])|(?<=file://))(?:~[\w.-]*)?/(?!/)[^\s\"',;:\])]+")
_ALL_PATH = re.compile(r"(~[\w.-]*)?/[^/\s][^\n]*")


def safe_text(text: str) -> str:
    """Return `text` with the last part of every absolute path in its place."""
    if _ALL_PATH.fullmatch(text):
        return PurePath(text).name  # all of it is one path, blanks included
    return _PATH.sub(lambda match: PurePath(match[0]).name, text)


def safe_value(value: Any) -> Any:
    """Return a JSON value with `safe_text` done to every text in it, keys included."""
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, list | tuple):
        return [safe_value(part) for part in value]
    if isinstance(value, dict):
        return {safe_text(key): safe_value(part) for key, part in value.items()}
    return value


def safe_spec(spec: RunSpec) -> RunSpec:
    """Return the spec without places; its id is the same."""
    return spec.model_copy(
        update={
            "model": _safe_model(spec.model),
            "label": safe_text(spec.label),
            "given": safe_value(spec.given),
        }
    )


def _safe_model(model: ModelSpec) -> ModelSpec:
    if not model.fingerprint:
        return model
    return model.model_copy(
        update={key: _nearby(getattr(model, key)) for key in ("name", "pretrained", "base")}
    )


def _nearby(text: str) -> str:
    if "/" not in text or text.startswith("hf-hub:"):
        return text
    # With its slash: the identity knows by that that it is a place.
    prefix = "local-dir:" if text.startswith("local-dir:") else ""
    return f"{prefix}./{PurePath(text.removeprefix(prefix)).name}"


def safe_plan(plan: SweepPlan) -> SweepPlan:
    """Return the plan without places."""
    return plan.model_copy(
        update={
            "source": safe_value(plan.source),
            "runs": _safe_specs(plan.runs),
            "searches": tuple(map(_safe_search, plan.searches)),
        }
    )


def _safe_search(search: Search) -> Search:
    candidates = tuple(
        c.model_copy(update={"runs": _safe_specs(c.runs)}) for c in search.candidates
    )
    finals = _safe_specs(search.finals)
    return search.model_copy(update={"candidates": candidates, "finals": finals})


def _safe_specs(specs: Iterable[RunSpec]) -> tuple[RunSpec, ...]:
    return tuple(map(safe_spec, specs))


def safe_record(record: RunRecord) -> RunRecord:
    """Return the record without places and without the host's name; its numbers stay."""
    made = record.provenance.model_copy(
        update={
            "host": WITHHELD,
            "command": [safe_text(word) for word in record.provenance.command],
        }
    )
    return record.model_copy(update={"spec": safe_spec(record.spec), "provenance": made})


def places(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield (field, text) for every text of a JSON value that `safe_value` would change."""
    if isinstance(value, str):
        if safe_text(value) != value:
            yield where, value
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from places(part, f"{where}.{number}")
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, f"{where}.{key}" if where else key)
