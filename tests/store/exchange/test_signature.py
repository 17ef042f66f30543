"""Signatures by OpenSSH: of this file, by somebody in the list, for this purpose."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.errors import UserError
from harness.store.exchange import signature
from harness.store.exchange.signature import sign, signer_of


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen not installed (Debian: openssh-client)")
    root = tmp_path_factory.mktemp("keys")
    found = {}
    for name in ("ann", "eve"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)]
        subprocess.run(words, check=True)
        found[name] = root / name
    return found


@pytest.fixture
def signers(keys: dict[str, Path], tmp_path: Path) -> Path:
    path = tmp_path / "signers"
    public = keys["ann"].with_suffix(".pub").read_text(encoding="utf-8")
    path.write_text(f"ann@example.org {public}", encoding="utf-8")
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "mine.tar.gz"
    path.write_bytes(b"an archive")
    return path


def test_who_signed_is_said(keys: dict[str, Path], signers: Path, archive: Path) -> None:
    assert sign(archive, keys["ann"]) == archive.with_name("mine.tar.gz.sig")
    assert signer_of(archive, signers) == "ann@example.org"


def test_another_s_signature_is_none(keys: dict[str, Path], signers: Path, archive: Path) -> None:
    sign(archive, keys["eve"])
    with pytest.raises(UserError, match="by nobody in"):
        signer_of(archive, signers)


def test_a_changed_archive_is_not_what_was_signed(
    keys: dict[str, Path], signers: Path, archive: Path
) -> None:
    sign(archive, keys["ann"])
    archive.write_bytes(b"another archive")
    with pytest.raises(UserError, match=r"no signature of mine\.tar\.gz by ann"):
        signer_of(archive, signers)


def test_a_signature_for_another_purpose_is_none(
    keys: dict[str, Path], signers: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(signature, "NAMESPACE", "git")
        sign(archive, keys["ann"])
    with pytest.raises(UserError, match="no signature of"):
        signer_of(archive, signers)


def test_what_is_missing_is_one_line(
    keys: dict[str, Path], signers: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"mine\.tar\.gz\.sig: no such signature"):
        signer_of(archive, signers)
    nobody = signers.with_name("nobody")
    assert main(["leaderboard", "verify", str(archive), "--signers", str(nobody)]) == 2
    with pytest.raises(UserError, match="--sign"):
        sign(archive, archive)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="ssh-keygen"):
        sign(archive, keys["ann"])
