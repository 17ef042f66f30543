"""All candidates against one reference: differences, intervals, corrected tests, verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from harness.report.stats.comparison import Comparison, Unit, Verdict
from harness.report.stats.draws import DRAWS, Floats
from harness.report.stats.improvement import probability_of_improvement
from harness.report.stats.mean import bootstrap_interval, t_interval
from harness.report.stats.paired import FLIPS, Kind, PairedTest, holm, paired_test
from harness.report.stats.pairs import Pairs, pair, scores_of
from harness.report.stats.power import seeds_needed


def compare(
    frame: pd.DataFrame,
    reference: str,
    candidates: Sequence[str] | None = None,
    *,
    score: str = "accuracy",
    unit: Unit = "seed",
    test: Kind = "permutation",
    alpha: float = 0.05,
    power: float = 0.8,
    higher_is_better: bool = True,
    draws: int = DRAWS,
    seed: int = 0,
    tested: Mapping[str, PairedTest] | None = None,
) -> list[Comparison]:
    """Compare candidates with a reference over the runs they share.

    Two runs are a pair if they have the same dataset, target, seed and data_seed. What is said
    holds for these tasks and for new seeds (and splits, where they follow the seed); no interval
    or p here covers other data sets.

    ``unit='seed'``, the default, tests the seeds' means over tasks, the numbers behind the table's
    last column. Seeds share nothing but the data; the tasks of a seed share most of their training
    images, the split and the order of batches, so their differences may rise and fall together.
    ``unit='task_seed'`` takes each task of each seed for independent evidence. It has tasks times
    as many pairs and so reaches small p with few seeds, but where a seed moves all tasks at once,
    it calls equal methods different too often.

    Args:
        frame: One block and one measure: columns label, dataset, target, seed, data_seed, status
            and `score`, at most one row for each of the first five together.
        reference: Its label.
        candidates: Labels; by default all others, in the frame's order.
        score: The column compared, in percent, so that differences are points.
        unit: What the test takes for independent; the t interval is over seeds in any case.
        test: See `paired_test`. The verdict is by Holm's corrected p of this test.
        alpha: The level of the verdict; intervals cover 1 - alpha.
        power: With which `seeds_needed` should find the difference seen.
        higher_is_better: False for errors: a candidate below the reference is then better.
        draws: Of every bootstrap.
        seed: Of all random draws here.
        tested: By candidate, tests made otherwise, as over images where no seed varies. They
            stand in place of `test` and take part in the correction.

    Returns:
        One per candidate, in their order. Holm's correction is over those that have any pair.

    Raises:
        UserError: If a label is unknown, or has two runs of the same task and seed.
    """
    scores = scores_of(frame, score)
    if candidates is None:
        candidates = [label for label in scores.labels if label != reference]
    paired = [pair(scores, candidate, reference) for candidate in candidates]
    # enough sign patterns for the smallest of all p to survive the correction
    flips = max(FLIPS, round(20 * len(paired) / alpha) - 1)
    tests = [
        (tested or {}).get(label) or paired_test(_units(pairs, unit), test, flips, seed)
        for label, pairs in zip(candidates, paired, strict=True)
    ]
    family = [i for i, pairs in enumerate(paired) if pairs.seeds]
    corrected = dict(zip(family, holm([tests[i].p for i in family]), strict=True))
    reachable = dict(zip(family, holm([tests[i].smallest_p for i in family]), strict=True))
    out = []
    for i, (label, pairs) in enumerate(zip(candidates, paired, strict=True)):
        differences = pairs.differences
        sign = 1 if higher_is_better else -1
        shared = bool(pairs.seeds)
        difference = float(differences.mean()) if shared else None
        per_seed = _units(pairs, "seed")
        holm_p, smallest = corrected.get(i, 1.0), reachable.get(i, 1.0)
        out.append(
            Comparison(
                label=label,
                reference=reference,
                score=float(pairs.candidate.mean()) if shared else None,
                reference_score=float(pairs.reference.mean()) if shared else None,
                difference=difference,
                t=t_interval(per_seed, 1 - alpha),
                bootstrap=bootstrap_interval(differences, 1 - alpha, draws, seed),
                improvement=probability_of_improvement(
                    sign * pairs.candidate, sign * pairs.reference, 1 - alpha, draws, seed
                ),
                unit=unit,
                test=tests[i],
                holm_p=holm_p,
                smallest_holm_p=smallest,
                n_comparisons=len(family),
                alpha=alpha,
                verdict=_verdict(sign * (difference or 0.0), holm_p, smallest, alpha),
                seeds_needed=seeds_needed(per_seed, alpha, power),
                varies=pairs.varies,
                n_tasks=len(pairs.tasks),
                n_seeds=len(pairs.seeds),
                n_dropped=pairs.n_dropped,
                left_out=pairs.left_out,
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


def to_frame(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return one row per comparison; an interval becomes two columns, ``..._low``, ``..._high``."""
    return pd.DataFrame([_flat(comparison) for comparison in comparisons])


def _flat(c: Comparison) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in asdict(c).items():
        if name in ("t", "bootstrap", "improvement"):
            interval = value or {"value": None, "low": None, "high": None}
            if name == "improvement":  # the others' value is the difference
                row[name] = interval["value"]
            row |= {f"{name}_{end}": interval[end] for end in ("low", "high")}
        elif name == "test":
            row |= {"test": value["kind"], "p": value["p"], "smallest_p": value["smallest_p"]}
        elif name == "seeds_needed":
            row[name] = c.seeds_needed.text
        elif name == "left_out":
            row[name] = ", ".join("/".join(task) for task in c.left_out)
        else:
            row[name] = value
    return row | {"n_pairs": c.n_pairs, "reading": c.reading}
