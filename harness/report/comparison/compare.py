"""Is the gain real? A table's rows against one of them: differences, tests, a plain answer.

The pairs are the numbers that the table averages, so a difference here is that of two means there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from harness.report.comparison.images import compare_images, runs_by_label, untrained
from harness.report.comparison.leads import leads_of
from harness.report.comparison.model import ImageEvidence, RowComparison, TableComparison
from harness.report.comparison.reference import reference_row
from harness.report.comparison.summary import plain_answer, why_unresolved
from harness.report.runs.blocks import protocol_of
from harness.report.runs.predictions import PredictionCache
from harness.report.runs.rows import TaskKey
from harness.report.stats import Design, OverImages, Scores, compare_scores, gathered, iqm, pair
from harness.report.stats.design import DEFAULT
from harness.report.tables.caption import title_text
from harness.report.tables.model import Cell, Row, Table


def compare_rows(
    table: Table,
    *,
    against: str | None = None,
    references: Sequence[str] = (),
    design: Design = DEFAULT,
    frame: pd.DataFrame | None = None,
    predictions: PredictionCache | None = None,
) -> TableComparison | None:
    """Compare a table's rows with one of them.

    The tasks are the columns that the table's mean is over: domains, or data sets where these are
    joined (each the mean over its domains, as printed).

    Args:
        table: Of one block, or joined over data sets or backbones.
        against: The reference's label; without it see `reference_row`.
        references: What the sweeps name as their reference.
        design: The test, what it is over, and how sure a verdict must be.
        frame: The block's runs, as `aggregate.labelled` returns them: to compare over images.
        predictions: Of the same store.

    Returns:
        None if the table has no mean over comparable columns (different measures side by side).

    Raises:
        UserError: If no row is called `against`.
    """
    if not table.kind.comparable:
        return None
    rows = [row for row in table.rows if any(cell.by_seed for cell in _tasks(table, row).values())]
    reference = reference_row(table, rows, against, references)
    if reference is None or len(rows) < 2:
        named = f"Only '{rows[0].label}' has results" if rows else "No method has results"
        why = f"{named}, so there is nothing to compare."
        return TableComparison(title_text(table), None, (), why, why, design)
    scores = _scores(table, rows)
    labels = [row.label for row in rows if row.label != reference]
    images: Mapping[str, ImageEvidence] = {}
    over_images: Mapping[str, OverImages] = {}
    if frame is not None and predictions is not None and table.score == "target":
        pairs = _images(table, frame, predictions, labels, reference, 1 - design.alpha)
        images = dict(pairs)
        over_images = _in_place_of_seeds(images, scores, reference, untrained(frame))
    compared = tuple(
        RowComparison(
            label=c.label,
            comparison=c,
            images=images.get(c.label),
            iqm=iqm(pair(scores, c.label, reference).candidate),
        )
        for c in compare_scores(scores, reference, labels, design, over_images)
    )
    return TableComparison(
        about=title_text(table),
        reference=reference,
        rows=compared,
        answer=plain_answer(table, reference, compared, scores, design),
        why_none=why_unresolved(compared),
        design=design,
        leads=leads_of(table, design) if len(table.domains) > 1 else (),
        one=table.kind.one,
        decimals=table.decimals,
    )


def _tasks(table: Table, row: Row) -> dict[TaskKey, Cell]:
    """Return the cells that the row's mean is over, by data set and domain."""
    dataset = str(table.key["dataset"])
    if any(cell.base_new for cell in row.cells) and len(row.cells) > 1:
        # an average harmonic mean is that of averages, so only the mean itself is comparable
        return {(dataset, table.mean_head): row.mean}
    tasks = [table.kind.task(name, dataset) for name in table.domains]
    return {task: cell for task, cell in zip(tasks, row.cells, strict=True) if task}


def _scores(table: Table, rows: Sequence[Row]) -> Scores:
    return gathered(
        (row.label, task, seed, score)
        for row in rows
        for task, cell in _tasks(table, row).items()
        for seed, score in cell.by_seed.items()
    )


def _images(
    table: Table,
    frame: pd.DataFrame,
    predictions: PredictionCache,
    labels: Sequence[str],
    reference: str,
    level: float,
) -> Iterator[tuple[str, ImageEvidence]]:
    """Yield what predictions say of each row of which both have them."""
    runs, fixed = runs_by_label(frame), protocol_of(table.key).same_images()
    for label in labels:
        evidence = compare_images(
            runs.get(label, {}), runs.get(reference, {}), predictions, fixed, level
        )
        if evidence is not None:
            yield label, evidence


def _in_place_of_seeds(
    images: Mapping[str, ImageEvidence], scores: Scores, reference: str, still: frozenset[str]
) -> dict[str, OverImages]:
    """Return what stands for seeds in those rows that, like the reference, trained nothing.

    `still` are the labels of rows without training.
    """
    return {
        label: OverImages(evidence.test, evidence.interval)
        for label, evidence in images.items()
        if {label, reference} <= still and not pair(scores, label, reference).varies
    }
