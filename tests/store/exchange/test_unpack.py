"""Archives of strangers are unpacked without harm."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from harness.store.exchange import unpack
from tests.store.exchange.archives import tar_of
from tests.store.exchange.stores import spec

RUN = f"runs/{spec(0).id}"


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../x", "runs/../../x", f"{RUN}/../../../x", f"{RUN}/checkpoint.pt",
        "sweeps/../../x.json", "sweeps/.hidden.json", f"./{RUN}/record.json",
    ],
)  # fmt: skip
def test_a_strange_name_is_not_written(name: str, tmp_path: Path) -> None:
    file = tar_of(tmp_path / "bad.tar.gz", (tarfile.TarInfo(name), b"x"))
    target = tmp_path / "a" / "b" / "c"
    target.mkdir(parents=True)
    found = unpack.unpack(file, target)
    assert len(found) == 1
    assert "no name of a file that belongs into an archive" in found[0]
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / "bad.tar.gz"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE]
)
def test_a_link_or_device_is_not_followed(kind: bytes, tmp_path: Path) -> None:
    entry = tarfile.TarInfo(f"{RUN}/record.json")
    entry.type, entry.linkname = kind, "/etc/passwd"
    file = tar_of(tmp_path / "bad.tar.gz", (entry, b""))
    assert "only plain files may be inside" in unpack.unpack(file, tmp_path / "out")[0]
    assert not (tmp_path / "out").exists()


def test_a_file_that_unpacks_to_more_than_there_may_be_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "MAX_MEMBER", 1 << 20)
    big = tar_of(tmp_path / "one.tar.gz", (tarfile.TarInfo("manifest.json"), bytes(2 << 20)))
    assert "larger than an archive may be" in unpack.unpack(big, tmp_path / "out")[0]
    # In a header that tarfile reads by itself, before it shows any member.
    pax = tarfile.TarInfo("manifest.json")
    pax.pax_headers = {"comment": "x" * (3 << 20)}
    file = tar_of(tmp_path / "pax.tar.gz", (pax, b""))
    assert "larger than an archive may be" in unpack.unpack(file, tmp_path / "out")[0]
    monkeypatch.setattr(unpack, "MAX_TOTAL", 1 << 20)
    parts = [(tarfile.TarInfo(f"sweeps/{i}.json"), bytes(1 << 20)) for i in range(4)]
    many = tar_of(tmp_path / "many.tar.gz", *parts)
    assert "larger than an archive may be" in unpack.unpack(many, tmp_path / "out")[0]
    assert len(list((tmp_path / "out").rglob("*.json"))) <= 2
