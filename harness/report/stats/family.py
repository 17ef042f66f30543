"""A family of comparisons: candidates against one reference, their tests corrected together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from harness.report.stats.comparison import Comparison, OverImages, Verdict
from harness.report.stats.design import DEFAULT, Design, Unit
from harness.report.stats.draws import Floats, Interval
from harness.report.stats.improvement import probability_of_improvement
from harness.report.stats.mean import bootstrap_interval, t_interval
from harness.report.stats.paired import FLIPS, holm, paired_test
from harness.report.stats.pairs import Pairs, Scores, pair
from harness.report.stats.power import seeds_needed


def compare_scores(
    scores: Scores,
    reference: str,
    candidates: Sequence[str] | None = None,
    design: Design = DEFAULT,
    over_images: Mapping[str, OverImages] | None = None,
) -> list[Comparison]:
    """Compare candidates with a reference over the runs they share.

    Two runs are a pair if they have the same dataset, target, seed and data_seed. What is said
    holds for these tasks and for new seeds (and splits, where they follow the seed); no interval
    or p here covers other data sets.

    Args:
        scores: Of one block and one measure, in percent, so that differences are points.
        reference: Its label.
        candidates: Labels; by default all others, in the order of the scores.
        design: The test, what it is over, and how sure a verdict must be.
        over_images: By candidate, what stands in place of the test where no seed varies.

    Returns:
        One per candidate, in their order. Holm's correction is over those that have any pair.

    Raises:
        UserError: If a label is unknown.
    """
    if candidates is None:
        candidates = [label for label in scores.labels if label != reference]
    paired = [pair(scores, candidate, reference) for candidate in candidates]
    images = [(over_images or {}).get(label) for label in candidates]
    # enough sign patterns for the smallest of all p to survive the correction
    flips = max(FLIPS, round(20 * len(paired) / design.alpha) - 1)
    tests = [
        given.test
        if given
        else paired_test(_units(pairs, design.unit), design.test, flips, design.seed)
        for pairs, given in zip(paired, images, strict=True)
    ]
    sign = 1 if design.higher_is_better else -1
    level, draws, seed = 1 - design.alpha, design.draws, design.seed
    out = []
    for i, (label, pairs) in enumerate(zip(candidates, paired, strict=True)):
        differences = pairs.differences
        shared = bool(pairs.seeds)
        difference = float(differences.mean()) if shared else None
        per_seed = _units(pairs, "seed")
        out.append(
            Comparison(
                label=label,
                reference=reference,
                score=float(pairs.candidate.mean()) if shared else None,
                reference_score=float(pairs.reference.mean()) if shared else None,
                difference=difference,
                t=t_interval(per_seed, level),
                bootstrap=bootstrap_interval(differences, level, draws, seed),
                improvement=probability_of_improvement(
                    sign * pairs.candidate, sign * pairs.reference, level, draws, seed
                ),
                unit=design.unit,
                over_images=images[i],
                test=tests[i],
                holm_p=1.0,
                smallest_holm_p=1.0,
                n_comparisons=0,
                alpha=design.alpha,
                verdict="too few seeds",
                seeds_needed=seeds_needed(per_seed, design.alpha, design.power),
                varies=pairs.varies,
                n_tasks=len(pairs.tasks),
                n_seeds=len(pairs.seeds),
                n_dropped=pairs.n_dropped,
                left_out=pairs.left_out,
            )
        )
    return together(out, design)


def together(found: Sequence[Comparison], design: Design = DEFAULT) -> list[Comparison]:
    """Return comparisons with p and verdict after Holm's correction for all that have a pair."""
    family = [own for own in found if own.n_seeds]
    corrected = holm([own.test.p for own in family])
    reachable = holm([own.test.smallest_p for own in family])
    sign = 1 if design.higher_is_better else -1
    pairs = iter(zip(corrected, reachable, strict=True))
    out = []
    for own in found:
        p, smallest = next(pairs) if own.n_seeds else (1.0, 1.0)
        verdict = (
            _over_images(sign, own.over_images.interval, p, design.alpha)
            if own.over_images
            else _verdict(sign * (own.difference or 0.0), p, smallest, design.alpha)
        )
        out.append(
            replace(
                own, holm_p=p, smallest_holm_p=smallest, n_comparisons=len(family), verdict=verdict
            )
        )
    return out


def _units(pairs: Pairs, unit: Unit) -> Floats:
    """Return what the test takes for independent; equal results of all seeds count once."""
    differences = pairs.differences if pairs.varies else pairs.differences[:, :1]
    if not differences.size:
        return np.zeros(0)
    per_seed: Floats = differences.mean(axis=0)
    return per_seed if unit == "seed" else differences.reshape(-1)


def _verdict(gain: float, holm_p: float, smallest: float, alpha: float) -> Verdict:
    if smallest > alpha:
        return "too few seeds"
    if holm_p > alpha:
        return "not resolved"
    return "better" if gain > 0 else "worse"


def _over_images(sign: int, interval: Interval, holm_p: float, alpha: float) -> Verdict:
    if holm_p > alpha or interval.low <= 0 <= interval.high:
        return "not resolved"
    return "better" if sign * interval.value > 0 else "worse"


def to_frame(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return one row per comparison; an interval becomes two columns, ``..._low``, ``..._high``."""
    return pd.DataFrame([_flat(comparison) for comparison in comparisons])


def _flat(c: Comparison) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in (field.name for field in fields(c)):
        if name in ("t", "bootstrap", "improvement"):
            interval: Interval | None = getattr(c, name)
            if name == "improvement":  # the others' value is the difference
                row[name] = interval and interval.value
            row |= {f"{name}_{end}": interval and getattr(interval, end) for end in ("low", "high")}
        elif name == "test":
            row |= {"test": c.test.kind, "p": c.test.p, "smallest_p": c.test.smallest_p}
        elif name == "seeds_needed":
            row[name] = c.seeds_needed.text
        elif name == "left_out":
            row[name] = ", ".join("/".join(task) for task in c.left_out)
        elif name != "over_images":  # its test and its reading are there
            row[name] = getattr(c, name)
    return row | {"n_pairs": c.n_pairs, "reading": c.reading}
