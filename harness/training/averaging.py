"""Averages of weights over a training, which a method tests instead of the last ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn


@runtime_checkable
class WeightAverage(Protocol):
    """What ``Method.averager`` returns: made before the first step, then told of every step."""

    def update(self, step: int) -> None:
        """Take in the parameters as they are after optimiser step `step` (1-based, in order)."""

    def swapped(self) -> AbstractContextManager[None]:
        """Put the average into the parameters; on leaving, their own values are back."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs: numbers, strings and tensors."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned, bit for bit."""


class _Swappable:
    """Parameters that can hold other values for a while."""

    def __init__(self, parameters: Mapping[str, nn.Parameter]) -> None:
        self._names = list(parameters)
        self._live: list[Tensor] = list(parameters.values())
        self._inside = False

    def _values(self) -> list[Tensor]:
        raise NotImplementedError(f"{type(self).__name__}._values")

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
            self._put(self._values())
            yield
        finally:
            self._put(own)
            self._inside = False

    @torch.no_grad()
    def _put(self, values: list[Tensor]) -> None:
        torch._foreach_copy_(self._live, values)

    @torch.no_grad()
    def _load(self, mine: list[Tensor], saved: Mapping[str, Tensor]) -> None:
        if list(saved) != self._names:
            different = sorted(set(saved) ^ set(self._names)) or "order"
            raise ValueError(f"average is of other parameters: {different}")
        for own, other in zip(mine, saved.values(), strict=True):
            if own.shape != other.shape:
                raise ValueError(f"average is of shape {list(other.shape)}, not {list(own.shape)}")
            own.copy_(other)


def _log_densities(steps: int, beta: float) -> Tensor:
    # Without the Beta function's constant, which cancels. Logarithms, because the density
    # over- or underflows for extreme beta.
    position = (torch.arange(steps + 1, dtype=torch.float64) + 0.5) / (steps + 1)
    return (beta - 1) * (position.log() + (-position).log1p())


class BetaAverage(_Swappable):
    """Running average of parameters: ``avg += (theta_t - avg) * a_t / (a_0 + ... + a_t)``.

    CLIPood's (Shu et al., ICML 2023, section 4.2): a_t is the density of Beta(beta, beta) at
    ``(t + 0.5) / (M + 1)`` for t = 0 (the pretrained weights) to M optimiser steps; the half step
    keeps t = 0 finite for beta < 1. The average is held in float32, or in the
    parameter's type if that is wider: with ratios near 1e-4 most of the updates would be lost in
    half precision. Buffers are not averaged (they do not change while the model trains in eval
    mode).
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
        super().__init__(parameters)
        self.steps = steps
        self.beta = beta
        self.step = 0
        densities = _log_densities(steps, beta)
        self._ratios: list[float] = (densities - densities.logcumsumexp(dim=0)).exp().tolist()
        self._average = [_wide(p.detach()).clone() for p in self._live]

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

    def _values(self) -> list[Tensor]:
        return self._average

    def state_dict(self) -> dict[str, Any]:
        """Return step, settings and average; the tensors are the live ones, not copies."""
        average = dict(zip(self._names, self._average, strict=True))
        return {"step": self.step, "steps": self.steps, "beta": self.beta, "average": average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned, bit for bit.

        Raises:
            ValueError: If the state is of other parameters, steps or beta.
        """
        for name, setting in (("steps", self.steps), ("beta", self.beta)):
            if state[name] != setting:
                raise ValueError(f"average has {name}={state[name]}, this run {setting}")
        self._load(self._average, state["average"])
        self.step = int(state["step"])


class EndpointAverage(_Swappable):
    """Between where training began and where it is: ``(1 - a) theta_0 + a theta_t``.

    WiSE-FT's ensemble in weight space (Wortsman et al., CVPR 2022). The beginning is held in
    float32, or in the parameter's type if that is wider; buffers do not take part.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], alpha: float) -> None:
        """Begin with the pretrained weights.

        Args:
            parameters: What trains, by name; read when the average is asked for.
            alpha: Share of the trained weights, 0 to 1; at the ends the average is exact.

        Raises:
            ValueError: If `alpha` is out of range.
        """
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha is {alpha}: 0 to 1 is needed")
        super().__init__(parameters)
        self.alpha = alpha
        self._start = [_wide(p.detach()).clone() for p in self._live]

    def update(self, step: int) -> None:
        """Do nothing: only the ends count, and the later one is in the parameters.

        Raises:
            RuntimeError: If it comes while the average is swapped in.
        """
        if self._inside:
            raise RuntimeError("update while the average is swapped in: its end would be lost")

    @torch.no_grad()
    def _values(self) -> list[Tensor]:
        live = [_wide(p) for p in self._live]
        return list(torch._foreach_lerp(self._start, live, self.alpha))

    def state_dict(self) -> dict[str, Any]:
        """Return setting and beginning; the tensors are the live ones, not copies."""
        return {"alpha": self.alpha, "start": dict(zip(self._names, self._start, strict=True))}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned, bit for bit.

        Raises:
            ValueError: If the state is of other parameters or another alpha.
        """
        if state["alpha"] != self.alpha:
            raise ValueError(f"average has alpha={state['alpha']}, this run {self.alpha}")
        self._load(self._start, state["start"])


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
