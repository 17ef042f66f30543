"""Check that an archive is what it says: whole, and consistent with itself.

Scores are counted again from the predictions. That shows that nobody mistyped or mixed up a file;
it does not show that the runs were made, for labels and predictions come from the archive, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.errors import UserError
from harness.store.exchange.archive import MANIFEST, Manifest
from harness.store.exchange.unpack import unpack
from harness.store.formats import check_format
from harness.store.integrity import examined
from harness.store.store import Store
from harness.validation import validated


@dataclass(frozen=True)
class Received:
    """An archive, unpacked."""

    file: Path
    store: Store
    """What was inside, as a store in a temporary directory."""
    problems: tuple[str, ...]
    """One line each; empty if all is well."""


@contextmanager
def received(file: Path) -> Iterator[Received]:
    """Unpack and check an archive; the store is gone at the end.

    Raises:
        UserError: If `file` cannot be opened.
    """
    with TemporaryDirectory(prefix="clip-bench-") as name:
        folder = Path(name)
        problems = unpack(file, folder)
        if not problems:  # else every line that follows would only repeat it
            try:
                problems = list(_problems(folder))
            except RecursionError:
                problems = ["a JSON file is nested too deeply to be read"]
        yield Received(file, Store(folder), tuple(problems))


def _problems(folder: Path) -> Iterator[str]:
    try:
        manifest = _manifest(folder / MANIFEST)
    except UserError as error:
        yield str(error)
        return
    yield from _files(manifest, folder)
    ids = sorted(path.name for path in folder.glob("runs/*"))
    if ids != sorted(manifest.runs):
        yield f"{MANIFEST}: 'runs' names other runs than there are"
    for run_id in ids:
        yield from (f"run {run_id}: {problem}" for problem in _run(Store(folder), run_id))
    yield from _plans(manifest, Store(folder))


def _manifest(path: Path) -> Manifest:
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{MANIFEST} is missing: no archive of results") from None
    except ValueError as error:
        raise UserError(f"{MANIFEST}: not JSON ({error})") from None
    check_format(values, MANIFEST)
    manifest: Manifest = validated(Manifest, values, MANIFEST)
    return manifest


def _files(manifest: Manifest, folder: Path) -> Iterator[str]:
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    for name in sorted(found - set(manifest.files) - {MANIFEST}):
        yield f"{name}: not in {MANIFEST}"
    for name, member in sorted(manifest.files.items()):
        if name not in found:
            yield f"{name}: in {MANIFEST}, but not in the archive"
        elif hashlib.sha256((folder / name).read_bytes()).hexdigest() != member.sha256:
            yield f"{name}: its SHA-256 is not that in {MANIFEST}"


def _run(store: Store, run_id: str) -> Iterator[str]:
    try:
        record = store.read(run_id)
    except UserError as error:
        yield str(error).replace(f"{store.root}/", "").replace(str(store.root), "archive")
        return
    path = store.run_dir(run_id) / "predictions.npz"
    if not path.is_file():
        yield "predictions.npz is missing"
    yield from examined(record, path)[0]


def _plans(manifest: Manifest, store: Store) -> Iterator[str]:
    known = {*manifest.runs, *manifest.missing}
    if both := set(manifest.runs) & set(manifest.missing):
        yield f"{MANIFEST}: run {min(both)} stands under 'runs' and under 'missing'"
    files = sorted(path.stem for path in store.root.glob("sweeps/*.json"))
    if files != sorted(manifest.sweeps):
        yield f"{MANIFEST}: 'sweeps' names other plans than there are"
    try:
        plans = {plan.name: plan for plan in store.plans()}
    except UserError as error:
        yield str(error).replace(f"{store.root}/", "")
        return
    if sorted(plans) != files:
        yield f"sweeps: the plans call themselves {', '.join(sorted(plans))}"
    for name, plan in plans.items():
        for run_id in sorted({spec.id for spec in (*plan.runs, *plan.trials)} - known):
            yield f"sweeps/{name}.json: run {run_id} is neither inside nor named as missing"
