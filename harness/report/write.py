"""Write every table and figure of a store into a directory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from harness.console.output import writing
from harness.errors import unknown_name
from harness.report.build import Choice, Reported, compared, report_blocks
from harness.report.comparison.evidence import Evidence
from harness.report.comparison.images import Answers
from harness.report.comparison.marks import marked
from harness.report.figures.drawings import drawings, picture
from harness.report.figures.rows import chosen_table
from harness.report.tables.model import Table
from harness.report.text import comparison as contrast
from harness.report.text.tables import to_csv, to_latex, to_markdown
from harness.store.files import write_atomically
from harness.store.store import Store
from harness.sweep.figures import TableSpec

FORMATS = ("md", "csv", "tex", "png", "pdf")


def write_report(
    store: Store,
    out_dir: Path,
    choice: Choice | None = None,
    formats: Sequence[str] = FORMATS,
    parts: Sequence[Reported] | None = None,
) -> list[Path]:
    """Write tables and figures; return the files, tables first.

    A store that is only partly filled is reported with its holes.

    Args:
        store: What to report; only read.
        out_dir: Made if it is not there. Files of an earlier report are replaced.
        choice: What to report, and how; by default everything, with standard deviations.
        formats: Some of `FORMATS`.
        parts: What `report_blocks` returned for this store and choice, if it is at hand.

    Raises:
        UserError: If nothing is there to report, or a name is unknown.
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown_name("format", name, FORMATS)
    choice = choice or Choice()
    answers = Answers(store)
    files: dict[str, bytes] = {}
    for part in report_blocks(store, choice, answers) if parts is None else parts:
        end = f"{_suffix(choice)}-{part.name}" if part.name else _suffix(choice)
        files |= {f"table{end}.{kind}": _render(part.table, kind, part.name) for kind in formats}
        files |= _said(part.evidence, part.beyond, formats, end)
    files |= _figures(store, choice, formats, answers)
    for file, data in files.items():
        with writing(out_dir / file):
            write_atomically(out_dir / file, data)
    return [out_dir / file for file in files]


def _said(
    found: Evidence | None, more: Table | None, formats: Sequence[str], end: str
) -> dict[str, bytes]:
    """Return the files of a table's comparison and of its further measures."""
    files: dict[str, bytes] = {}
    if found is not None:
        texts: dict[str, Callable[[], str]] = {
            "md": lambda: contrast.to_markdown(found),
            "csv": lambda: contrast.to_csv(found),
            "tex": lambda: contrast.to_latex(found, f"tab:comparison{end}"),
        }
        kinds = [k for k in formats if k in texts and (found.lines or k == "md")]
        files |= {f"comparison{end}.{k}": texts[k]().encode() for k in kinds}
    if more is not None:
        kinds = [kind for kind in formats if kind in ("md", "csv", "tex")]
        files |= {f"beyond{end}.{k}": _render(more, k, f"beyond{end}") for k in kinds}
    return files


def _suffix(choice: Choice) -> str:
    return "" if choice.score == "target" else f"-{choice.score}"


def _render(table: Table, kind: str, name: str) -> bytes:
    if kind in ("png", "pdf"):
        from harness.report.figures.table import table_picture

        return table_picture(table, kind)
    as_text: dict[str, Callable[[], str]] = {
        "md": lambda: to_markdown(table),
        "csv": lambda: to_csv(table),
        "tex": lambda: to_latex(table, f"tab:{name or 'results'}"),
    }
    return as_text[kind]().encode()


def _figures(
    store: Store, choice: Choice, kinds: Sequence[str], answers: Answers
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for drawing in drawings(store, choice, answers):
        end = f"{_suffix(choice)}-{drawing.name}"
        if isinstance(drawing.spec, TableSpec):
            files |= _table(drawing.table, drawing.spec, choice, kinds, end, drawing.parts, answers)
            continue
        for kind in (kind for kind in kinds if kind in ("png", "pdf")):
            data = picture(drawing, kind)
            if data is not None:
                files[f"figure{end}.{kind}"] = data
    return files


def _table(
    table: Table,
    spec: TableSpec,
    choice: Choice,
    kinds: Sequence[str],
    end: str,
    parts: Sequence[Reported],
    answers: Answers,
) -> dict[str, bytes]:
    """Compare all columns of the rows chosen: the mean is over all, whatever is shown."""
    frame = next((part.frame for part in parts if part.table is table), None)
    rows = chosen_table(table, spec.model_copy(update={"columns": None}))
    found = compared(rows, choice, frame, answers)
    shown = marked(chosen_table(table, spec), found)
    files = {f"table{end}.{kind}": _render(shown, kind, end.strip("-")) for kind in kinds}
    return files | _said(found, None, kinds, end)
