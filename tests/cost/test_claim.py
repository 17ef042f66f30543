"""What is said of the published factor between the two branches."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cost.claim import DV_GFLOPS, VVV_GFLOPS, answer, branch_pair
from harness.report.published.meanings import load_meanings
from harness.report.published.numbers import load_numbers
from tests.cost.reports import BRANCHES, products, report, row


def test_the_answer_gives_the_measured_numbers() -> None:
    first, second, third = answer(report(*BRANCHES))
    assert first == (
        "The rebuttal's 1,549 x (0.46478 / 0.0003 GFLOPs) does not describe a training step: with "
        "V-V-V in place of D-V a step takes 1.0100 x the GFLOPs (4040 against 4000) and 1.100 x "
        "the time (1.050 to 1.100 over 3 rounds)."
    )
    assert "0.1186 GFLOPs for V-V-V and 0 for D-V" in second
    assert "0.2312 GFLOPs" in second
    assert "T = 197 tokens, d = 768" in third


def test_the_answer_follows_the_numbers() -> None:
    cheap = BRANCHES[0].model_copy(update={"step_flops": 4_040_000_000_000 // 1500})
    assert "GFLOPs) describes a training step" in answer(report(cheap, BRANCHES[1]))[0]


def test_another_model_has_no_equality_with_the_two_numbers() -> None:
    assert len(answer(report(*BRANCHES, attention=products(tokens=50)))) == 2
    assert answer(report(*BRANCHES, attention=None)) == []


@pytest.mark.parametrize(
    ("config", "paired"),
    [
        ({"branch": "v-v-v", "lr": 1.0}, True),
        ({"branch": "v-v-v", "lr": 2.0}, False),
        ({"branch": "q-q", "lr": 1.0}, False),
    ],
)
def test_only_rows_that_differ_in_the_branch_alone_are_compared(
    config: dict[str, Any], paired: bool
) -> None:
    other = BRANCHES[1].model_copy(update={"config": config})
    assert (branch_pair((other, BRANCHES[0])) is not None) is paired


def test_rows_of_two_methods_are_no_pair() -> None:
    other = BRANCHES[1].model_copy(update={"method": "another"})
    assert branch_pair((BRANCHES[0], other)) is None
    assert branch_pair((row("a"), row("b"))) is None


def test_nothing_is_said_without_training_steps() -> None:
    still = BRANCHES[0].model_copy(update={"step_flops": None})
    assert answer(report(still, BRANCHES[1])) == []


def test_the_two_numbers_are_those_of_the_literature() -> None:
    names, branch = load_meanings().names, {}
    for number in load_numbers():
        if number.metric.startswith("GFLOPs of the attention product"):
            branch[names[number.method].values.get("branch", "d-v")] = number.value
    assert branch == {"v-v-v": VVV_GFLOPS, "d-v": DV_GFLOPS}
