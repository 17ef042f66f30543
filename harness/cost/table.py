"""A cost measurement as Markdown, CSV, LaTeX and for the terminal; no torch."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from harness.cost.rebuttal import answer
from harness.cost.record import AttentionProducts, CostReport, CostRow, ratios
from harness.report.text.markup import latex, markdown

NONE = "–"


@dataclass(frozen=True)
class Grid:
    """A table of texts."""

    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


def amount(value: float | None, unit: str = "") -> str:
    """Return a number with three or four digits that mean something, e.g. ``86.2 M``."""
    if value is None:
        return NONE
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if unit == "count" and abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _ratio(values: list[float], reference: list[float]) -> str:
    """Return the median ratio, and the range over rounds: what noise there was."""
    found = ratios(values, reference)
    if not found:
        return NONE
    middle = f"{statistics.median(found):.2f}"
    if len(found) == 1 or values == reference:
        return middle
    return f"{middle} ({min(found):.2f}–{max(found):.2f})"


def methods_grid(report: CostReport) -> Grid:
    """Return the main table."""
    reference = report.row(report.reference)
    head = (
        "method", "parameters", "trained", "GFLOPs image", "GFLOPs step",
        "step ms", "step ×", "image ms", "image ×", "peak MiB",
    )  # fmt: skip
    return Grid(head, tuple(_line(row, reference) for row in report.rows))


def _line(row: CostRow, reference: CostRow) -> tuple[str, ...]:
    star = "*" if row.uncounted else ""
    return (
        row.label,
        amount(row.total_parameters, "count"),
        amount(row.trained_parameters, "count"),
        amount(row.inference_flops / 1e9) + star,
        amount(None if row.step_flops is None else row.step_flops / 1e9) + star,
        amount(_median(row.step_ms)),
        _ratio(row.step_ms, reference.step_ms),
        amount(_median(row.inference_ms)),
        _ratio(row.inference_ms, reference.inference_ms),
        amount(row.memory_mb),
    )


def attention_grid(products: AttentionProducts) -> Grid:
    """Return the table of attention products."""
    return Grid(
        ("one block, forward", "GFLOPs image", "image ms"),
        tuple(
            (row.label, amount(row.flops / 1e9), amount(_median(row.ms))) for row in products.rows
        ),
    )


def caption(report: CostReport) -> list[str]:
    """Return what the numbers are, in sentences."""
    setting = report.setting
    weights = ", random weights" if setting.random_weights else ""
    cuda = setting.device.startswith("cuda")
    memory = "allocated on the GPU" if cuda else "resident in a fresh process, libraries included"
    said = [
        f"{setting.model.title()}{weights}, {setting.model.precision}, {report.activation}, batch "
        f"{setting.batch}, {setting.classes} classes, random images.",
        f"{report.device_name}, {setting.threads} thread(s) of torch {report.versions['torch']}, "
        f"{report.started}, code {report.git[:12] or 'without git'}.",
        f"Columns: image is the inference of one image (its time in a batch), step a training step "
        f"over the {setting.batch}.",
        f"Times: median of {report.rounds} round(s) over all methods in turns; × relative to "
        f"{report.reference}: median (and range) of the ratios within a round. No image decoding.",
        "GFLOPs: counted matrix products and convolutions, 2 per multiply-add. Inference includes "
        "the logits; the class names' text features are there already where they are kept.",
        f"Peak: over a training step, {memory}; of a method that does not train, over inference.",
    ]
    frozen = [row.label for row in report.rows if row.trains and row.frozen_image_tower]
    if frozen:
        said.append(
            f"The training step of {', '.join(frozen)} begins with image features that are "
            "computed once before training; computing them is not part of the step."
        )
    said += [
        f"* {row.label}: not counted, no formula: {', '.join(row.uncounted)}."
        for row in report.rows
        if row.uncounted
    ]
    if setting.random_weights:
        said.append(
            "Cost does not depend on the weights' values. QuickGELU, which OpenAI's weights need "
            "(ViT-B-16-quickgelu), has the same GFLOPs, but it is not one fused operator: its "
            "time and memory are measured only under that name."
        )
    if report.stopped:
        said.append("Stopped before its end: fewer rounds, or no memory for some rows.")
    return said


def _grids(report: CostReport) -> list[Grid]:
    grids = [methods_grid(report)]
    return grids + ([attention_grid(report.attention)] if report.attention else [])


def to_markdown(report: CostReport) -> str:
    """Return both tables, the caption and the answer to the rebuttal's question."""
    parts = []
    for grid in _grids(report):
        rule = ":--", *("--:" for _ in grid.head[1:])
        lines = [map(markdown, grid.head), rule, *(map(markdown, line) for line in grid.lines)]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    said = [" ".join(caption(report)), " ".join(answer(report))]
    return "\n\n".join([parts[0], markdown(said[0]), *parts[1:], *map(markdown, said[1:])]) + "\n"


def to_latex(report: CostReport) -> str:
    """Return booktabs tables; the document needs only ``\\usepackage{booktabs}``."""
    captions = [" ".join(caption(report)), " ".join(answer(report)) or "The attention product."]
    text = [r"% needs \usepackage{booktabs}"]
    for grid, said, label in zip(_grids(report), captions, ("cost", "attention"), strict=False):
        text += [
            r"\begin{table}[t]", r"\centering", rf"\caption{{{_latex(said)}}}",
            rf"\label{{tab:{label}}}", rf"\begin{{tabular}}{{l{'r' * (len(grid.head) - 1)}}}",
            r"\toprule", " & ".join(map(_latex, grid.head)) + r" \\", r"\midrule",
            *(" & ".join(map(_latex, line)) + r" \\" for line in grid.lines),
            r"\bottomrule", r"\end{tabular}", r"\end{table}",
        ]  # fmt: skip
    return "\n".join(text) + "\n"


def _latex(text: str) -> str:
    special = {"²": r"\ensuremath{^2}", "⁹": r"\ensuremath{^9}", "ᵀ": r"\ensuremath{^T}"}
    return "".join(special.get(c, c) for c in latex(text))


def to_csv(report: CostReport) -> str:
    """Return the numbers unrounded, one line per method, empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["method", "total_parameters", "trained_parameters", "inference_flops_per_image",
         "step_flops", "step_ms", "step_ratio", "inference_ms_per_image", "inference_ratio",
         "peak_mib", "reference", "rounds", "model", "random_weights", "precision", "batch",
         "classes", "device", "device_name", "threads", "torch", "git"]
    )  # fmt: skip
    setting, reference = report.setting, report.row(report.reference)
    for row in report.rows:
        writer.writerow(
            [row.label, row.total_parameters, row.trained_parameters, row.inference_flops,
             row.step_flops, _median(row.step_ms), _median(ratios(row.step_ms, reference.step_ms)),
             _median(row.inference_ms), _median(ratios(row.inference_ms, reference.inference_ms)),
             row.memory_mb, report.reference, report.rounds, setting.model.title(),
             setting.random_weights, setting.model.precision, setting.batch, setting.classes,
             setting.device, report.device_name, setting.threads, report.versions["torch"],
             report.git]
        )  # fmt: skip
    return out.getvalue()


def to_terminal(report: CostReport) -> list[RichTable | Text]:
    """Return what to print, in order."""
    shown: list[RichTable | Text] = []
    for grid in _grids(report):
        # Text, not str: rich would read brackets in a name as markup
        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(Text(grid.head[0]), overflow="fold")
        for name in grid.head[1:]:
            table.add_column(Text(name), justify="right")
        for line in grid.lines:
            table.add_row(*map(Text, line))
        shown.append(table)
    shown.insert(1, Text("\n".join(caption(report)), style="dim"))
    return [*shown, *(Text(sentence) for sentence in answer(report))]
