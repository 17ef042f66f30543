"""One training step: losses, backward pass, optimiser, average; the same for all who train."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import torch

from harness.clip.backbone import Backbone
from harness.clip.half import half_typed, round_to_half
from harness.method import Batch, Method, TrainConfig
from harness.training.averaging import WeightAverage
from harness.training.checkpoint import Unusable, check_shapes
from harness.training.optimiser import learning_rate, make_optimiser


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
        )

    def step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take the 0-based `step`; return the loss terms.

        Raises:
            FloatingPointError: When a loss term is not finite.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(step, self.method.config)
        self.optimiser.zero_grad(set_to_none=True)  # first: they need not live through the forward
        terms = self.method.losses(batch)
        total = torch.stack([term.float() for term in terms.values()]).sum()
        values = {name: float(term.detach()) for name, term in terms.items()}
        if not torch.isfinite(total):
            raise FloatingPointError(f"loss is not finite at step {step}: {values}")
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimiser)
        self.scaler.update()
        round_to_half(self.halved)
        if self.average is not None:
            self.average.update(step + 1)
        self.method.after_step(step + 1)
        return values

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
