"""Archives made to mislead, or to do harm: each is refused, and nothing of it is taken in."""

from __future__ import annotations

import gzip
import shutil
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness.store.exchange.archive import export
from tests.attacks.child import call
from tests.attacks.kills import contents as files_below
from tests.attacks.outcomes import Case, Judged
from tests.store.exchange.archives import contents, tar_of, write
from tests.store.exchange.stores import filled, spec
from tests.store.exchange.test_verify import WRONG

RUN = f"runs/{spec(0).id}"
NAMES = (
    "/etc/passwd", "../x", "runs/../../x", f"{RUN}/../../../x", f"{RUN}/checkpoint.pt", "a\nb",
    "sweeps/../../x.json", "sweeps/.hidden.json", f"./{RUN}/record.json", f"{RUN}/RECORD.JSON",
    "sweeps/\u202e.json", f"{RUN}/record.json\0.txt", "x" * 5000, "\x1b[31mred",
    "sweeps/\udcff.json",
)  # fmt: skip
KINDS = {
    "link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "folder": tarfile.DIRTYPE,
    "device": tarfile.CHRTYPE, "pipe": tarfile.FIFOTYPE, "sparse": tarfile.GNUTYPE_SPARSE,
}  # fmt: skip
BOMB = 100 * 2**20


def _entry(name: str, file: Path) -> None:
    tar_of(file, (tarfile.TarInfo(name), b"x"))


def _kind(kind: bytes, file: Path) -> None:
    entry = tarfile.TarInfo(f"{RUN}/record.json")
    entry.type, entry.linkname = kind, "/etc/passwd"
    tar_of(file, (entry, b""))


def _twice(file: Path) -> None:
    tar_of(file, *((tarfile.TarInfo("manifest.json"), b"{}") for _ in range(2)))


def _bomb(file: Path) -> None:
    tar_of(file, (tarfile.TarInfo("manifest.json"), bytes(BOMB)))


def _header_bomb(file: Path) -> None:
    entry = tarfile.TarInfo("manifest.json")
    entry.pax_headers = {"comment": "x" * BOMB}
    tar_of(file, (entry, b""))


def _many(file: Path) -> None:
    tar_of(file, *((tarfile.TarInfo(f"sweeps/{i}.json"), b"{}") for i in range(3000)))


def _bytes(change: Callable[[bytes], bytes], file: Path) -> None:
    file.write_bytes(change(file.read_bytes()))


def _forged(name: str, file: Path) -> None:
    write(WRONG[name][0](contents(file)), file)


ATTACKS: dict[str, list[tuple[str, Callable[[Path], None]]]] = {
    "content forged": [(name, partial(_forged, name)) for name in WRONG],
    "member's name": [(repr(name)[:40], partial(_entry, name)) for name in NAMES],
    "member's kind": [(name, partial(_kind, kind)) for name, kind in KINDS.items()],
    "bombs and doubles": [
        ("twice", _twice), ("bomb", _bomb), ("bomb in a header", _header_bomb), ("many", _many),
    ],
    "damage": [
        ("empty", partial(_bytes, lambda data: b"")),
        ("text", partial(_bytes, lambda data: b"text")),
        ("half", partial(_bytes, lambda data: data[: len(data) // 2])),
        ("no end", partial(_bytes, lambda data: data[:-4])),
        ("not zipped", partial(_bytes, gzip.decompress)),
        ("zipped twice", partial(_bytes, gzip.compress)),
        ("half, whole zip", partial(_bytes, lambda d: gzip.compress(gzip.decompress(d)[:700]))),
        ("more behind", partial(_bytes, lambda data: data + b"more")),
    ],
}  # fmt: skip


def _attack(root: Path, name: str, spoil: Callable[[Path], None]) -> Judged:
    file, target = root / "bad.tar.gz", root / "target"
    shutil.copyfile(root / "good.tar.gz", file)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root / "ours", target)
    spoil(file)
    verified = call(["leaderboard", "verify", str(file)])
    merged = call(["leaderboard", "merge", str(file), "--store", str(target)])
    for ended in (verified, merged):
        if "Traceback" in ended.err + ended.out or ended.hung:
            return Judged("hang" if ended.hung else "traceback", f"{name}: {ended.err[-300:]}")
        if ended.status not in (1, 2):
            return Judged("silent", f"{name}: exit status {ended.status}: {ended.out[-300:]}")
    if files_below(target) != files_below(root / "ours"):
        return Judged("silent", f"{name}: something of it was taken in")
    lines = (verified.out + verified.err).splitlines()
    if not all(str(file) in line for line in lines) or any(
        not line.isprintable() for line in lines
    ):
        return Judged("untidy", f"{name}: {lines}")
    return Judged("refused", f"{name}: {lines[0]}")


def cases(root: Path) -> list[Case]:
    """Return every attack on an archive."""
    export(filled(root / "store", spec(0), spec(1)), root / "good.tar.gz", logs=True)
    filled(root / "ours", spec(2))
    return [
        Case("archives", kind, partial(_attack, root, name, spoil))
        for kind, attacks in ATTACKS.items()
        for name, spoil in attacks
    ]
