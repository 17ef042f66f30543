"""What a method builds, and the losses of a batch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.check.bench import Subject, advance
from harness.check.result import Wrong
from harness.training.averaging import WeightAverage


def parameters(subject: Subject) -> None:
    """``build`` returns what trains, by name; nothing if nothing trains."""
    method, task = subject.make()
    own = subject.copied().fork()
    before = {id(p) for p in own.visual.parameters()}
    made: Any = method.build(own, task)
    expected = "a dict of name -> torch.nn.Parameter"
    if not isinstance(made, dict):
        raise Wrong("return from build() what trains, by name", "", expected, _kind(made))
    for name, value in made.items():
        if not isinstance(name, str) or not isinstance(value, nn.Parameter):
            raise Wrong(
                f"return torch.nn.Parameter objects from build(): '{name}' is none",
                "the engine switches their gradients on and gives them to the optimiser",
                expected,
                f"{name!r}: {_kind(value)}",
            )
    if bool(made) != method.trains:
        change = "set trains = False" if method.trains else "return {} from build()"
        raise Wrong(
            f"{change}, or make the two agree otherwise",
            "a method trains if and only if it has parameters",
            f"{'some' if method.trains else 'no'} parameters, since trains = {method.trains}",
            f"{len(made)} parameters",
        )
    if len({id(value) for value in made.values()}) < len(made):
        raise Wrong("return each parameter once from build()", "", "distinct objects", "repeated")
    if method.frozen_image_tower and any(id(value) in before for value in made.values()):
        raise Wrong(
            "set frozen_image_tower = False, or do not train the image tower",
            "with a frozen tower features are computed once, before training",
            "no parameter of backbone.visual",
            "at least one",
        )


def _kind(value: object) -> str:
    return type(value).__name__


def averager(subject: Subject) -> None:
    """The weights that the method says are tested exist."""
    built = subject.build()
    made: Any = built.method.averager(built.parameters, subject.recipe.get("steps", 1))
    if made is not None and not isinstance(made, WeightAverage):
        raise Wrong(
            "return a WeightAverage such as BetaAverage (harness/training/averaging.py), or None",
            "the engine updates it, saves it, and swaps it in for the test",
            "a WeightAverage or None",
            _kind(made),
        )
    if made is None and built.method.selection_of(built.method.config) == "averaged":
        raise Wrong(
            "return an average from averager(), or set own_selection = 'last'",
            "own_selection = 'averaged' tests the averaged weights",
            "a WeightAverage",
            "None",
        )


def losses(subject: Subject) -> None:
    """The losses are named, finite scalars through which gradient flows."""
    built = subject.build()
    terms: Any = built.method.losses(built.batch(0))
    if not isinstance(terms, dict) or not terms:
        seen = f"{_kind(terms)} {terms if terms == {} else ''}".strip()
        raise Wrong(
            "return loss terms by name from losses()",
            "the engine minimises their sum and records each",
            "a dict of name -> scalar tensor, not empty",
            seen,
        )
    for name, value in terms.items():
        scalar = isinstance(value, Tensor) and value.shape == () and value.is_floating_point()
        if not isinstance(name, str) or not scalar:
            seen = _kind(value)
            if isinstance(value, Tensor):
                seen = f"shape {list(value.shape)}, {value.dtype}"
            raise Wrong(
                f"make loss term '{name}' a scalar, e.g. by .mean()",
                "the engine sums the terms and records each",
                "a tensor of shape [] and a float dtype",
                seen,
            )
        if not torch.isfinite(value):
            raise Wrong(
                f"keep loss term '{name}' finite (clamp before log, add an epsilon to a division)",
                "a run stops at the first loss that is not finite",
                "a finite number",
                str(float(value.detach())),
            )
    if not any(value.requires_grad for value in terms.values()):
        raise Wrong(
            "let gradient flow through losses() (no .detach(), no torch.no_grad())",
            "nothing would train",
            "a loss that depends on the parameters that build() returns",
            "none that requires a gradient",
        )


def deterministic(subject: Subject) -> None:
    """The same seed gives the same losses, whatever the global generators' state."""
    found: list[tuple[dict[str, Tensor], dict[str, Tensor]]] = []
    for state in (1, 2):
        _disturb(state)
        built = subject.build()
        start = {name: p.detach().clone() for name, p in built.parameters.items()}
        batch = built.batch(0)
        _disturb(state)
        found.append((start, built.method.losses(batch)))
    (start, terms), (start_again, terms_again) = found
    for name in start:
        if not torch.equal(start[name], start_again[name]):
            raise Wrong(
                f"draw the initial values of '{name}' from "
                "harness.seeding.generator('name of the purpose', task.seed)",
                "a run must give the same numbers again, in whatever process",
                "equal values from two builds with one seed",
                "different values",
            )
    for name in terms:
        if not torch.equal(terms[name], terms_again[name]):
            raise Wrong(
                f"draw what is random in loss term '{name}' from "
                "harness.seeding.generator('name of the purpose', task.seed, batch.step)",
                "a killed run must continue to the same numbers; the global generators' state "
                "is lost with the process",
                f"{float(terms[name].detach()):.9g} again",
                f"{float(terms_again[name].detach()):.9g}",
            )


def _disturb(state: int) -> None:
    random.seed(state)
    np.random.seed(state)
    torch.manual_seed(state)


def gradient(subject: Subject) -> None:
    """Gradient reaches every parameter that trains, and no other."""
    built = subject.build()
    reached = advance(built, 3)  # more than one: what is multiplied by a zero starts later
    for name in built.parameters:
        if name not in reached:
            raise Wrong(
                f"use '{name}' in losses(), or leave it out of what build() returns",
                "it would be counted as trained and never learn",
                "a gradient other than zero in the first three steps",
                "none",
            )
    mine = {id(p) for p in built.parameters.values()}
    for name, parameter in _others(built.own.model, built.method):
        if parameter.grad is not None and id(parameter) not in mine:
            raise Wrong(
                f"return '{name}' from build(), or call requires_grad_(False) on it",
                "gradient reaches it, but the optimiser and the checkpoint do not know it",
                "gradient only on what build() returns",
                f"gradient on '{name}'",
            )


def _others(model: nn.Module, method: object) -> Iterator[tuple[str, nn.Parameter]]:
    yield from model.named_parameters()
    for name, value in vars(method).items():
        if isinstance(value, nn.Parameter):
            yield name, value
        elif isinstance(value, nn.Module):
            yield from ((f"{name}.{part}", p) for part, p in value.named_parameters())
