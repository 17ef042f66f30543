"""Optimiser and learning-rate schedule of a recipe."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from harness.method import TrainConfig


def make_optimiser(
    parameters: Iterable[torch.nn.Parameter], config: TrainConfig
) -> torch.optim.Optimizer:
    """AdamW (betas 0.9, 0.999) or SGD with momentum; weight decay on every parameter.

    CLIPood and AlignCLIP decay norms, biases and embeddings too (their released code). On a GPU the
    update is one fused kernel, which also reads the loss scaler's verdict there.
    """
    trained = list(parameters)
    fused = all(p.is_cuda for p in trained)
    if config.optimizer == "adamw":
        return torch.optim.AdamW(
            trained, lr=config.lr, weight_decay=config.weight_decay, fused=fused
        )
    return torch.optim.SGD(
        trained,
        lr=config.lr,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        fused=fused,
    )


def learning_rate(step: int, config: TrainConfig) -> float:
    """Return the rate of the 0-based `step`.

    ``cosine`` falls to zero over all steps (CosineAnnealingLR's closed form). With W
    ``warmup_steps`` it is Dassl's schedule (CoOp, CoCoOp, MaPLe; its WARMUP_RECOUNT): the warm-up
    is one epoch of W steps at the constant ``warmup_lr``; then the cosine starts from its beginning
    and changes once per epoch, so that it does not reach zero. ``warmup_cosine`` rises linearly
    over ``warmup_steps``, the last of which has ``lr``; the cosine begins after it (WiSE-FT's
    released code).
    """
    if config.schedule == "warmup_cosine":
        return config.lr * _warmup_cosine(step, config.warmup_steps, config.steps)
    if step < config.warmup_steps:
        return config.warmup_lr
    if config.schedule == "constant":
        return config.lr
    done, epoch = step, config.warmup_steps
    if epoch:
        done -= epoch
        done -= done % epoch
    return config.lr * 0.5 * (1 + math.cos(math.pi * done / config.steps))


def _warmup_cosine(step: int, warmup: int, steps: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
