"""The table that figures are drawn from."""

from __future__ import annotations

from typing import Any

import pytest

from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.model import Table
from harness.sweep.figures import AblationSpec
from tests.report.fakes import ABLATION, realistic


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return summarise(load_frame(realistic(tmp_path_factory.mktemp("real"))))


def ablation(**values: Any) -> AblationSpec:
    return AblationSpec.model_validate(ABLATION | values)
