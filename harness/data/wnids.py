"""Folders called by WordNet ids, and the file that gives each id its class name (ImageNet)."""

from __future__ import annotations

from pathlib import Path

from harness.data.listing import folders
from harness.errors import UserError

CLASS_NAMES = "classnames.txt"


def read_class_names(path: Path, missing: str) -> dict[str, str]:
    """Read ``<wnid> <name>`` lines; return names by wnid, in the wnids' order.

    Raises:
        UserError: With the message `missing` if there is no such file; for a malformed line.
    """
    if not path.is_file():
        raise UserError(missing)
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        wnid, _, name = line.strip().partition(" ")
        if not name or wnid in found:
            what = f"{wnid} stands twice" if name else f"'{line}' is not '<wnid> <name>'"
            raise UserError(f"{path}, line {number}: {what}; download the file again")
        found[wnid] = name.strip().replace("_", " ")
    return dict(sorted(found.items()))


def class_folders(path: Path, wnids: list[str], numbered: bool) -> dict[str, str]:
    """Return the class folders in `path` by wnid, in the order of `wnids`.

    Args:
        path: Its files and hidden folders are left out.
        wnids: Sorted.
        numbered: Folders are called 0, 1 ... by the place in `wnids` (ImageNetV2).

    Raises:
        UserError: If a folder stands for none of `wnids`, or there is none at all.
    """
    names = {str(i): wnid for i, wnid in enumerate(wnids)} if numbered else {w: w for w in wnids}
    found: dict[str, str] = {}
    for folder in folders(path):
        if folder not in names:
            expected = f"0 to {len(wnids) - 1}" if numbered else f"the wnids of {CLASS_NAMES}"
            raise UserError(f"wrong: folder {path / folder}: expected {expected}; move it away")
        found[names[folder]] = folder
    if not found:
        raise UserError(f"missing: {path} has no class folders; images go into a folder per class")
    return {wnid: found[wnid] for wnid in wnids if wnid in found}
