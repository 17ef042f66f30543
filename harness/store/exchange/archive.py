"""Results that leave a machine: one tar.gz with a store's records, predictions and plans.

Layout, names sorted::

    manifest.json                 what is inside (Manifest), with the SHA-256 of every other member
    runs/<id>/log.txt             if asked for
    runs/<id>/predictions.npz
    runs/<id>/record.json
    sweeps/<name>.json

Weights never are. The same store gives the same bytes on the same zlib: times and owners are fixed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.console.output import writing
from harness.errors import UserError, unknown_name
from harness.specs import RunSpec
from harness.store.formats import FORMAT, Format
from harness.store.integrity import examined
from harness.store.records import Record, SweepPlan
from harness.store.redact import places, safe_plan, safe_record, safe_text
from harness.store.store import Store
from harness.version import __version__

MANIFEST = "manifest.json"


class Member(Record):
    """One file of the archive."""

    sha256: str
    size: int
    """Bytes."""


class Manifest(Record):
    """What an archive holds."""

    format: Literal["clip-benchmark-harness results"] = "clip-benchmark-harness results"
    version: Literal[1] = 1
    record_schema: Format = FORMAT
    written_by: str = ""
    """The version of the harness."""
    runs: tuple[str, ...]
    """Ids of the runs inside, sorted."""
    missing: tuple[str, ...]
    """Ids that a sweep planned and that are not inside, sorted."""
    sweeps: tuple[str, ...]
    code: dict[str, int] = Field(default_factory=dict)
    """Commit of the code -> how many of the runs it made."""
    files: dict[str, Member]
    """Every member but this one."""


def export(
    store: Store, out: Path, sweep: str | None = None, logs: bool = False, keep_host: bool = False
) -> Manifest:
    """Write the archive `out`, whole or not at all.

    Args:
        store: What to export; only read.
        out: The file, ``.tar.gz``.
        sweep: Only the runs of this sweep, and its plan.
        logs: The runs' logs, too; absolute paths in them are shortened like all others.
        keep_host: Leave host names, commands and paths as they are; see `harness.store.redact`.

    Raises:
        UserError: If there is nothing to export, or a path is part of a run's identity and so
            cannot be shortened.
    """
    plans = {plan.name: plan for plan in store.plans()}
    if sweep is not None:
        if sweep not in plans:
            raise unknown_name("sweep", sweep, plans, f"in {store.root}")
        plans = {sweep: plans[sweep]}
    planned = {spec.id for plan in plans.values() for spec in (*plan.runs, *plan.trials)}
    chosen = {spec.id for plan in plans.values() for spec in plan.possible_finals()}
    members: dict[str, Callable[[], bytes]] = {}
    code: Counter[str] = Counter()
    runs, specs = [], []
    for record in store.records():
        if sweep is not None and record.id not in planned | chosen:
            continue
        folder, target = store.run_dir(record.id), f"runs/{record.id}"
        if problems := examined(record, folder / "predictions.npz")[0]:
            raise UserError(
                f"run {record.id}: {problems[0]}; nobody could take it in: restore {folder}, or "
                "delete it and run it again"
            )
        shared = record if keep_host else safe_record(record)
        specs.append(shared.spec)
        members[f"{target}/record.json"] = _bytes_of(shared)
        members[f"{target}/predictions.npz"] = (folder / "predictions.npz").read_bytes
        if logs and (folder / "log.txt").is_file():
            members[f"{target}/log.txt"] = _log_of(folder / "log.txt", keep_host)
        code[record.provenance.git or "unknown"] += 1
        runs.append(record.id)
    if not runs:
        raise UserError(f"{store.root}: no finished run to export; see `report --store`")
    for name, plan in plans.items():
        sent = plan if keep_host else safe_plan(plan)
        specs += [*sent.runs, *sent.trials]
        members[f"sweeps/{name}.json"] = _bytes_of(sent)
    if not keep_host:
        _refuse_places(specs)
    try:
        files = {name: _member(read()) for name, read in sorted(members.items())}
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}; restore it in the store") from None
    manifest = Manifest(
        written_by=__version__,
        runs=tuple(runs),
        missing=tuple(sorted(planned - set(runs))),
        sweeps=tuple(plans),
        code=dict(sorted(code.items())),
        files=files,
    )
    with writing(out):
        pack(members | {MANIFEST: _bytes_of(manifest)}, out)
    return manifest


def pack(members: dict[str, Callable[[], bytes]], out: Path) -> None:
    """Write members, sorted by name, as a tar.gz that depends on nothing but them."""
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    try:
        with (
            aside.open("xb") as raw,
            gzip.GzipFile("", "wb", 6, raw, mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name, read in sorted(members.items()):
                data = read()
                entry = tarfile.TarInfo(name)  # its defaults: time 0, owner 0, mode 0644
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)


def _bytes_of(value: Record) -> Callable[[], bytes]:
    return lambda: value.model_dump_json(indent=1).encode()


def _log_of(file: Path, keep_host: bool) -> Callable[[], bytes]:
    def read() -> bytes:
        text = file.read_text(encoding="utf-8", errors="replace")
        return (text if keep_host else safe_text(text)).encode()

    return read


def _member(data: bytes) -> Member:
    return Member(sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def _refuse_places(specs: Sequence[RunSpec]) -> None:
    for spec in specs:
        for field, text in places(spec.model_dump(mode="json")):
            raise UserError(
                f"run {spec.id}: spec.{field} is the path '{text}', part of its identity; "
                "submit with --keep-host if others may see it"
            )


def plan_text(plan: SweepPlan) -> str:
    """Return what tells two plans apart: their JSON without places, whoever wrote it."""
    return safe_plan(plan).model_dump_json(exclude={"written_by"})
