"""Stores whose methods differ by what is put in, with and without predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.report.build import Choice, Reported, report_blocks
from harness.report.comparison.model import TableComparison
from harness.store.store import Store
from tests.report.fakes import N, fill, keep, packed, plan, record, spec

RNG = np.random.default_rng(3)
SCORES = {  # method -> domains x seeds, correct of N
    "finetune": [[1000, 1010, 1004, 996], [900, 908, 905, 890]],
    "clipood": [[1100, 1107, 1105, 1098], [1000, 1012, 1003, 995]],
    "alignclip": [[1160, 1171, 1169, 1155], [1065, 1070, 1072, 1056]],
    "close": [[1104, 1102, 1109, 1099], [1003, 1020, 999, 993]],
}
LABELS = {d: RNG.integers(0, 4, 500) for d in "xy"}


def filled(root: Path, scores: dict[str, Any] = SCORES) -> Store:
    store = Store(root)
    fill(store, {m: dict(zip("xy", rows, strict=True)) for m, rows in scores.items()})
    runs = [
        spec(m, d, s, method=m)
        for m, rows in scores.items()
        for d, row in zip("xy", rows, strict=True)
        for s in range(len(row))
    ]
    plan(store, "p", runs)
    return store


def only(store: Store, **options: Any) -> Reported:
    (part,) = report_blocks(store, Choice(**options))
    return part


def compared(store: Store, **options: Any) -> TableComparison:
    out = only(store, **options).evidence
    assert out is not None
    return out


def percent(method: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(SCORES[method]) * 100 / N


def answered(store: Store, method: str, domain: str, right: Any, seed: int = 0, **of: Any) -> None:
    label = LABELS[domain]
    run = spec(method, domain, seed, method=method, **of)
    made = record(run, int(right.sum()), len(label))
    if method not in ("zero_shot", "templates"):
        made = made.model_copy(update={"trained_parameters": 7})
    else:
        made = made.model_copy(update={"trained_parameters": 0})
    keep(store, made, packed(label, np.where(right, label, (label + 1) % 4)))
