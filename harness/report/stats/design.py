"""How methods are compared: the one place of every default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.report.stats.draws import DRAWS
from harness.report.stats.paired import TestKind

Unit = Literal["seed", "task_seed"]
"""What a test takes for independent: a seed's mean over tasks, or each run of a task and seed."""


@dataclass(frozen=True)
class Design:
    """A test, what it is over, and how sure a verdict must be.

    ``unit='seed'`` tests the seeds' means over tasks, the numbers behind the table's last column.
    Seeds share nothing but the data; the tasks of a seed share most of their training images, the
    split and the order of batches, so their differences may rise and fall together.
    ``unit='task_seed'`` takes each task of each seed for independent evidence. It has tasks times
    as many pairs and so reaches small p with few seeds, but where a seed moves all tasks at once,
    it calls equal methods different too often.
    """

    test: TestKind = "t"
    """See `harness.report.stats.paired.paired_test`; all but t need six seeds or more."""
    unit: Unit = "seed"
    """Of the test; the t interval is over seeds in any case."""
    alpha: float = 0.05
    """The level of the verdict, which is by Holm's corrected p; intervals cover 1 - alpha."""
    power: float = 0.8
    """With which `seeds_needed` should find the difference seen."""
    higher_is_better: bool = True
    """False for errors: a candidate below the reference is then better."""
    draws: int = DRAWS
    """Of every bootstrap."""
    seed: int = 0
    """Of all random draws."""


DEFAULT = Design()
