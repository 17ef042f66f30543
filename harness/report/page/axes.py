"""Axes of a plot: where numbers stand in it, and which of them are written at its edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.page.cost import short

WIDTH, HEIGHT = 760.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 130.0, 16.0, 46.0
"""Room around the axes; on the right for labels of the dearest."""
_ZERO = 0.06
"""Share of a logarithmic axis that is set apart for zero."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """An axis, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[Tick, ...] = ()
    log: bool = False
    zero: float | None = None
    """Of a logarithmic axis: where zero stands."""

    def place(self, value: float) -> float:
        """Return where a number stands, in the plot's units."""
        if self.zero is not None and value <= 0:
            return self.zero
        value, low, high = (
            (math.log10(v) for v in (value, self.low, self.high))
            if self.log
            else (value, self.low, self.high)
        )
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def x_axis(values: Sequence[float]) -> Axis:
    """Return the axis of costs: logarithmic if they differ by more than 20 times."""
    start, end = LEFT + 14, WIDTH - RIGHT - 14
    positive = [value for value in values if value > 0]
    if not positive or max(positive) < 20 * min(positive):
        low, high = min(values), max(values)
        room = (high - low) or abs(high) or 1.0
        low, high = max(0.0, low - 0.08 * room), high + 0.08 * room
        axis = Axis(low, high, start, end)
        ticks = tuple(Tick(axis.place(v), _tick(v)) for v in _round_numbers(low, high, 7))
        return Axis(low, high, start, end, ticks)
    has_zero = len(positive) < len(values)
    begin = start + _ZERO * (end - start) if has_zero else start
    low, high = min(positive) / 1.4, max(positive) * 1.4
    axis = Axis(low, high, begin, end, log=True, zero=start if has_zero else None)
    powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    step = max(1, math.ceil(len(powers) / 8))
    ticks = tuple(Tick(axis.place(10.0**k), short(10.0**k)) for k in powers[::step])
    if has_zero:
        ticks = (Tick(start, "0"), *(tick for tick in ticks if tick.at > start + 24))
    return Axis(low, high, begin, end, ticks, True, axis.zero)


def y_axis(low: float, high: float) -> Axis:
    """Return the axis of scores from the lowest to the highest, with some room."""
    room = max(high - low, 1.0)
    low, high = low - 0.1 * room, high + 0.12 * room
    start, end = HEIGHT - BOTTOM, TOP
    axis = Axis(low, high, start, end)
    ticks = tuple(Tick(axis.place(v), f"{v:g}") for v in _round_numbers(low, high, 6))
    return Axis(low, high, start, end, ticks)


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.10g}") for k in range(first, last + 1)]


def _tick(value: float) -> str:
    return f"{value:.6g}" if value < 1e4 else short(value)
