"""What a row's runs cost, against the records."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.report.page.columns import cost_columns
from harness.report.page.cost import DeviceCost, Spent, cost_of, devices_of, short, spent_of
from tests.report.fakes import record, spec
from tests.report.tables.test_caption import row


def made(seed: int, trained: int = 7, **cost: Any) -> Spent:
    own = record(spec("a", seed=seed), 1, trained_parameters=trained)
    provenance = own.provenance.model_copy(update=cost)
    return spent_of(own.model_copy(update={"provenance": provenance}))


def test_medians_are_over_the_runs_of_one_device() -> None:
    spent = {
        "a": made(0, wall_s=1.0, step_ms=None, peak_memory_mb=10.0),
        "b": made(1, wall_s=9.0, step_ms=4.0, peak_memory_mb=30.0),
        "c": made(2, wall_s=2.0, step_ms=6.0, peak_memory_mb=20.0),
        "d": made(3, 9, wall_s=50.0, step_ms=1.0, device="GPU", threads=2),
    }
    own = row("m", 3, 3)
    cost = cost_of(replace(own, mean=replace(own.mean, runs=(*spent, "gone"))), spent)
    assert cost.trained == (7, 9)
    assert cost.by_device["cpu, 1 thread"] == DeviceCost(3, 5.0, 2.0, 20.0)
    assert cost.by_device["GPU, 2 threads"].wall_s == 50
    assert devices_of([cost, cost_of(own, spent)]) == ("GPU, 2 threads", "cpu, 1 thread")
    assert spent["d"].device == "GPU, 2 threads"


def test_energy_is_that_of_runs_that_had_their_card_alone() -> None:
    gpu = {"device": "GPU", "energy_j": 2000.0}
    spent = {
        "a": made(0, **gpu),
        "b": made(1, **gpu | {"energy_j": 4000.0}),
        "c": made(2, **gpu | {"energy_j": 90_000.0, "runs_per_gpu": 2}),
        "d": made(3, device="old GPU"),
    }
    own = row("m", 3, 3)
    cost = cost_of(replace(own, mean=replace(own.mean, runs=tuple(spent))), spent)
    assert cost.by_device["GPU, 1 thread"].energy_kj == 3.0
    assert cost.by_device["old GPU, 1 thread"].energy_kj is None
    heads = [column.text for column, _ in cost_columns([cost], devices_of([cost]))]
    assert [head for head in heads if head.startswith("run kJ")] == ["run kJ A"]


def test_without_a_finished_run_nothing_is_known() -> None:
    cost = cost_of(row("m", 3, 3), {})
    assert (cost.trained, dict(cost.by_device)) == (None, {})


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (2.5, "2.5"),
        (950, "950"),
        (123.4, "123"),
        (12_345, "12.3 k"),
        (1.25e6, "1.25 M"),
        (3e9, "3 G"),
        (9_999, "9,999"),
    ],
)
def test_numbers_are_short(number: float, text: str) -> None:
    assert short(number) == text
