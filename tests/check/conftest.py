from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.check.bench import Bench
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec


@pytest.fixture(scope="session")
def bench(image_folder: Path, random_clip: Path) -> Bench:
    """Return a bench of a random tiny CLIP and coloured squares."""
    return Bench(
        model=ModelSpec(name=f"local-dir:{random_clip}"),
        dataset=DatasetSpec(name="folder"),
        data_root=image_folder,
        protocol=DomainShift(test_on="out"),
    )


@pytest.fixture(autouse=True)
def _registry_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_extra_files", list(registry._extra_files))
    monkeypatch.setattr(registry, "_found", {})
