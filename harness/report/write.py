"""Write every table and figure of a store into a directory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.console.output import writing
from harness.errors import unknown_name
from harness.report.build import Choice, Reported, comparison_of, ranks_by_name, report_blocks
from harness.report.comparison.marks import marked
from harness.report.comparison.model import TableComparison
from harness.report.comparison.ranks import Ranks
from harness.report.comparison.reference import references_of
from harness.report.figures.drawings import Drawing, drawings, picture
from harness.report.figures.rows import chosen_table
from harness.report.runs.predictions import PredictionCache
from harness.report.tables.model import Table
from harness.report.text import comparison as contrast
from harness.report.text import grid, tuning
from harness.report.text import ranks as rank_text
from harness.report.text.tables import lines, to_json, to_latex, to_markdown
from harness.report.tuning import trials
from harness.report.tuning.panel import panels
from harness.report.tuning.picture import panel_picture
from harness.report.tuning.trials import searched
from harness.store.files import write_atomically
from harness.store.store import Store
from harness.sweep.figures import TableSpec

PICTURES = ("png", "pdf")
TEXTS = ("md", "csv", "tex", "json")
FORMATS = (*TEXTS, *PICTURES)
STEMS = frozenset(
    (
        "table",
        "comparison",
        "beyond",
        "tuning",
        "trials",
        "ranks",
        "alignment",
        "confusion",
        "figure",
    )
)
"""What the names of its files begin with."""
USUAL = ("md", "csv", "tex", *PICTURES)
"""Written unless others are asked for."""


def write_report(
    store: Store,
    out_dir: Path,
    choice: Choice | None = None,
    formats: Sequence[str] = USUAL,
    reported: Sequence[Reported] | None = None,
) -> list[Path]:
    """Write tables and figures; return the files, tables first.

    A store that is only partly filled is reported with its holes.

    Args:
        store: What to report; only read.
        out_dir: Made if it is not there. Files of an earlier report are replaced.
        choice: What to report, and how; by default everything, with standard deviations.
        formats: Some of `FORMATS`.
        reported: What `report_blocks` returned for this store and choice, if it is at hand.

    Raises:
        UserError: If nothing is there to report, or a name is unknown.
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown_name("format", name, FORMATS)
    choice = choice or Choice()
    predictions = PredictionCache(store)
    if reported is None:
        reported = report_blocks(store, choice, predictions)
    files: dict[str, bytes] = {}
    for block in reported:
        end = f"{_suffix(choice)}-{block.name}" if block.name else _suffix(choice)
        files |= {f"table{end}.{kind}": _render(block.table, kind, block.name) for kind in formats}
        files |= _beside(block.evidence, block.beyond, formats, end)
        if block.tuning:
            files |= _lines(f"tuning{end}", tuning.lines(block.table, block.tuning), formats)
        files |= _answers(block, formats, end)
    for name, ranks in ranks_by_name(store, choice, reported):
        files |= _ranks(ranks, formats, f"{_suffix(choice)}-{name}" if name else _suffix(choice))
    files |= _figures(store, choice, formats, predictions)
    files |= _searches(store, choice, formats)
    for file, data in files.items():
        with writing(out_dir / file):
            write_atomically(out_dir / file, data)
    return [out_dir / file for file in files]


def _beside(
    comparison: TableComparison | None, more: Table | None, formats: Sequence[str], end: str
) -> dict[str, bytes]:
    """Return the files of a table's comparison and of its further measures."""
    files: dict[str, bytes] = {}
    if comparison is not None:
        texts: dict[str, Callable[[], str]] = {
            "md": lambda: contrast.to_markdown(comparison),
            "csv": lambda: grid.to_csv(contrast.lines(comparison)),
            "json": lambda: grid.to_json(contrast.lines(comparison)),
            "tex": lambda: contrast.to_latex(comparison, f"tab:comparison{end}"),
        }
        kinds = [k for k in formats if k in texts and (comparison.rows or k == "md")]
        files |= {f"comparison{end}.{k}": texts[k]().encode() for k in kinds}
    if more is not None:
        kinds = [kind for kind in formats if kind in TEXTS]
        files |= {f"beyond{end}.{k}": _render(more, k, f"beyond{end}") for k in kinds}
    return files


def _answers(block: Reported, formats: Sequence[str], end: str) -> dict[str, bytes]:
    """Return the files of accuracy by alignment and of the confusion matrix, if asked for."""
    files: dict[str, bytes | None] = {}
    if (aligned := block.alignment) is not None:
        from harness.report.figures.alignment import alignment_picture
        from harness.report.text import alignment

        name = f"alignment{end}"
        files[f"{name}.md"] = alignment.to_markdown(aligned).encode()
        files |= _lines(name, alignment.lines(aligned), formats)
        files[f"{name}.tex"] = alignment.to_latex(aligned, f"tab:{name}").encode()
        files |= {f"{name}.{k}": alignment_picture(aligned, k) for k in formats if k in PICTURES}
    if (confused := block.confusion) is not None:
        from harness.report.figures.confusion import confusion_picture
        from harness.report.text import confusion

        name = f"confusion{end}-{re.sub(r'[^A-Za-z0-9.]+', '-', confused.label).strip('-.')}"
        files[f"{name}.md"] = confusion.to_markdown(confused).encode()
        files |= _lines(name, confusion.lines(confused), formats)
        files[f"{name}.tex"] = confusion.to_latex(confused, f"tab:{name}").encode()
        files |= {f"{name}.{k}": confusion_picture(confused, k) for k in formats if k in PICTURES}
    kinds = {name: name.rpartition(".")[2] for name in files}
    return {n: data for n, data in files.items() if data is not None and kinds[n] in formats}


def _lines(name: str, found: grid.Lines, formats: Sequence[str]) -> dict[str, bytes]:
    """Return the files that a program reads."""
    writers = {"csv": grid.to_csv, "json": grid.to_json}
    found = found._replace(rows=list(found.rows))  # read by both
    return {f"{name}.{k}": writers[k](found).encode() for k in formats if k in writers}


def _ranks(ranks: Ranks, formats: Sequence[str], end: str) -> dict[str, bytes]:
    from harness.report.figures.ranks import ranks_picture

    texts: dict[str, Callable[[], str]] = {
        "md": lambda: rank_text.to_markdown(ranks),
        "csv": lambda: grid.to_csv(rank_text.lines(ranks)),
        "json": lambda: grid.to_json(rank_text.lines(ranks)),
        "tex": lambda: rank_text.to_latex(ranks, f"tab:ranks{end}"),
    }
    files = {f"ranks{end}.{k}": texts[k]().encode() for k in formats if k in texts}
    return files | {f"ranks{end}.{k}": ranks_picture(ranks, k) for k in formats if k in PICTURES}


def _suffix(choice: Choice) -> str:
    return "" if choice.score == "target" else f"-{choice.score}"


def _render(table: Table, kind: str, name: str) -> bytes:
    if kind in ("png", "pdf"):
        from harness.report.figures.table import table_picture

        return table_picture(table, kind)
    as_text: dict[str, Callable[[], str]] = {
        "md": lambda: to_markdown(table),
        "csv": lambda: grid.to_csv(lines(table)),
        "json": lambda: to_json(table),
        "tex": lambda: to_latex(table, f"tab:{name or 'results'}"),
    }
    return as_text[kind]().encode()


def _figures(
    store: Store, choice: Choice, kinds: Sequence[str], predictions: PredictionCache
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for drawing in drawings(store, choice, predictions):
        end = f"{_suffix(choice)}-{drawing.name}"
        if isinstance(drawing.spec, TableSpec):
            references = references_of(store, drawing.sweep)
            files |= _table(drawing, drawing.spec, choice, references, kinds, end, predictions)
            continue
        for kind in (kind for kind in kinds if kind in ("png", "pdf")):
            data = picture(drawing, kind)
            if data is not None:
                files[f"figure{end}.{kind}"] = data
    return files


def _searches(store: Store, choice: Choice, kinds: Sequence[str]) -> dict[str, bytes]:
    """Return the trials of the sweeps with a search, and their figures."""
    found = searched(store, choice)
    files = _lines("trials", trials.lines(found), kinds) if found else {}
    for panel in panels(found, store):
        for kind in (kind for kind in kinds if kind in ("png", "pdf")):
            files[f"figure-{panel.name}.{kind}"] = panel_picture(panel, kind)
    return files


def _table(
    drawing: Drawing,
    spec: TableSpec,
    choice: Choice,
    references: Sequence[str],
    kinds: Sequence[str],
    end: str,
    predictions: PredictionCache,
) -> dict[str, bytes]:
    """Compare all columns of the rows chosen: the mean is over all, whatever is shown."""
    table = drawing.table
    frame = next((block.frame for block in drawing.blocks if block.table is table), None)
    rows = chosen_table(table, spec.model_copy(update={"columns": None}))
    comparison = comparison_of(rows, choice, references, frame, predictions)
    shown = marked(chosen_table(table, spec), comparison)
    files = {f"table{end}.{kind}": _render(shown, kind, end.strip("-")) for kind in kinds}
    return files | _beside(comparison, None, kinds, end)
