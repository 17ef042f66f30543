"""Build the site; a host of files serves it as it is.

index.html                 the stores, each with its tables' best rows
feed.xml                   Atom: a store is updated when a run of it ends
<store>/index.html         the leaderboard page
<store>/tables/*.csv       every table that `report` writes; *.json the same
<store>/results.tar.gz     the archive that `leaderboard merge` takes in
files.json                 what of the folder is the site's: the next one deletes what it lacks
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
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
from harness.report.write import write_report
from harness.store.exchange.archive import export
from harness.store.files import write_atomically
from harness.store.store import Store
from harness.sweep.calls import one_line

_FILES = "files.json"
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
        out: Where to; files of an earlier site are replaced or deleted, others left alone.
        address: Where it will be served, for the feed's links.
        note: Told of each store.

    Raises:
        UserError: If two stores have one name, one has nothing to report, or the folder has a first
            page that is no site's.
    """
    earlier = _earlier(out)
    names = [path.resolve().name for path in stores]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two stores are called '{name}': rename one, a folder is its address")
        if (out / name).resolve() in [path.resolve() for path in stores]:
            raise UserError(f"--out {out} would write the site into the store {out / name}")
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
    written += [out / "feed.xml", out / _FILES, out / "index.html"]
    own = sorted(path.relative_to(out).as_posix() for path in written)
    contents = (atom(entries, address), json.dumps(own, indent=1).encode(), page.encode())
    for path, content in zip(written[-3:], contents, strict=True):
        with writing(path):
            write_atomically(path, content)
    with writing(out):
        _delete(out, earlier - set(own))
    return written


def _earlier(out: Path) -> set[str]:
    """Return the files of the site that is there.

    Raises:
        UserError: If the first page is not one of a site.
    """
    try:
        return set(json.loads((out / _FILES).read_bytes()))
    except (OSError, ValueError, TypeError):
        if (out / "index.html").exists():
            raise UserError(
                f"{out / 'index.html'} is of no site that says so in {_FILES}; move it away, or "
                "give --out a folder of the site's own"
            ) from None
    return set()


def _delete(out: Path, files: Iterable[str]) -> None:
    """Delete files of a site, and folders that are empty without them."""
    for path in (out / file for file in sorted(files)):
        if path.resolve().is_relative_to(out.resolve()):  # whoever wrote the list
            path.unlink(missing_ok=True)
            for folder in (path.parent, path.parent.parent):
                if folder.is_dir() and not any(folder.iterdir()) and folder != out:
                    folder.rmdir()


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
    whole = [(cell, label) for cell, label in last if cell.complete] or last
    top = max(whole, key=lambda pair: -1.0 if pair[0].mean is None else pair[0].mean)[0]
    # as the table's bold: what prints the same is a tie
    labels = [label for cell, label in whole if table.text(cell)[0] == table.text(top)[0]]
    number, spread, note = table.text(top)
    said = " ".join(filter(None, (number, spread if len(labels) == 1 else "", note)))
    return Best(title_text(table), _stem(block), ", ".join(labels), said, table.n_runs)
