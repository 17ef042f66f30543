"""The figures of a store's sweeps with words for those who cannot see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.report.build import Choice, Reported
from harness.report.comparison.ranks import Ranks
from harness.report.figures.alignment import alignment_picture
from harness.report.figures.confusion import confusion_picture
from harness.report.figures.drawings import Drawing, drawings, picture
from harness.report.figures.gains import ablation_bars
from harness.report.figures.ranks import ranks_picture
from harness.report.figures.sensitivity import line_points
from harness.report.page.model import Image
from harness.report.runs.predictions import PredictionCache
from harness.report.tables.caption import title_text
from harness.report.tables.model import Cell
from harness.report.tuning.panel import panels
from harness.report.tuning.picture import panel_picture
from harness.report.tuning.trials import searched
from harness.store.store import Store
from harness.sweep.figures import AblationSpec, CurveSpec, LineSpec


def page_images(store: Store, choice: Choice, predictions: PredictionCache) -> Iterator[Image]:
    """Yield the store's ablations, lines and trials, drawn."""
    for drawing in drawings(store, choice, predictions):
        png = picture(drawing, "png")
        if png is not None:
            yield Image(drawing.spec.title or drawing.name, alt_text(drawing), png)
    for panel in panels(searched(store, choice), store):
        yield Image(panel.title, panel.alt, panel_picture(panel))


def answer_images(
    reported: Sequence[Reported], ranks: Sequence[tuple[str, Ranks]]
) -> Iterator[Image]:
    """Yield the pictures of gain by alignment, confusions and ranks that were asked for."""
    for block in reported:
        aligned = block.alignment
        png = alignment_picture(aligned) if aligned else None
        if aligned and png:
            alt = f"Points over {aligned.reference}: the numbers are in the table by alignment."
            yield Image(f"Gain {title_text(aligned.table)}", alt, png)
        if block.confusion:
            title = f"Confusion matrix of {block.confusion.label}, {block.confusion.about}"
            pairs = (f"{p.label} for {p.prediction}" for p in block.confusion.pairs[:5])
            alt = f"Most often confused: {', '.join(pairs)}."
            yield Image(title, alt, confusion_picture(block.confusion))

    for _, own in ranks:
        alt = ", ".join(f"{row.label} {row.rank:.2f}" for row in own.rows)
        yield Image(f"Average ranks over {own.one}s, {own.about}", alt, ranks_picture(own))


def alt_text(drawing: Drawing) -> str:
    """Return the numbers of the figure's last column, usually the mean, in words."""
    table, spec = drawing.table, drawing.spec
    about = title_text(table)
    if isinstance(spec, AblationSpec):
        data = ablation_bars(table, spec)
        group = data.groups[-1]
        shown = ", ".join(
            f"{bar.label} {_said(bar.cell)}{'' if bar.gain is None else f' ({bar.gain:+.1f})'}"
            for bar in group.bars
        )
        return f"Bars of {about}. {group.column}: {shown}. In brackets: gain over {data.over}."
    if isinstance(spec, LineSpec | CurveSpec):
        curve = line_points(table, spec).curves[-1]
        pairs = zip(curve.x, curve.cells, strict=True)
        shown = ", ".join(f"{x:g}: {_said(cell)}" for x, cell in pairs)
        return f"Accuracy against {spec.x_label or spec.name}, {about}. {curve.column}: {shown}."
    return about


def _said(cell: Cell) -> str:
    return "no result" if cell.mean is None else f"{cell.mean:.1f} %"
