"""Write every table and figure of a store into a directory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
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
from harness.report.tuning.trials import Searched, searched
from harness.store.files import write_atomically
from harness.store.store import Store
from harness.sweep.figures import TableSpec

PICTURES = ("png", "pdf")
TEXTS = ("md", "csv", "tex", "json")
FORMATS = (*TEXTS, *PICTURES)
STEMS = ("table", "comparison", "beyond", "tuning", "trials", "ranks", "alignment", "confusion",
         "figure")  # fmt: skip
"""What the names of its files begin with."""
USUAL = ("md", "csv", "tex", *PICTURES)
"""Written unless others are asked for."""

_Texts = dict[str, Callable[[], str]]
"""What makes the text of each format."""


def write_report(
    store: Store,
    out_dir: Path,
    choice: Choice | None = None,
    formats: Sequence[str] = USUAL,
    reported: Sequence[Reported] | None = None,
    tried: Sequence[Searched] | None = None,
) -> list[Path]:
    """Write tables and figures; return the files, tables first.

    A store that is only partly filled is reported with its holes.

    Args:
        store: What to report; only read.
        out_dir: Made if it is not there. Files of an earlier report are replaced.
        choice: What to report, and how; by default everything, with standard deviations.
        formats: Some of `FORMATS`.
        reported: What `report_blocks` returned for this store and choice, if it is at hand.
        tried: The same of `searched`.

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
            found = partial(tuning.lines, block.table, block.tuning)
            files |= _texts(f"tuning{end}", formats, _for_programs(found))
        files |= _answers(block, formats, end)
    for name, ranks in ranks_by_name(store, choice, reported):
        files |= _ranks(ranks, formats, f"{_suffix(choice)}-{name}" if name else _suffix(choice))
    files |= _figures(store, choice, formats, predictions)
    files |= _searches(store, searched(store, choice) if tried is None else tried, formats)
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
        texts: _Texts = {"md": partial(contrast.to_markdown, comparison)}
        if comparison.rows:
            texts["tex"] = partial(contrast.to_latex, comparison, f"tab:comparison{end}")
            texts |= _for_programs(partial(contrast.lines, comparison))
        files |= _texts(f"comparison{end}", formats, texts)
    if more is not None:
        kinds = [kind for kind in formats if kind in TEXTS]
        files |= {f"beyond{end}.{k}": _render(more, k, f"beyond{end}") for k in kinds}
    return files


def _answers(block: Reported, formats: Sequence[str], end: str) -> dict[str, bytes]:
    """Return the files of accuracy by alignment and of the confusion matrix, if asked for."""
    files: dict[str, bytes | None] = {}
    texts: _Texts
    if (aligned := block.alignment) is not None:
        from harness.report.figures.alignment import alignment_picture
        from harness.report.text import alignment

        name = f"alignment{end}"
        texts = {
            "md": partial(alignment.to_markdown, aligned),
            "tex": partial(alignment.to_latex, aligned, f"tab:{name}"),
        }
        texts |= _for_programs(partial(alignment.lines, aligned))
        files |= _texts(name, formats, texts)
        files |= {f"{name}.{k}": alignment_picture(aligned, k) for k in formats if k in PICTURES}
    if (confused := block.confusion) is not None:
        from harness.report.figures.confusion import confusion_picture
        from harness.report.text import confusion

        name = f"confusion{end}-{re.sub(r'[^A-Za-z0-9.]+', '-', confused.label).strip('-.')}"
        texts = {
            "md": partial(confusion.to_markdown, confused),
            "tex": partial(confusion.to_latex, confused, f"tab:{name}"),
        }
        texts |= _for_programs(partial(confusion.lines, confused))
        files |= _texts(name, formats, texts)
        files |= {f"{name}.{k}": confusion_picture(confused, k) for k in formats if k in PICTURES}
    return {name: data for name, data in files.items() if data is not None}


def _for_programs(lines_of: Callable[[], grid.Lines]) -> _Texts:
    return {"csv": lambda: grid.to_csv(lines_of()), "json": lambda: grid.to_json(lines_of())}


def _texts(stem: str, formats: Sequence[str], texts: _Texts) -> dict[str, bytes]:
    """Return the files of those formats that are asked for."""
    return {f"{stem}.{kind}": texts[kind]().encode() for kind in formats if kind in texts}


def _ranks(ranks: Ranks, formats: Sequence[str], end: str) -> dict[str, bytes]:
    from harness.report.figures.ranks import ranks_picture

    texts: _Texts = {
        "md": partial(rank_text.to_markdown, ranks),
        "tex": partial(rank_text.to_latex, ranks, f"tab:ranks{end}"),
    }
    files = _texts(f"ranks{end}", formats, texts | _for_programs(partial(rank_text.lines, ranks)))
    return files | {f"ranks{end}.{k}": ranks_picture(ranks, k) for k in formats if k in PICTURES}


def _suffix(choice: Choice) -> str:
    return "" if choice.score == "target" else f"-{choice.score}"


def _render(table: Table, kind: str, name: str) -> bytes:
    if kind in ("png", "pdf"):
        from harness.report.figures.table import table_picture

        return table_picture(table, kind)
    as_text: _Texts = {
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


def _searches(store: Store, found: Sequence[Searched], kinds: Sequence[str]) -> dict[str, bytes]:
    """Return the trials of the sweeps with a search, and their figures."""
    texts = _for_programs(partial(trials.lines, found)) if found else {}
    files = _texts("trials", kinds, texts)
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
