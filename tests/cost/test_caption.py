from __future__ import annotations

from typing import Any

from harness.cost.caption import caption
from tests.cost.reports import report, row


def text(*rows: Any, **changes: Any) -> str:
    return " ".join(caption(report(*(rows or (row("a"),)), **changes)))


def test_it_says_what_was_measured_where_and_against_what() -> None:
    said = text()
    for part in (
        "ViT-B-16, random weights, fp32, GELU, batch 36, 65 classes",
        "a device, 1 thread(s) of torch 2.13.0",
        "code abc.",
        "median of 3 round(s)",
        "relative to a:",
        "resident in a fresh process",
        "QuickGELU",
    ):
        assert part in said
    assert "begins with image features" not in said
    assert "not counted" not in said
    assert "Stopped" not in said


def test_what_is_special_is_said() -> None:
    frozen = row("f", frozen_image_tower=True)
    still = row("s", trains=False, frozen_image_tower=True)
    said = text(frozen, still, row("u", uncounted=("_op", "_other")), stopped=True, git="")
    assert "The training step of f begins with image features" in said
    assert "* u: not counted, no formula: _op, _other." in said
    assert "Stopped before its end" in said
    assert "code without git." in said


def test_with_weights_on_a_gpu() -> None:
    setting = report(row("a")).setting.model_copy(
        update={"random_weights": False, "device": "cuda:0"}
    )
    said = text(setting=setting)
    assert "allocated on the GPU" in said
    assert "random weights" not in said
    assert "QuickGELU" not in said
