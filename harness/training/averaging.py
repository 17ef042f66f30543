"""Beta moving average of weights over a training (CLIPood, Shu et al., ICML 2023, section 4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def _log_densities(steps: int, beta: float) -> Tensor:
    # Without the Beta function's constant, which cancels. Logarithms, because the density
    # over- or underflows for extreme beta.
    position = (torch.arange(steps + 1, dtype=torch.float64) + 0.5) / (steps + 1)
    return (beta - 1) * (position.log() + (-position).log1p())


def beta_weights(steps: int, beta: float) -> Tensor:
    """Return each step's share in the final average.

    Proportional to the density of Beta(beta, beta) at ``(t + 0.5) / (steps + 1)`` for t = 0 (the
    pretrained weights) to `steps`. The half step keeps t = 0 finite for beta < 1.

    Args:
        steps: Optimiser steps M, at least 1.
        beta: Above 0; 1 is the plain average, below 1 the ends weigh most.

    Returns:
        [M + 1] float64, sums to one.
    """
    return _log_densities(steps, beta).softmax(dim=0)


class BetaAverage:
    """Running average of parameters: ``avg += (theta_t - avg) * a_t / (a_0 + ... + a_t)``.

    The average is held in float32, or in the parameter's type if that is wider: with ratios
    near 1e-4 most of the updates would be lost in half precision. Buffers are not averaged (they do
    not change while the model trains in eval mode).
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], steps: int, beta: float) -> None:
        """Begin with the pretrained weights, t = 0.

        Args:
            parameters: What trains, by name; read at each update.
            steps: Optimiser steps of the run, at least 1.
            beta: Of the Beta distribution, above 0.

        Raises:
            ValueError: If `steps` or `beta` is out of range.
        """
        if steps < 1 or beta <= 0:
            raise ValueError(f"steps is {steps}, beta {beta}: steps >= 1 and beta > 0 are needed")
        self.parameters = dict(parameters)
        self.steps = steps
        self.beta = beta
        self.step = 0
        densities = _log_densities(steps, beta)
        self._ratios: list[float] = (densities - densities.logcumsumexp(dim=0)).exp().tolist()
        self._names = list(self.parameters)
        self._live: list[Tensor] = list(self.parameters.values())
        self._average = [_wide(p.detach()).clone() for p in self._live]
        self._inside = False

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters as they are after optimiser step `step`.

        Args:
            step: 1-based; every step once, in order.

        Raises:
            RuntimeError: If a step is left out, repeated, or comes while the average is swapped in.
        """
        if self._inside:
            raise RuntimeError("update while the average is swapped in would average the average")
        if step != self.step + 1 or step > self.steps:
            raise RuntimeError(f"update for step {step} of {self.steps} after step {self.step}")
        live = [_wide(p) for p in self._live]
        torch._foreach_lerp_(self._average, live, self._ratios[step])
        self.step = step

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Put the average into the parameters; on leaving, their own values are back bit for bit.

        Raises:
            RuntimeError: If it is swapped in already.
        """
        if self._inside:
            raise RuntimeError("the average is swapped in already")
        own = [p.detach().clone() for p in self._live]
        self._inside = True
        try:
            self._put(self._average)
            yield
        finally:
            self._put(own)
            self._inside = False

    @torch.no_grad()
    def _put(self, values: list[Tensor]) -> None:
        torch._foreach_copy_(self._live, values)

    def state_dict(self) -> dict[str, Any]:
        """Return step, settings and average; the tensors are the live ones, not copies."""
        average = dict(zip(self._names, self._average, strict=True))
        return {"step": self.step, "steps": self.steps, "beta": self.beta, "average": average}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned, bit for bit.

        Raises:
            ValueError: If the state is of other parameters, steps or beta.
        """
        for name, setting in (("steps", self.steps), ("beta", self.beta)):
            if state[name] != setting:
                raise ValueError(f"average has {name}={state[name]}, this run {setting}")
        average = state["average"]
        if list(average) != self._names:
            different = sorted(set(average) ^ set(self._names)) or "order"
            raise ValueError(f"average is of other parameters: {different}")
        for mine, saved in zip(self._average, average.values(), strict=True):
            if mine.shape != saved.shape:
                raise ValueError(f"average is of shape {list(saved.shape)}, not {list(mine.shape)}")
            mine.copy_(saved)
        self.step = int(state["step"])


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
