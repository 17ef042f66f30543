"""The training loop: batches, steps, averaging, validation, checkpoints."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from harness.data.bank import ImageBank
from harness.data.reader import never
from harness.errors import Interrupted
from harness.method import Method, TrainConfig
from harness.protocols.splits import Sources
from harness.store.records import Score
from harness.training import checkpoint
from harness.training.averaging import WeightAverage
from harness.training.batches import Batches
from harness.training.checkpoint import TrainState
from harness.training.evaluate import predict, score
from harness.training.logging import Logger, fractions
from harness.training.optimiser import learning_rate
from harness.training.step import LossTerms, Trainer

CHECKPOINT_SECONDS = 20.0
_TENTHS = 10


@dataclass(frozen=True)
class LoopSettings:
    """What the loop needs beside the recipe; none of it changes the numbers."""

    checkpoint_file: Path
    progress: Callable[[int, int], None] = lambda step, steps: None
    stop: Callable[[], bool] = lambda: False
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    owner: Mapping[str, str] = field(default_factory=dict)
    """Whose the checkpoint is: see `harness.training.checkpoint.save`."""
    log: Logger | None = None
    joules: Callable[[], float | None] = lambda: None
    """Tells what the run took so far; see `harness.execution.energy`."""


@dataclass
class Trained:
    """What the loop leaves: the state, and the average if the method keeps one."""

    state: TrainState
    average: WeightAverage | None
    saved: bool = False
    """Whether the last weights are in the checkpoint, so that a run killed now has them again."""


def train(
    method: Method[TrainConfig],
    parameters: dict[str, torch.nn.Parameter],
    bank: ImageBank,
    sources: Sources,
    seed: int,
    track_best: bool,
    settings: LoopSettings,
) -> Trained:
    """Train `parameters` in place, from the checkpoint if there is one.

    Args:
        method: The method, built.
        parameters: What ``build`` returned; everything else must not require gradients.
        bank: Reads pixels and frozen features of the source domains.
        sources: The source domains' samples.
        seed: Of batches and augmentation.
        track_best: Validate on the sources as the run goes and keep the best weights.
        settings: Checkpoint file, progress and stop callbacks, logger.

    Raises:
        Interrupted: When ``settings.stop`` said so; the checkpoint is written.
        FloatingPointError: When a loss term is not finite.
    """
    config = method.config
    trainer = Trainer.begin(method, parameters, bank.backbone)
    state = _resume(settings, trainer, bank)
    if not state.zero_shot_val:
        state.zero_shot_val = {
            domain: [part.correct, part.n]
            for domain, part in validate(method, bank, sources, at_start=True).items()
        }
    log = settings.log
    if log is not None:
        _begin(log, state)
    every = config.eval_every or max(1, config.steps // _TENTHS)
    if track_best and state.step == 0:
        _track_best(state, parameters, sum(v[0] for v in state.zero_shot_val.values()))
    batches = Batches(method, bank, sources, seed)
    writer = checkpoint.Writer(
        settings.checkpoint_file, settings.owner, settings.checkpoint_seconds
    )
    began = time.monotonic()
    unread: deque[LossTerms] = deque()

    def read(but: int = 0) -> None:
        while len(unread) > but:
            terms = unread.popleft()
            values = terms.read()
            _note(state, terms.step, values, config.steps)
            if log is not None:
                curves = {f"loss/{name}": value for name, value in values.items()}
                log.scalars(terms.step + 1, curves | {"lr": learning_rate(terms.step, config)})

    def save() -> None:
        read()  # nothing is kept after a loss that is not finite
        spent = state.earlier_s + time.monotonic() - began
        energy = total_energy(state, settings.joules())
        writer.begin(replace(state, earlier_s=spent, earlier_j=energy), trainer.state_dict())

    saved = state.step == config.steps
    bank.stop = never  # from here on a stop is noticed between steps, where it can be saved
    try:
        while state.step < config.steps:
            if settings.stop():
                save()
                raise Interrupted
            start = time.perf_counter()
            unread.append(trainer.step(batches(state.step), state.step))
            state.step += 1
            last = state.step == config.steps
            # on a GPU a step late: it works on the next one while this one's losses are read
            read(but=1 if trainer.late and not last else 0)
            state.step_ms.append((time.perf_counter() - start) * 1e3)
            if track_best and (state.step % every == 0 or last):
                read()
                val = validate(method, bank, sources)
                _track_best(state, parameters, sum(part.correct for part in val.values()))
                if log is not None:
                    log.scalars(state.step, fractions("source_val", val))
            settings.progress(state.step, config.steps)
            # killed in its test, a long run had better not train again
            if writer.due or (last and time.monotonic() - began > settings.checkpoint_seconds):
                save()
                saved = last
    finally:
        batches.close()
        writer.finish()
    return Trained(state, trainer.average, saved)


def total_energy(state: TrainState, now: float | None) -> float | None:
    """Return the joules of all attempts; None if one did not count them."""
    return None if now is None or state.earlier_j is None else now + state.earlier_j


def validate(
    method: Method[Any], bank: ImageBank, sources: Sources, at_start: bool = False
) -> dict[str, Score]:
    """Return the current weights' scores on each source domain's validation part."""
    names = sources.class_names
    return {
        domain: score(predict(method, bank, samples, names, at_start=at_start), samples)
        for domain, samples in sources.val.items()
    }


def _begin(log: Logger, state: TrainState) -> None:
    log.begin(state.step)
    if state.step == 0:
        start = {name: Score(correct=c, n=n) for name, (c, n) in state.zero_shot_val.items()}
        log.scalars(0, fractions("source_val", start))


def _note(state: TrainState, step: int, terms: dict[str, float], steps: int) -> None:
    # Sums per tenth; the record divides them, see `harness.execution.run`.
    tenth = step * _TENTHS // steps
    for name, value in terms.items():
        state.losses.setdefault(name, [0.0] * _TENTHS)[tenth] += value


def _track_best(state: TrainState, parameters: dict[str, torch.nn.Parameter], correct: int) -> None:
    # Ties go to the earlier step. Step 0 takes part, so `best` is always defined, also for a run
    # that never beats zero-shot (the original code fails there).
    if correct > state.best_correct:
        state.best_correct, state.best_step = correct, state.step
        state.best = {name: p.detach().clone() for name, p in parameters.items()}


def _resume(settings: LoopSettings, trainer: Trainer, bank: ImageBank) -> TrainState:
    path = settings.checkpoint_file
    try:
        found = checkpoint.load(path, bank.backbone.device, settings.owner)
        if found is None:
            return TrainState()
        state, parts = found
        if not 0 <= state.step <= trainer.method.config.steps:
            raise checkpoint.Unusable(f"it is of step {state.step}")
        before = copy.deepcopy(trainer.state_dict())
        try:
            trainer.load_state_dict(parts)
        except (checkpoint.Unusable, KeyError, TypeError, ValueError, RuntimeError) as error:
            trainer.load_state_dict(before)
            raise checkpoint.Unusable(f"it does not fit this method ({error})") from None
    except checkpoint.Unusable as why:
        print(f"{path}: not continued from, {why}; the run starts afresh", flush=True)
        return TrainState()
    state.resumed += 1
    return state
