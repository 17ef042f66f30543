"""What a worker is told to do, one JSON a line."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.specs import RunSpec


class Order(BaseModel):
    """``run``: to its record. ``features``: only compute the frozen features it would read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: Literal["run", "features"]
    spec: RunSpec
