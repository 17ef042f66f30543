"""The training loop: batches, steps, averaging, validation, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.clip.backbone import Backbone
from harness.data.bank import ImageBank
from harness.dataset import Sample
from harness.method import Batch, Method, TrainConfig
from harness.protocols.splits import Sources
from harness.seeding import generator
from harness.store.store import Score
from harness.training import checkpoint
from harness.training.averaging import WeightAverage
from harness.training.checkpoint import TrainState
from harness.training.evaluate import predict, score
from harness.training.logging import Logger, fractions
from harness.training.optimiser import learning_rate, make_optimiser

CHECKPOINT_SECONDS = 20.0
_TENTHS = 10


class Interrupted(Exception):
    """The run was asked to stop; its checkpoint is written."""


@dataclass(frozen=True)
class LoopSettings:
    """What the loop needs beside the recipe; none of it changes the numbers."""

    checkpoint_file: Path
    progress: Callable[[int, int], None] = lambda step, steps: None
    stop: Callable[[], bool] = lambda: False
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    log: Logger | None = None


@dataclass
class Trained:
    """What the loop leaves: the state, and the average if the method keeps one."""

    state: TrainState
    average: WeightAverage | None


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
    optimiser = make_optimiser(parameters.values(), config)
    average = method.averager(parameters, config.steps)
    scaler = torch.amp.GradScaler(enabled=needs_scaler(bank.backbone))
    state = _resume(settings.checkpoint_file, method, parameters, optimiser, average, scaler, bank)
    if not state.zero_shot_val:
        state.zero_shot_val = {
            domain: [part.correct, part.n]
            for domain, part in validate(method, bank, sources).items()
        }
    log = settings.log
    if log is not None:
        _begin(log, state)
    every = config.eval_every or max(1, config.steps // _TENTHS)
    if track_best and state.step == 0:
        _track_best(state, parameters, sum(v[0] for v in state.zero_shot_val.values()))
    batches = Batches(method, bank, sources, seed)
    began = saved = time.monotonic()

    def save() -> None:
        spent = state.earlier_s + time.monotonic() - began
        parts = _parts(method, parameters, optimiser, average, scaler)
        checkpoint.save(settings.checkpoint_file, replace(state, earlier_s=spent), parts)

    while state.step < config.steps:
        if settings.stop():
            save()
            raise Interrupted
        start = time.perf_counter()
        terms = take_step(method, parameters, optimiser, scaler, batches(state.step), state.step)
        state.step += 1
        if average is not None:
            average.update(state.step)
        method.after_step(state.step)
        _note(state, terms, config.steps)
        state.step_ms.append((time.perf_counter() - start) * 1e3)
        if log is not None:
            values = {f"loss/{name}": value for name, value in terms.items()}
            log.scalars(state.step, values | {"lr": learning_rate(state.step - 1, config)})
        if track_best and (state.step % every == 0 or state.step == config.steps):
            val = validate(method, bank, sources)
            _track_best(state, parameters, sum(part.correct for part in val.values()))
            if log is not None:
                log.scalars(state.step, fractions("source_val", val))
        settings.progress(state.step, config.steps)
        if time.monotonic() - saved > settings.checkpoint_seconds:
            save()
            saved = time.monotonic()
    return Trained(state, average)


def validate(method: Method[Any], bank: ImageBank, sources: Sources) -> dict[str, Score]:
    """Return the current weights' scores on each source domain's validation part."""
    return {
        domain: score(predict(method, bank, samples, sources.class_names), samples)
        for domain, samples in sources.val.items()
    }


class Batches:
    """Batch number `step`, a pure function of (seed, step): one part from each source domain.

    Drawn with replacement, as DomainBed's InfiniteDataLoader does; a resumed run needs no
    sampler state.
    """

    def __init__(
        self, method: Method[TrainConfig], bank: ImageBank, sources: Sources, seed: int
    ) -> None:
        self.config = method.config
        self.bank = bank
        self.parts = sources.train
        self.seed = seed
        self.features: dict[str, Tensor] | None = None
        if method.frozen_image_tower:
            self.features = {
                domain: bank.frozen_features(samples, self.config)
                for domain, samples in self.parts.items()
            }

    def __call__(self, step: int) -> Batch:
        """Return the batch of the 0-based `step`."""
        size = self.config.batch_per_domain
        chosen: list[Sample] = []
        rows: list[Tensor] = []
        for domain, samples in self.parts.items():
            draw = generator("batch", self.seed, domain, step)
            index = torch.randint(len(samples), (size,), generator=draw)
            chosen += [samples[i] for i in index.tolist()]
            if self.features is not None:
                features = self.features[domain]
                view = torch.randint(features.shape[1], (size,), generator=draw)
                rows.append(features[index, view])
        device = self.bank.backbone.device
        labels = torch.tensor([sample.label for sample in chosen], device=device)
        domains = torch.arange(len(self.parts), device=device).repeat_interleave(size)
        if self.features is not None:
            return Batch(labels, domains, step, features=torch.cat(rows))
        draw = generator("augment", self.seed, step)
        images = self.bank.train_images(chosen, self.config, draw)
        return Batch(labels, domains, step, images=images)


def take_step(
    method: Method[TrainConfig],
    parameters: dict[str, torch.nn.Parameter],
    optimiser: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    batch: Batch,
    step: int,
) -> dict[str, float]:
    """Take the 0-based `step`: losses, backward pass, optimiser; return the loss terms.

    Raises:
        FloatingPointError: When a loss term is not finite.
    """
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(step, method.config)
    terms = method.losses(batch)
    total = torch.stack([term.float() for term in terms.values()]).sum()
    values = {name: float(term.detach()) for name, term in terms.items()}
    if not torch.isfinite(total):
        raise FloatingPointError(f"loss is not finite at step {step}: {values}")
    optimiser.zero_grad(set_to_none=True)
    scaler.scale(total).backward()  # type: ignore[no-untyped-call]
    scaler.step(optimiser)
    scaler.update()
    return values


def _begin(log: Logger, state: TrainState) -> None:
    log.begin(state.step)
    if state.step == 0:
        start = {name: Score(correct=c, n=n) for name, (c, n) in state.zero_shot_val.items()}
        log.scalars(0, fractions("source_val", start))


def needs_scaler(backbone: Backbone) -> bool:
    """Tell whether gradients must be scaled: half precision on a GPU."""
    return backbone.spec.precision == "fp16" and torch.device(backbone.device).type == "cuda"


def _note(state: TrainState, terms: dict[str, float], steps: int) -> None:
    # Sums per tenth; the record divides them, see `harness.execution.run`.
    tenth = (state.step - 1) * _TENTHS // steps
    for name, value in terms.items():
        state.losses.setdefault(name, [0.0] * _TENTHS)[tenth] += value


def _track_best(state: TrainState, parameters: dict[str, torch.nn.Parameter], correct: int) -> None:
    # Ties go to the earlier step. Step 0 takes part, so `best` is always defined, also for a run
    # that never beats zero-shot (the original code fails there).
    if correct > state.best_correct:
        state.best_correct, state.best_step = correct, state.step
        state.best = {name: p.detach().clone() for name, p in parameters.items()}


def _parts(
    method: Method[TrainConfig],
    parameters: dict[str, torch.nn.Parameter],
    optimiser: torch.optim.Optimizer,
    average: WeightAverage | None,
    scaler: torch.amp.GradScaler,
) -> dict[str, Any]:
    return {
        "parameters": {name: p.detach() for name, p in parameters.items()},
        "optimiser": optimiser.state_dict(),
        "average": average.state_dict() if average is not None else {},
        "method": method.state_dict(),
        "scaler": scaler.state_dict(),
    }


def _resume(
    path: Path,
    method: Method[TrainConfig],
    parameters: dict[str, torch.nn.Parameter],
    optimiser: torch.optim.Optimizer,
    average: WeightAverage | None,
    scaler: torch.amp.GradScaler,
    bank: ImageBank,
) -> TrainState:
    found = checkpoint.load(path, bank.backbone.device)
    if found is None:
        return TrainState()
    state, parts = found
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(parts["parameters"][name])
    optimiser.load_state_dict(parts["optimiser"])
    if average is not None:
        average.load_state_dict(parts["average"])
    method.load_state_dict(parts["method"])
    scaler.load_state_dict(parts["scaler"])
    state.resumed += 1
    return state
