"""Time two things in turns, so that a busy machine slows both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from harness.cost.subject import elapsed_ms


def in_turns(
    works: Mapping[str, Callable[[], object]], rounds: int, device: str, warm: int = 1
) -> dict[str, list[float]]:
    """Return the milliseconds of each, by round; each round begins with another one.

    Args:
        works: What is timed, by name.
        rounds: How often.
        device: Whose queue is waited for.
        warm: Calls before the first round.
    """
    place = torch.device(device)
    for work in works.values():
        for _ in range(warm):
            work()
    times: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    for number in range(rounds):
        at = number % len(names)
        for name in (*names[at:], *names[:at]):
            times[name].append(elapsed_ms(works[name], place))
    return times


def over(one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    """Return one's time over the other's, by round."""
    return tuple(a / b for a, b in zip(one, other, strict=True))
