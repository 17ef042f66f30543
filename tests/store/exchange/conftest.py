"""An archive of a realistic store."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.store.exchange.archive import export
from tests.store.exchange.stores import filled, spec


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    export(filled(tmp_path / "store", spec(0), spec(1)), tmp_path / "a.tar.gz", logs=True)
    return tmp_path / "a.tar.gz"
