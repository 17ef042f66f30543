"""Formats of what a store keeps, and which versions read what another version wrote.

A field that came later with a default needs no new format: what was written before it is read as it
is. A change that earlier readers would misread, or that this one cannot read any more, raises
`FORMAT` and names in `LAST_READER` who reads the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from harness.errors import UserError
from harness.store.provenance import git_state
from harness.version import __version__

FORMAT = 1
"""Of records, failures, plans and archives of this version."""
LAST_READER: Mapping[int, str] = {}
"""By format of before: the last version that reads it."""
PACKAGE = "clip-benchmark-harness"


def _ours(found: int) -> int:
    if found != FORMAT:
        raise ValueError(f"this version reads {FORMAT}")
    return found


Format = Annotated[int, Field(strict=True), AfterValidator(_ours)]
"""Of a file's field `schema_version`."""


def check_format(values: Any, where: str) -> None:
    """Refuse what is of another format.

    Args:
        values: Of a record, a failure, a plan or a manifest, as JSON has them.
        where: The file.

    Raises:
        UserError: Naming the file, the version that wrote it and those that read it.
    """
    if not isinstance(values, dict):
        return
    found = values.get("schema_version", values.get("record_schema", FORMAT))
    if found == FORMAT and not isinstance(found, bool):
        return
    version, commit = _writer(values)
    last = LAST_READER.get(found) if isinstance(found, int) else None
    if last is not None:
        since = f"{version} to {last} read" if version else f"{last} reads"
        fix = f"{since} it (pip install {PACKAGE}=={last}{_or(commit)})"
    else:
        fix = f"update to {version or 'a later version'}{_or(commit)}"
    raise UserError(
        f"{where}: of format {found}, written by {_named(version)}; this is {__version__}, which "
        f"reads format {FORMAT}: {fix}"
    )


def other_writer(values: Any) -> str:
    """Return a clause that names who wrote what cannot be read, if that was another version."""
    version, commit = _writer(values) if isinstance(values, dict) else ("", "")
    if version in ("", __version__) and commit in ("", git_state()):
        return ""
    return f"; written by {_named(version)}{_or(commit)}, which may read it"


def _writer(values: Mapping[str, Any]) -> tuple[str, str]:
    """Return version and commit of what wrote a file, empty where it does not say."""
    made, code = values.get("provenance"), values.get("code")
    made = made if isinstance(made, dict) else {}
    versions = made.get("versions")
    recorded = versions.get(PACKAGE) if isinstance(versions, dict) else None
    commit = made.get("git") or (next(iter(code), "") if isinstance(code, dict) else "")
    return str(values.get("written_by") or recorded or ""), str(commit)


def _named(version: str) -> str:
    return f"{PACKAGE} {version}" if version else "an unknown version"


def _or(commit: str) -> str:
    return f", or commit {commit}" if commit else ""
