"""What a benchmark leaves: one JSON document, and its table."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.report.text import grid
from harness.report.text.grid import Grid, cells
from harness.specs import ModelSpec
from harness.store.records import Record

if TYPE_CHECKING:
    from rich.table import Table as RichTable


Unit = Literal["×", "%", "ms", "s", "images/s", "TFLOP/s", "MiB"]


class BenchSetting(Record):
    """What is measured on."""

    device: str = "cpu"
    threads: int = Field(1, ge=1)
    """Of torch, and as many decode images."""
    model: ModelSpec = Field(default_factory=lambda: ModelSpec(name="ViT-B-16"))
    """With random weights: speed does not depend on them."""
    batch: int = Field(36, ge=3)
    """Images in a training step."""
    rounds: int = Field(5, ge=1)
    images: int = Field(360, ge=1)
    """Photographs of 500 x 375 pixels in a timed pass over a data set."""

    @property
    def cuda(self) -> bool:
        """Whether it is a GPU."""
        return self.device.startswith("cuda")


class BenchRow(Record):
    """One figure, with a value for each round."""

    group: str
    what: str
    """What was done; of a ratio, ``one / other``."""
    values: tuple[float, ...]
    unit: Unit = "×"

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)


class BenchReport(Record):
    """All figures of one call."""

    setting: BenchSetting
    device: str
    """The CPU's or the GPU's name."""
    cores: int
    when: str
    git: str
    versions: dict[str, str]
    rows: tuple[BenchRow, ...]
    failed: dict[str, str] = Field(default_factory=dict)
    """Groups that could not be measured, and why."""
    stopped: bool = False


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def table(report: BenchReport) -> Grid:
    """Return the figures with median and range."""
    rows = []
    for row in report.rows:
        span = f"{_digits(min(row.values))} to {_digits(max(row.values))}"
        shown = span if len(row.values) > 1 else ""
        rows.append(cells((row.group, row.what, f"{_digits(row.median)} {row.unit}", shown)))
    caption = (
        f"{report.device}, {report.cores} cores, torch {report.versions['torch']}, "
        f"{report.setting.threads} threads, {report.setting.model.title()} with random weights "
        f"({report.setting.model.numerics}), batch {report.setting.batch}; median and range of "
        f"{report.setting.rounds} rounds. Ratios are of things done in turns."
    )
    return Grid(("of", "what", "median", "range"), tuple(rows), "llrr", caption=caption)


def to_markdown(report: BenchReport) -> str:
    """Return the table as Markdown, its caption below."""
    return grid.to_markdown(table(report), rule=3)


def to_terminal(report: BenchReport) -> RichTable:
    """Return the table for rich."""
    return grid.to_terminal(table(report), padding=(0, 1, 0, 0))
