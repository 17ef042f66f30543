"""The figures that a store's sweeps ask for, each with the tables it is drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.report.build import Choice, Reported, filtered, report_blocks
from harness.report.figures.rows import tables_for
from harness.report.runs.frame import load_frame
from harness.report.runs.predictions import PredictionCache
from harness.report.tables.model import Table
from harness.store.store import Store
from harness.sweep.figures import AblationSpec, AnyFigure, CurveSpec, LineSpec, figures_of
from harness.tune.choice import rows_of


@dataclass(frozen=True)
class Drawing:
    """One picture or table of a figure's definition."""

    name: str
    """The end of its files' names."""
    spec: AnyFigure
    table: Table
    sweep: str
    blocks: tuple[Reported, ...]
    """The sweep's blocks, from which the table is made."""


def drawings(store: Store, choice: Choice, predictions: PredictionCache) -> Iterator[Drawing]:
    """Yield every drawing of those sweeps of which anything ran.

    Raises:
        UserError: Naming a sweep's figure and what is wrong with it.
    """
    plans = [plan for plan in store.plans() if choice.sweep in (None, plan.name)]
    wanted = [(plan, spec) for plan in plans for spec in figures_of(plan)]
    names = [spec.name for _, spec in wanted]
    for plan, spec in wanted:
        if not any(store.has(run.id) or store.failure(run.id) for run in rows_of(plan, store)):
            continue  # planned, but nothing ran yet
        if choice.score == "source_val" and spec.measure is not None:
            continue  # validation has one number a run, whatever is tested
        # A figure's rows are those of its own sweep, under that sweep's names.
        frame = load_frame(store, plan.name)
        if filtered(frame, choice.model, choice.dataset).empty:
            continue
        bare = replace(choice, initials=False, evidence=False)
        own_blocks = tuple(report_blocks(store, bare, predictions, plan.name))
        own = spec.name if names.count(spec.name) == 1 else f"{plan.name}-{spec.name}"
        for name, table in tables_for(spec, [(block.name, block.table) for block in own_blocks]):
            yield Drawing(f"{own}-{name}" if name else own, spec, table, plan.name, own_blocks)


def picture(drawing: Drawing, kind: str) -> bytes | None:
    """Return an ablation, a line or curves as ``png`` or ``pdf``; None for a table."""
    from harness.report.figures.ablation import ablation_picture
    from harness.report.figures.sensitivity import line_picture

    if isinstance(drawing.spec, LineSpec | CurveSpec):
        return line_picture(drawing.table, drawing.spec, kind)
    if isinstance(drawing.spec, AblationSpec):
        return ablation_picture(drawing.table, drawing.spec, kind)
    return None
