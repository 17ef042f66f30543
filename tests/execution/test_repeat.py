"""A run made again tells what its archive got wrong, also what predictions do not show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.execution.repeat import repeat
from harness.execution.run import Shared, execute
from harness.store.records import RunRecord, Score
from tests.engine import make_context, make_spec


@pytest.fixture(scope="module")
def made(
    image_folder: Path, random_clip: Path, tmp_path_factory: pytest.TempPathFactory
) -> RunRecord:
    store = tmp_path_factory.mktemp("store")
    spec = make_spec("zero_shot", image_folder, random_clip)
    return execute(spec, Shared(make_context(store, image_folder, threads=1)))


@pytest.mark.parametrize(
    ("metrics", "record", "text"),
    [
        ({}, {}, "equal, predictions to the byte"),
        ({"tests": {"target": Score(correct=0, n=30)}}, {}, "differs: target "),
        ({"source_val": {"domain0": Score(correct=6, n=6)}}, {}, "differs: source_val domain0 "),
        ({}, {"trained_parameters": 7}, "differs: trained_parameters 0 here, 7 there"),
    ],
)
def test_what_differs_is_said(
    made: RunRecord,
    image_folder: Path,
    metrics: dict[str, Any],
    record: dict[str, Any],
    text: str,
) -> None:
    changed = made.metrics.model_copy(update=metrics)
    (one,) = repeat([made.model_copy(update={"metrics": changed} | record)], image_folder)
    assert one.text.startswith(text)
    assert one.equal == (not metrics and not record)
