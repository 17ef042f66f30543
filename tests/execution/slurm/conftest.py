"""A real Slurm for the tests marked `slurm`, started once per test process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execution.slurm.minicluster import MiniCluster, missing, running
from tests.execution.slurm.user import User


@pytest.fixture(scope="session")
def slurm() -> Iterator[MiniCluster]:
    lacking = missing()
    if lacking:
        text = f"{', '.join(lacking)} not installed (Debian: slurm-wlm, munge)"
        if os.environ.get("REQUIRE_SLURM"):  # set by .ci/run: there a skip would hide a failure
            pytest.fail(text)
        pytest.skip(text)
    # Not pytest's folder: munged wants a socket that others could reach.
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder), nodes=2) as cluster:
            yield cluster


@pytest.fixture
def user(slurm: MiniCluster, image_folder: Path, tmp_path: Path) -> User:
    options = ["--data-root", str(image_folder), "--cache-dir", str(tmp_path / "cache")]
    return User(slurm, tmp_path / "it's a store", options)  # a path that scripts must quote
