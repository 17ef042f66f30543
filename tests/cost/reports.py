"""Measurements that never ran."""

from __future__ import annotations

from typing import Any

from harness.cost.record import AttentionProducts, AttentionRow, CostReport, CostRow, CostSetting
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
