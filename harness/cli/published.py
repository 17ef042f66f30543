"""`report --compare-published`: print published figures beside ours and write the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UserError
from harness.report.published.compare import compare_published, why_none
from harness.report.published.numbers import load_figures
from harness.report.published.render import (
    below,
    compared,
    to_csv,
    to_latex,
    to_markdown,
    to_terminal,
)
from harness.report.tables.model import Table
from harness.store.files import write_atomically


def published(
    tables: Sequence[Table], figures: Path, out_dir: Path, formats: Sequence[str]
) -> list[Path]:
    """Print the comparison, write ``published.md``, ``.csv``, ``.tex``; return the files.

    Args:
        tables: One per block, of accuracy on targets.
        figures: CSV file of published figures.
        out_dir: Made if it is not there.
        formats: Of md, csv, tex, term, those that are wanted; others are passed over.

    Raises:
        UserError: If the figures cannot be read, or a file cannot be written.
    """
    from rich.console import Console
    from rich.text import Text

    cells = compare_published(tables, load_figures(figures))
    none = why_none(cells, tables)
    if "term" in formats:
        console = Console()
        if not console.is_terminal:  # a file or a pipe has no width to fit
            console = Console(width=max(console.width, 200))
        if compared(cells):
            console.print(to_terminal(cells))
        for text in below(cells, none):
            console.print(Text(text))
    texts = {"md": to_markdown(cells, none), "csv": to_csv(cells), "tex": to_latex(cells, none)}
    paths = []
    for kind in (kind for kind in texts if kind in formats):
        path = out_dir / f"published.{kind}"
        try:
            write_atomically(path, texts[kind].encode())
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{path}: cannot write it ({reason}); choose --out") from None
        print(path)
        paths.append(path)
    return paths
