"""A cost measurement as Markdown, CSV, LaTeX and for the terminal; no torch."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.cost.caption import caption
from harness.cost.claim import answer
from harness.cost.record import AttentionProducts, CostReport, CostRow, ratios
from harness.report.text import grid
from harness.report.text.grid import Grid, cells

if TYPE_CHECKING:
    from rich.table import Table as RichTable
    from rich.text import Text

NONE = "–"


def amount(value: float | None, unit: str = "") -> str:
    """Return a number with three or four digits that mean something, e.g. ``86.2 M``."""
    if value is None:
        return NONE
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if unit == "count" and abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:,.0f}" if abs(value) >= 9999.5 else f"{value:.4g}"


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _ratio(values: list[float], reference: list[float]) -> str:
    """Return the median ratio, and the range over rounds: what noise there was."""
    by_round = ratios(values, reference)
    if not by_round:
        return NONE
    middle = f"{statistics.median(by_round):.2f}"
    if len(by_round) == 1 or values == reference:
        return middle
    return f"{middle} ({min(by_round):.2f}–{max(by_round):.2f})"


def _methods(report: CostReport) -> Grid:
    reference = report.row(report.reference)
    energy = any(row.step_j for row in report.rows)
    rows = [_texts(row, reference, energy) for row in report.rows]
    head = tuple(rows[0])
    body = tuple(cells(row.values()) for row in rows)
    return Grid(head, body, "l" + "r" * (len(head) - 1), label="tab:cost")


def _texts(row: CostRow, reference: CostRow, energy: bool) -> dict[str, str]:
    star = "*" if row.uncounted else ""
    return {
        "method": row.label,
        "parameters": amount(row.total_parameters, "count"),
        "trained": amount(row.trained_parameters, "count"),
        "GFLOPs image": amount(row.inference_flops / 1e9) + star,
        "GFLOPs step": amount(None if row.step_flops is None else row.step_flops / 1e9) + star,
        "step ms": amount(_median(row.step_ms)),
        "step ×": _ratio(row.step_ms, reference.step_ms),
        **({"step J": amount(_median(row.step_j))} if energy else {}),
        "image ms": amount(_median(row.inference_ms)),
        "image ×": _ratio(row.inference_ms, reference.inference_ms),
        "peak MiB": amount(row.memory_mb),
    }


def _products(products: AttentionProducts) -> Grid:
    rows = tuple(
        cells((row.label, amount(row.flops / 1e9), amount(_median(row.ms))))
        for row in products.rows
    )
    head = ("one block, forward", "GFLOPs image", "image ms")
    return Grid(head, rows, "lrr", label="tab:attention")


def _grids(report: CostReport) -> list[Grid]:
    """Return the main table with its caption and that of the attention products with the answer."""
    methods = replace(_methods(report), caption=" ".join(caption(report)))
    if report.attention is None:
        return [methods]
    return [methods, replace(_products(report.attention), caption=" ".join(answer(report)))]


def to_markdown(report: CostReport) -> str:
    """Return both tables, each with its caption below; the answer is the second's."""
    return "\n".join(grid.to_markdown(table, rule=3) for table in _grids(report))


def to_latex(report: CostReport) -> str:
    """Return booktabs tables; the document needs only ``\\usepackage{booktabs}``."""
    methods, *others = _grids(report)
    others = [replace(t, caption=t.caption or "The attention product.") for t in others]
    return grid.to_latex(methods, *others)


def to_csv(report: CostReport) -> str:
    """Return the numbers unrounded, one line per method, empty where there is none."""
    setting, reference = report.setting, report.row(report.reference)
    shared = {
        "reference": report.reference,
        "rounds": report.rounds,
        "model": setting.model.title(),
        "random_weights": setting.random_weights,
        "precision": setting.model.precision,
        "batch": setting.batch,
        "classes": setting.classes,
        "device": setting.device,
        "device_name": report.device_name,
        "threads": setting.threads,
        "torch": report.versions["torch"],
        "git": report.git,
    }
    rows = [
        {
            "method": row.label,
            "total_parameters": row.total_parameters,
            "trained_parameters": row.trained_parameters,
            "inference_flops_per_image": row.inference_flops,
            "step_flops": row.step_flops,
            "step_ms": _median(row.step_ms),
            "step_j": _median(row.step_j),
            "step_ratio": _median(ratios(row.step_ms, reference.step_ms)),
            "inference_ms_per_image": _median(row.inference_ms),
            "inference_ratio": _median(ratios(row.inference_ms, reference.inference_ms)),
            "peak_mib": row.memory_mb,
            **shared,
        }
        for row in report.rows
    ]
    return grid.to_csv(grid.Lines(list(rows[0]), (row.values() for row in rows)))


def to_terminal(report: CostReport) -> list[RichTable | Text]:
    """Return what to print, in order."""
    from rich.text import Text

    methods, *others = (
        grid.to_terminal(replace(table, caption=""), padding=(0, 1, 0, 0))
        for table in _grids(report)
    )
    said = Text("\n".join(caption(report)), style="dim")
    return [methods, said, *others, *map(Text, answer(report))]
