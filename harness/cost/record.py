"""What a cost measurement leaves: one JSON document."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from harness.specs import ModelSpec
from harness.validation import Strict


class CostSetting(Strict):
    """What all rows share."""

    model: ModelSpec
    random_weights: bool = False
    """The architecture without its weights; cost does not depend on their values."""
    classes: int = Field(65, ge=2)
    batch: int = Field(36, ge=1)
    """Images in a training step and in a timed inference."""
    device: str = "cpu"
    threads: int = Field(1, ge=1)
    """Of torch."""
    plugins: tuple[str, ...] = ()


class Candidate(Strict):
    """A method to measure, in its complete configuration."""

    label: str
    method: str
    config: dict[str, Any]


class CostRow(Strict):
    """One method's cost. Lists have one value per round."""

    label: str
    method: str
    config: dict[str, Any]
    trains: bool
    frozen_image_tower: bool
    """Its training step gets image features; what computing them takes is not in it."""
    total_parameters: int
    """Of both towers and of what the method adds."""
    trained_parameters: int
    inference_flops: int
    """Of one image, the text features of the classes being there already where they are kept."""
    step_flops: int | None
    """Of one training step over the batch, forward and backward; None if it does not train."""
    uncounted: tuple[str, ...] = ()
    """Operators without a formula; empty unless the counts are too low."""
    step_ms: list[float] = Field(default_factory=list)
    step_j: list[float] = Field(default_factory=list)
    """Joules of a step by the GPU's own counter; empty where nothing counts them."""
    """Median step of each round; empty if it does not train."""
    inference_ms: list[float] = Field(default_factory=list)
    """Per image, in a batch; median of each round."""
    memory_mb: float | None = None
    """Peak in MiB over a training step, or over inference if it does not train; None if the
    measurement was stopped before."""


class AttentionRow(Strict):
    """One form of the attention product in one block: forward pass, one image."""

    label: str
    flops: int
    ms: list[float]
    """Per image, in a batch; median of each round."""


class AttentionProducts(Strict):
    """The attention product of one block of the image tower."""

    heads: int
    tokens: int
    """With the class token."""
    width: int
    blocks: int
    rows: tuple[AttentionRow, ...]


class CostReport(Strict):
    """A whole measurement."""

    setting: CostSetting
    reference: str
    """Label of the row that ratios refer to."""
    rounds: int
    """Complete rounds over all methods."""
    rows: tuple[CostRow, ...]
    attention: AttentionProducts | None = None
    """None for an image tower without attention blocks."""
    activation: str
    stopped: bool = False
    """Interrupted: fewer rounds than asked for, or memory of some rows missing."""
    started: str
    command: list[str]
    device_name: str
    host: str
    git: str
    versions: dict[str, str]

    def row(self, label: str) -> CostRow:
        """Return the row called `label`."""
        return next(row for row in self.rows if row.label == label)


def ratios(values: list[float], reference: list[float]) -> list[float]:
    """Return the ratio within each round; nothing without values.

    Both times of a ratio come from the same round, so that a machine which slows down during the
    measurement slows both.
    """
    return [a / b for a, b in zip(values, reference, strict=False)]
