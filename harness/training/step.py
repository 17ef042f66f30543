"""One training step: losses, backward pass, optimiser, average; the same for all who train."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from harness.clip.backbone import Backbone
from harness.clip.half import half_typed, round_to_half
from harness.method import Batch, Method, TrainConfig
from harness.training.averaging import WeightAverage
from harness.training.checkpoint import Unusable, check_shapes
from harness.training.optimiser import learning_rate, make_optimiser


@dataclass(frozen=True)
class LossTerms:
    """The loss terms of a step, which may still be under way to the host."""

    step: int
    names: tuple[str, ...]
    values: Tensor
    """[T + 1] float32 on the host: the terms and their sum."""
    arrived: torch.cuda.Event | None = None

    @classmethod
    def sent(cls, step: int, names: tuple[str, ...], values: Tensor) -> Self:
        """Begin the copy to the host, for which nobody waits."""
        if values.device.type != "cuda":
            return cls(step, names, values)
        host = torch.empty(values.shape, pin_memory=True).copy_(values, non_blocking=True)
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrived.record()
        return cls(step, names, host, arrived)

    def read(self) -> dict[str, float]:
        """Return the terms; wait for them if need be.

        Raises:
            FloatingPointError: When one, or their sum, is not finite.
        """
        if self.arrived is not None:
            self.arrived.synchronize()
        *terms, total = self.values.tolist()
        values = dict(zip(self.names, terms, strict=True))
        if not math.isfinite(total):
            raise FloatingPointError(f"loss is not finite at step {self.step}: {values}")
        return values


def reads_late(device: torch.device) -> bool:
    """Tell whether loss terms are read while the next step is under way: on a GPU."""
    return device.type == "cuda"


def micro_batches(batch: Batch, size: int) -> Iterator[Batch]:
    """Yield a batch in parts of at most `size` images, in order; 0 is the whole."""
    if not 0 < size < len(batch.labels):
        yield batch
        return
    for start in range(0, len(batch.labels), size):
        here = slice(start, start + size)
        yield replace(
            batch,
            labels=batch.labels[here],
            domains=batch.domains[here],
            images=None if batch.images is None else batch.images[here],
            features=None if batch.features is None else batch.features[here],
        )


@dataclass
class Trainer:
    """A built method with all that a step needs."""

    method: Method[TrainConfig]
    parameters: dict[str, torch.nn.Parameter]
    """What trains: what ``build`` returned."""
    optimiser: torch.optim.Optimizer
    average: WeightAverage | None
    """The method's moving average, if it keeps one."""
    scaler: torch.amp.GradScaler
    halved: list[torch.nn.Parameter] = field(default_factory=list)
    """What precision ``fp16-replica`` rounds after every step."""
    late: bool = False
    """Leave it to whoever reads the loss terms to find those that are not finite: on a GPU, which
    would have to finish the step before it could begin its backward pass."""

    @classmethod
    def begin(
        cls,
        method: Method[TrainConfig],
        parameters: dict[str, torch.nn.Parameter],
        backbone: Backbone,
    ) -> Self:
        """Make optimiser, average and scaler for a method that was just built.

        Args:
            method: The method, built.
            parameters: What ``build`` returned; everything else must not require gradients.
            backbone: Tells device and precision.
        """
        config = method.config
        halved: list[torch.nn.Parameter] = []
        if backbone.spec.precision == "fp16-replica":
            trained = {id(p) for p in parameters.values()}
            halved = [p for p in half_typed(backbone.model) if id(p) in trained]
            round_to_half(halved)
        return cls(
            method,
            parameters,
            make_optimiser(parameters.values(), config),
            method.averager(parameters, config.steps),
            torch.amp.GradScaler(enabled=_needs_scaler(backbone)),
            halved,
            reads_late(backbone.device),
        )

    def step(self, batch: Batch, step: int) -> LossTerms:
        """Take the 0-based `step`; return its loss terms, on a GPU before they are known.

        Raises:
            FloatingPointError: When a loss term is not finite; on a GPU the terms say so when they
                are read, and the weights are spoilt then.
        """
        config = self.method.config
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(step, config)
        self.optimiser.zero_grad(set_to_none=True)  # first: they need not live through the forward
        images = len(batch.labels)
        read: list[Tensor] = []
        for part in micro_batches(batch, config.micro_batch):
            share = len(part.labels) / images
            terms = self.method.losses(part)
            losses = torch.stack([term.float() for term in terms.values()])
            total = losses.sum()
            read.append(share * torch.cat([losses.detach(), total.detach()[None]]))
            if not self.late:
                LossTerms(step, tuple(terms), read[-1]).read()
            self.scaler.scale(share * total).backward()  # type: ignore[no-untyped-call]
        if config.clip_norm:
            self.scaler.unscale_(self.optimiser)
            torch.nn.utils.clip_grad_norm_(self.parameters.values(), config.clip_norm)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        round_to_half(self.halved)
        if self.average is not None:
            self.average.update(step + 1)
        self.method.after_step(step + 1)
        return LossTerms.sent(step, tuple(terms), torch.stack(read).sum(0) if read[1:] else read[0])

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps; the tensors are the live ones."""
        return {
            "parameters": {name: p.detach() for name, p in self.parameters.items()},
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state_dict() if self.average is not None else {},
            "method": self.method.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what ``state_dict`` returned.

        Raises:
            harness.training.checkpoint.Unusable: If names or shapes are not this method's.
        """
        check_shapes(state["parameters"], self.parameters)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state["parameters"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        for trained, kept in self.optimiser.state.items():
            for name, value in kept.items():
                if value.ndim and value.shape != trained.shape:
                    raise Unusable(f"its optimiser's '{name}' has shape {list(value.shape)}")
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.method.load_state_dict(state["method"])
        self.scaler.load_state_dict(state["scaler"])


def _needs_scaler(backbone: Backbone) -> bool:
    """Tell whether gradients must be scaled: half precision on a GPU."""
    return backbone.spec.precision == "fp16" and torch.device(backbone.device).type == "cuda"
