"""`report --compare-published`: print published numbers beside ours and write the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.console.output import table_console, writing
from harness.report.published.compare import compare_published, why_none
from harness.report.published.numbers import PublishedNumber
from harness.report.tables.model import Table
from harness.report.text import grid
from harness.report.text import published as text
from harness.store.files import write_atomically

WIDTH = 200
"""Characters of a line where there is no terminal: nine columns, some of them sentences."""


def report_published(
    tables: Sequence[Table],
    numbers: Sequence[PublishedNumber],
    out_dir: Path,
    formats: Sequence[str],
) -> list[Path]:
    """Print the comparison, write ``published.md``, ``.csv``, ``.tex``; return the files.

    Args:
        tables: One per block, of accuracy on targets.
        numbers: Those of the literature.
        out_dir: Made if it is not there.
        formats: Of md, csv, tex, json, term, those that are wanted; others are passed over.

    Raises:
        UserError: If a file cannot be written.
    """
    from rich.text import Text

    cells = compare_published(tables, numbers)
    none = why_none(cells, tables)
    if "term" in formats:
        console = table_console(WIDTH)
        if text.compared(cells):
            console.print(text.to_terminal(cells))
        for paragraph in text.below(cells, none):
            console.print(Text(paragraph))
    texts = {
        "md": text.to_markdown(cells, none),
        "csv": grid.to_csv(text.lines(cells)),
        "json": grid.to_json(text.lines(cells)),
        "tex": text.to_latex(cells, none),
    }
    paths = []
    for kind in (kind for kind in texts if kind in formats):
        path = out_dir / f"published.{kind}"
        with writing(path):
            write_atomically(path, texts[kind].encode())
        print(path)
        paths.append(path)
    return paths
