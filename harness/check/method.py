"""The suite for a method plugin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.check import build, describe, engine, inference, training
from harness.check.bench import Bench, Subject
from harness.check.result import Result
from harness.check.suite import Check, file_of, run_checks
from harness.method import Method

_TRAINING: list[Check[Subject]] = [
    Check("losses", build.losses, ("build",)),
    Check("deterministic", build.deterministic, ("losses",)),
    Check("gradient", build.gradient, ("losses",)),
    Check("mean", training.mean, ("losses", "deterministic")),
    Check("steps", training.steps, ("losses",)),
    Check("frozen", training.frozen, ("losses", "logits")),
    Check("learns", training.learns, ("losses", "gradient", "steps", "logits")),
    Check("state", training.state, ("losses",)),
]
_ALWAYS: list[Check[Subject]] = [
    Check("described", describe.described),
    Check("config", describe.config),
    Check("documented", describe.documented),
    Check("presets", describe.presets),
    Check("build", build.parameters, ("config",)),
    Check("averager", build.averager, ("build",)),
    Check("features", inference.features, ("build",)),
    Check("batch", inference.batch, ("features",)),
    Check("logits", inference.logits, ("features",)),
    Check("alone", inference.alone, ("logits", "batch")),
    Check("columns", inference.columns, ("logits",)),
    Check("classes", inference.classes, ("logits",)),
    Check("neighbours", inference.neighbours, ("logits",), advice=True),
]
_WHOLE: list[Check[Subject]] = [
    Check("shared", training.untouched, ("losses", "logits")),
    Check("target", engine.target, ("losses", "logits", "averager")),
    Check("run", engine.run, ("target",)),
    Check("resume", engine.resume, ("run", "deterministic", "state", "frozen", "shared")),
    Check("worker", engine.worker, ("run", "deterministic", "shared")),
]
METHOD_CHECKS = (*_ALWAYS, *_TRAINING, *_WHOLE)
"""All checks of a method that trains, in the order in which they run."""
_UNTRAINED = (*_ALWAYS, Check("task", inference.task, ("features",)), *_WHOLE)


def check_method(
    cls: type[Method[Any]],
    bench: Bench,
    given: dict[str, Any] | None = None,
    leave_out: frozenset[str] = frozenset(),
) -> Iterator[Result]:
    """Yield the result of each check of a method; those of training only if it trains.

    Args:
        cls: The method, as the registry has it.
        bench: Model and data to try it on.
        given: Parameters to try it with, beside a short recipe.
        leave_out: Checks not to run.
    """
    checks = METHOD_CHECKS if cls.trains else _UNTRAINED
    subject = Subject(cls, bench, given or {})
    yield from run_checks(cls.name, file_of(cls), checks, subject, leave_out)
