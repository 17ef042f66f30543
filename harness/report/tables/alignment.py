"""Accuracy by what the pretrained model made of the image: where is a gain made?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.report.runs.blocks import protocol_of
from harness.report.runs.predictions import FinishedRun, PredictionCache, finished_runs
from harness.report.runs.rows import SeedKey
from harness.report.stats import Comparison, compare_scores, gathered
from harness.report.stats.alignment import alignment_bins, bin_names
from harness.report.stats.design import DEFAULT, Design
from harness.report.tables.cells import cell_of, mark_best
from harness.report.tables.columns import ByAlignment
from harness.report.tables.metrics import mean_over_domains
from harness.report.tables.model import Table

BINS = 5


@dataclass(frozen=True)
class Bin:
    """The images of a bin."""

    name: str
    cosine: float
    """Mean under the pretrained model."""
    share: float
    """Of all images, in percent."""


@dataclass(frozen=True)
class Alignment:
    """Each row's accuracy in each bin, and its gain there."""

    table: Table
    """A column for each bin."""
    bins: tuple[Bin, ...]
    reference: str | None
    """The row that gains are over."""
    gains: tuple[Mapping[str, Comparison], ...]
    """By label, for each bin; p is corrected for the rows, not for the bins."""


@dataclass(frozen=True)
class _Tested:
    """A test set as the pretrained model saw it."""

    images: str
    masks: Mapping[str, NDArray[np.bool_]]
    cosine: NDArray[np.float64]


def alignment_of(
    table: Table,
    frame: pd.DataFrame,
    predictions: PredictionCache,
    reference: str | None,
    bins: int = BINS,
    design: Design = DEFAULT,
) -> Alignment | None:
    """Return accuracy and gain by the pretrained model's cosine of image and label.

    Bins are made within each test set, so that a domain that looks like nothing the model knows
    does not fill the lowest one. A number is the mean over domains within each seed, then over
    seeds, as in the table itself.

    Args:
        table: Of one block.
        frame: Its runs, as `aggregate.labelled` returns them.
        predictions: Of the same store.
        reference: The row that gains are over; None for none.
        bins: Of equally many images.
        design: How gains are compared.

    Returns:
        None if no run of the block recorded the cosines.
    """
    if table.score != "target":
        return None
    runs = list(finished_runs(frame))
    tested = _tested(runs, predictions, bins, protocol_of(table.key).same_images())
    if not tested:
        return None
    names = bin_names(bins)
    scores: dict[str, dict[str, dict[tuple[str, SeedKey], float]]] = {name: {} for name in names}
    for run in runs:
        seen, answers = tested.get((run.target, run.seed)), predictions.measured(run)
        if seen is None or answers is None or answers.images != seen.images:
            continue
        for name, mask in seen.masks.items():
            if mask.any():
                share = float(answers.right[mask].mean())
                scores[name].setdefault(run.label, {})[run.target, run.seed] = 100 * share
    rows = [
        replace(
            row,
            cells=tuple(
                mean_over_domains(row, table, scores[name].get(row.label, {})) for name in names
            ),
            mean=cell_of({}, 0, 0, "std"),
        )
        for row in table.rows
    ]
    return Alignment(
        table=replace(
            table,
            domains=names,
            heads=names,
            rows=tuple(mark_best(rows, table.decimals)),
            kind=ByAlignment(bins),
            has_mean=False,
            note="",
        ),
        bins=_bins(names, list(tested.values())),
        reference=reference,
        gains=tuple(_gains(scores[name], reference, design) for name in names),
    )


def _tested(
    runs: list[FinishedRun], predictions: PredictionCache, bins: int, fixed: bool
) -> dict[tuple[str, SeedKey], _Tested]:
    """Read of each target and seed one run that recorded it: it is the same for all."""
    tested: dict[tuple[str, SeedKey], _Tested] = {}
    by_data: dict[tuple[str, str, int | None], _Tested] = {}  # seeds may share their images
    for run in runs:
        at, answers = (run.target, run.seed), predictions.measured(run)
        if at in tested or answers is None:
            continue
        images = (run.target, answers.images, None if fixed else run.seed[1])
        known = by_data.get(images)
        if known is None and answers.top5 is not None:
            seen = predictions.images(run)
            if seen is None or seen.alignment is None or seen.zero_shot is None:
                continue
            masks = alignment_bins(seen.alignment, np.equal(seen.zero_shot, seen.label), bins)
            cosine = seen.alignment.astype(np.float64)
            known = by_data[images] = _Tested(answers.images, masks, cosine)
        if known is not None:
            tested[at] = known
    return tested


def _bins(names: tuple[str, ...], tested: list[_Tested]) -> tuple[Bin, ...]:
    total = sum(len(own.cosine) for own in tested)
    out = []
    for name in names:
        inside = np.concatenate([own.cosine[own.masks[name]] for own in tested])
        mean = float(inside.mean()) if len(inside) else float("nan")
        out.append(Bin(name, mean, 100 * len(inside) / total))
    return tuple(out)


def _gains(
    scores: Mapping[str, Mapping[tuple[str, SeedKey], float]], reference: str | None, design: Design
) -> dict[str, Comparison]:
    if reference is None or reference not in scores:
        return {}
    pairs = gathered(
        (label, ("", target), seed, share)
        for label, own in scores.items()
        for (target, seed), share in own.items()
    )
    return {own.label: own for own in compare_scores(pairs, reference, None, design)}
