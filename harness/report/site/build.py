"""Build the site; a host of files serves it as it is.

index.html                 the stores, each with its tables' best rows
feed.xml                   Atom: a store is updated when a run of it ends
<store>/index.html         the leaderboard page
<store>/tables/*.csv       every table that `report` writes; *.json the same
<store>/results.tar.gz     the archive that `leaderboard merge` takes in
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.console.output import writing
from harness.errors import UserError
from harness.report.build import Choice, Reported, report_blocks
from harness.report.page.render import write_page
from harness.report.runs.index import index_of
from harness.report.runs.predictions import PredictionCache
from harness.report.site.feed import Entry, atom
from harness.report.tables.caption import title_text
from harness.report.tables.model import cell_text
from harness.report.write import write_report
from harness.store.exchange.archive import export
from harness.store.files import write_atomically
from harness.store.store import Store
from harness.sweep.calls import one_line

_TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


@dataclass(frozen=True)
class Best:
    """What the first page says of a table."""

    title: str
    name: str
    """Of its files."""
    label: str
    number: str
    runs: int


@dataclass(frozen=True)
class Listed:
    """What the first page says of a store."""

    name: str
    updated: str
    runs: int
    tables: tuple[Best, ...]
    archive_mib: float


def write_site(
    stores: Sequence[Path],
    out: Path,
    address: str = "",
    note: Callable[[str], None] = lambda text: None,
) -> list[Path]:
    """Write the site of these stores; return what was written, the first page last.

    Args:
        stores: Each becomes a folder of its own name.
        out: Where to; files of an earlier site are replaced.
        address: Where it will be served, for the feed's links.
        note: Told of each store.

    Raises:
        UserError: If two stores have one name, or one has nothing to report.
    """
    names = [path.resolve().name for path in stores]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two stores are called '{name}': rename one, a folder is its address")
    written: list[Path] = []
    listed = []
    for path, name in zip(stores, names, strict=True):
        note(f"{one_line(name)} ...")
        files, entry = _store(Store(path), out / name, name)
        written += files
        listed.append(entry)
    listed.sort(key=lambda entry: entry.updated, reverse=True)
    entries = [
        Entry(one.name, f"{one.name}/", one.updated, f"{one.runs} finished runs") for one in listed
    ]
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template("site.html.j2").render(stores=listed)
    for file, content in (("feed.xml", atom(entries, address)), ("index.html", page.encode())):
        with writing(out / file):
            write_atomically(out / file, content)
        written.append(out / file)
    return written


def _store(store: Store, folder: Path, name: str) -> tuple[list[Path], Listed]:
    choice = Choice()
    reported = report_blocks(store, choice, PredictionCache(store))
    written = []
    with writing(folder):
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        page = write_page(store, folder, choice, reported=reported)
        page.replace(folder / "index.html")
        written.append(folder / "index.html")
        written += write_report(store, folder / "tables", choice, ["csv", "json"], reported)
        archive = folder / "results.tar.gz"
        export(store, archive)
        written.append(archive)
    done = {run for b in reported for run in b.frame.loc[b.frame["status"] == "done", "id"]}
    return written, Listed(
        name,
        _updated(store, done),
        len(done),
        tuple(_best(block) for block in reported if not block.table.apart),
        archive.stat().st_size / 2**20,
    )


def _updated(store: Store, runs: set[str]) -> str:
    index = index_of(store)
    return max((index.record(run).provenance.started for run in runs), default="")


def _stem(block: Reported) -> str:
    """Return what the report calls a table's files."""
    return f"table-{block.name}" if block.name else "table"


def _best(block: Reported) -> Best:
    table = block.table
    last = [(table.cells(row)[-1], row.label) for row in table.rows]
    cell, label = max(last, key=lambda pair: -1.0 if pair[0].mean is None else pair[0].mean)
    number, spread, _ = cell_text(cell, table.usual_n)
    return Best(title_text(table), _stem(block), label, f"{number} {spread}".strip(), table.n_runs)
