from __future__ import annotations

from pathlib import Path

import pytest

from harness.dataset import Dataset
from harness.specs import DatasetSpec
from harness.sweep.plan import open_dataset


@pytest.fixture
def folder(image_folder: Path) -> Dataset:
    return open_dataset(DatasetSpec(name="folder"), image_folder)
