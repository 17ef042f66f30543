"""Frames of runs with known scores, and their comparison by sign flips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from harness.report.stats import Comparison, Design, compare_scores, scores_of


def runs(
    label: str, score: Callable[[int, int], float], tasks: int = 3, seeds: int = 6, **values: Any
) -> pd.DataFrame:
    rows = [
        {
            "label": label,
            "dataset": "pacs",
            "target": f"d{task}",
            "seed": seed,
            "data_seed": seed,
            "status": "done",
            "accuracy": score(task, seed),
            **values,
        }
        for task in range(tasks)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows, dtype=object)


def noisy(base: int, key: int = 0) -> Callable[[int, int], float]:
    """Return scores around `base` with half a point of noise; other keys have other noise."""
    rng = np.random.default_rng([base, key])
    return lambda task, seed: base + 10 * task + 0.5 * rng.normal()


def every(
    frame: pd.DataFrame, reference: str = "ref", only: list[str] | None = None, **options: Any
) -> list[Comparison]:
    design = Design(**({"test": "permutation"} | options))
    return compare_scores(scores_of(frame), reference, only, design)


def one(*frames: pd.DataFrame, **options: Any) -> Comparison:
    (comparison,) = every(pd.concat(frames), **options)
    return comparison
