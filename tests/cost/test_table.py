"""What the tables and the answer say of given numbers."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from rich.console import Console

from harness.cost import table
from harness.cost.claim import answer, branch_pair
from harness.cost.record import (
    AttentionProducts,
    AttentionRow,
    CostReport,
    CostRow,
    CostSetting,
    ratios,
)
from harness.specs import ModelSpec


def row(label: str, **changes: Any) -> CostRow:
    values: dict[str, Any] = {
        "label": label,
        "method": label.partition("[")[0],
        "config": {"lr": 1.0},
        "trains": True,
        "frozen_image_tower": False,
        "total_parameters": 149_620_737,
        "trained_parameters": 86_192_640,
        "inference_flops": 35_130_000_000,
        "step_flops": 4_000_000_000_000,
        "step_ms": [200.0, 400.0, 220.0],
        "inference_ms": [10.0, 20.0, 11.0],
        "memory_mb": 2345.6,
    }
    return CostRow(**{**values, **changes})


def products(tokens: int = 197, width: int = 768) -> AttentionProducts:
    rows = (
        AttentionRow(label="d-v", flops=0, ms=[0.001]),
        AttentionRow(label="v-v-v", flops=118_620_000, ms=[1.5]),
        AttentionRow(label="output projection of a branch", flops=231_211_008, ms=[2.0]),
    )
    return AttentionProducts(heads=12, tokens=tokens, width=width, blocks=12, rows=rows)


def report(*rows: CostRow, **changes: Any) -> CostReport:
    values: dict[str, Any] = {
        "setting": CostSetting(model=ModelSpec(name="ViT-B-16"), random_weights=True, batch=36),
        "reference": rows[0].label,
        "rounds": 3,
        "rows": rows,
        "attention": products(),
        "activation": "GELU",
        "started": "2026-01-01T00:00:00+00:00",
        "command": [],
        "device_name": "a device",
        "host": "a host",
        "git": "abc",
        "versions": {"torch": "2.13.0"},
    }
    return CostReport(**{**values, **changes})


BRANCHES = (
    row("alignclip[branch=d-v]", config={"branch": "d-v", "lr": 1.0}),
    row(
        "alignclip[branch=v-v-v]",
        config={"branch": "v-v-v", "lr": 1.0},
        step_flops=4_040_000_000_000,
        step_ms=[210.0, 440.0, 242.0],
    ),
)


def test_a_ratio_is_taken_within_a_round() -> None:
    # the machine was half as fast in the second round: no method got slower by that
    assert ratios([200.0, 400.0, 220.0], [100.0, 200.0, 110.0]) == [2.0, 2.0, 2.0]
    assert ratios([], [100.0]) == []


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


def test_rows_in_every_format() -> None:
    frozen = row("coop_x", frozen_image_tower=True, trained_parameters=8192, uncounted=("_int_mm",))
    still = row(
        "zero|shot",
        trains=False,
        trained_parameters=0,
        step_flops=None,
        step_ms=[],
        memory_mb=None,
    )
    made = report(BRANCHES[0], BRANCHES[1], frozen, still)
    text = table.to_markdown(made)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert "86.19 M" in lines[2]
    assert "1.10 (1.05–1.10)" in lines[3]
    assert r"| 8.192 k | 35.13\* | 4000\* |" in lines[4]
    assert "not counted, no formula: _int_mm" in text.replace("\\", "")
    assert "step of coop_x begins with image features" in text
    assert r"zero\|shot" in lines[5]
    assert "| 0 | 35.13 | – | – | – |" in lines[5]
    assert "random weights" in text
    assert "QuickGELU" in text
    records = list(csv.DictReader(io.StringIO(table.to_csv(made))))
    assert [r["step_ms"] for r in records] == ["220.0", "242.0", "220.0", ""]
    assert records[1]["step_ratio"] == "1.1"
    assert records[3]["peak_mib"] == ""
    tex = table.to_latex(made)
    assert tex.count(r"\begin{tabular}") == 2
    assert tex.isascii()
    console = Console(file=io.StringIO(), width=200, record=True)
    for part in table.to_terminal(made):
        console.print(part)
    assert "alignclip[branch=v-v-v]" in console.export_text()
