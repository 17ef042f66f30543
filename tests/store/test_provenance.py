"""Where and with what a run was made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import resources
from harness.store import provenance


def test_a_snapshot_says_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "CODE", tmp_path)
    git_state = provenance.git_state.__wrapped__
    assert git_state() == ""  # no repository
    (tmp_path / provenance.SNAPSHOT_NOTE).write_text(json.dumps({"git": "abc+dirty"}))
    assert git_state() == "abc+dirty"


def test_an_installed_harness_does_not_ask_the_repository_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resources, "INSTALLED", True)
    assert provenance.git_state.__wrapped__() == ""


def test_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_PACKAGES", ("numpy", "no-such-package-here"))
    found = provenance.versions.__wrapped__()
    assert found["no-such-package-here"] == "not installed"
    assert found["numpy"][0].isdigit()


def test_the_slurm_job_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "n1")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert provenance.host() == "n1"
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert provenance.host() == "n1 (Slurm job 17)"


def test_the_peak_holds_what_was_held() -> None:
    held = bytearray(64 * 2**20)
    held[::4096] = b"x" * len(held[::4096])
    assert provenance.peak_memory_mb("cpu") > 64
