"""Where the verbs find a model and data, and put what they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.check.bench import Bench
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec
from tests.engine import planned_here


@pytest.fixture
def where(image_folder: Path, random_clip: Path, tmp_path: Path) -> list[str]:
    return [
        "--model", f"local-dir:{random_clip}", "--dataset", "folder", "--target", "domain1",
        "--data-root", str(image_folder), "--store", str(tmp_path / "store"),
        "--cache-dir", str(tmp_path / "cache"),
    ]  # fmt: skip


@pytest.fixture
def small(image_folder: Path, random_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `check` try plugins on a random tiny CLIP."""
    bench = Bench(
        ModelSpec(name=f"local-dir:{random_clip}"),
        DatasetSpec(name="folder"),
        image_folder,
        DomainShift(test_on="out"),
    )
    monkeypatch.setattr("harness.check.bench.Bench", lambda: bench)


@pytest.fixture
def plans_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the process that plans: what is refused is refused before any worker starts."""
    monkeypatch.setattr("harness.cli.apart.planned_apart", planned_here)
