"""What a few optimiser steps change, and what they must leave alone."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from harness.check.bench import STEPS, Subject, Trial, advance
from harness.check.result import Skip, Wrong
from harness.clip.backbone import weights_fingerprint
from harness.method import Batch
from harness.training.step import micro_batches


def steps(subject: Subject) -> None:
    """Steps change the weights."""
    built = subject.build()
    before = {name: p.detach().clone() for name, p in built.parameters.items()}
    advance(built, 3)
    if all(torch.equal(before[name], p) for name, p in built.parameters.items()):
        raise Wrong(
            "leave the optimiser's result in the parameters (see after_step, lr, schedule)",
            "the run would test the weights it began with",
            "at least one parameter changes in three steps",
            "none does",
        )


def mean(subject: Subject) -> None:
    """Loss terms are means over the images of a batch, if the method says so."""
    if not subject.cls.loss_is_mean:
        raise Skip("loss_is_mean is False, so that batches are never worked off in parts")
    built = subject.build()
    batch = built.batch(0)
    whole = {name: float(term.detach()) for name, term in built.method.losses(batch).items()}
    added = dict.fromkeys(whole, 0.0)
    for part in micro_batches(batch, max(1, len(batch.labels) // 3)):
        for name, term in built.method.losses(part).items():
            added[name] += float(term.detach()) * len(part.labels) / len(batch.labels)
    for name, value in whole.items():
        if abs(added[name] - value) > 1e-3 * max(1.0, abs(value)):
            raise Wrong(
                "set loss_is_mean to False, or divide by the number of images in losses()",
                f"with micro_batch the gradients of '{name}' would be others",
                f"'{name}' {value:.6g}, the mean of its parts",
                f"{added[name]:.6g} from the parts",
            )


def frozen(subject: Subject) -> None:
    """Nothing of the run's own model changes but what ``build`` returned."""
    built = subject.build()
    shared = {id(t) for t in _tensors(built.shared.model).values()}
    named = {id(p) for p in built.parameters.values()}
    rest = {
        name: (t, t.detach().clone())
        for name, t in _tensors(built.own.model).items()
        if id(t) not in shared and id(t) not in named
    }
    _use(built, subject)
    for name, (now, before) in rest.items():
        if not torch.equal(now, before):
            raise Wrong(
                f"leave '{name}' as it is, or return it from build()",
                "a checkpoint keeps only what build() returned, so a killed run would not "
                "continue to the same numbers (mind .train(), which moves running statistics)",
                "unchanged",
                "changed by a few steps",
            )


def untouched(subject: Subject) -> None:
    """The pretrained model that all runs of a process share stays as it is."""
    built = subject.build()
    model = built.shared.model
    names = {id(p): name for name, p in model.named_parameters()}
    for parameter in built.parameters.values():
        if id(parameter) in names:
            raise Wrong(
                f"train a copy of '{names[id(parameter)]}' (copy.deepcopy it in build())",
                "all runs of a process share everything but the image tower and the logit scale",
                "parameters of this run's own",
                "one of the shared text tower",
            )
    _use(built, subject)
    if weights_fingerprint(model) != built.shared.fingerprint:
        clean = _tensors(subject.bench.pretrained.model)
        changed = [n for n, t in _tensors(model).items() if not torch.equal(t, clean[n])]
        raise Wrong(
            f"do not change '{changed[0]}' in place; copy.deepcopy it in build()",
            "all runs of a process share everything but the image tower and the logit scale",
            "the pretrained weights",
            f"{len(changed)} tensor(s) changed",
        )
    key = subject.bench.parts.class_names, subject.bench.opened.prompts
    if not torch.equal(
        built.shared.text_features(*key), subject.bench.pretrained.text_features(*key)
    ):
        raise Wrong(
            "do not change the result of backbone.text_features in place; clone it",
            "it is computed once and shared by all runs of a process",
            "the text features of the pretrained model",
            "others",
        )


def _use(built: Trial, subject: Subject) -> None:
    if built.method.trains:
        advance(built, 2)
    with torch.no_grad():
        features = built.method.image_features(subject.bench.images)
        built.method.logits(features, subject.bench.parts.class_names)


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.named_parameters()) | dict(model.named_buffers())


_RATES = (1.0, 0.1, 10.0, 0.01)
LEAST_GAIN = 0.01
"""Share of the cross-entropy; weight decay alone moves it by some 1e-4."""


def learns(subject: Subject) -> None:
    """Steps on one batch bring its images nearer to their labels."""
    seen = []
    for factor in _RATES:  # the suite's rate may be too high or too low for a method
        built = replace(subject, given=subject.given | _scaled(subject, factor)).build()
        batch = built.batch(0)
        before = _cross_entropy(built, subject, batch)
        advance(built, STEPS, batch)
        after = _cross_entropy(built, subject, batch)
        if after < (1 - LEAST_GAIN) * before:
            return
        seen.append(after)
    raise Wrong(
        "look at the sign of the losses, whose sum is minimised, and at what reaches the weights",
        "what is trained on a batch should classify it better, whatever the loss is called",
        f"a cross-entropy of logits() {100 * LEAST_GAIN:g} % or more below {before:.4g} after "
        f"{STEPS} steps on the batch, at some learning rate",
        f"{min(seen):.4g} at the best of {len(seen)} rates",
    )


def _scaled(subject: Subject, factor: float) -> dict[str, Any]:
    rate = subject.recipe.get("lr")
    return {"lr": factor * float(rate)} if rate else {}


@torch.no_grad()
def _cross_entropy(built: Trial, subject: Subject, batch: Batch) -> float:
    features = batch.features
    if features is None:
        assert batch.images is not None  # a batch has one or the other
        features = built.method.image_features(batch.images)
    logits = built.method.logits(features, subject.bench.parts.class_names)
    return float(torch.nn.functional.cross_entropy(logits.float(), batch.labels))


def state(subject: Subject) -> None:
    """What ``state_dict`` returns can be saved, and ``load_state_dict`` takes it back."""
    first = subject.build()
    advance(first, 3)
    kept = first.method.state_dict()
    if not kept:
        raise Skip("state_dict() returns nothing")
    buffer = io.BytesIO()
    torch.save(kept, buffer)
    buffer.seek(0)
    try:
        loaded = torch.load(buffer, weights_only=True)
    except Exception as error:
        raise Wrong(
            "return only tensors, numbers, texts, lists and dicts from state_dict()",
            "a checkpoint is loaded without running code (torch.load, weights_only)",
            "a loadable state",
            str(error).splitlines()[0][:100],
        ) from None
    second = subject.build()
    with torch.no_grad():
        for name, parameter in second.parameters.items():
            parameter.copy_(first.parameters[name])
    second.method.load_state_dict(loaded)
    now = second.method.state_dict()
    for key in kept:
        if key not in now or not _same(kept[key], now[key]):
            raise Wrong(
                f"take back '{key}' in load_state_dict()",
                "a killed run goes on from it",
                f"state_dict()['{key}'] as it was saved",
                "another value after load_state_dict()",
            )


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)
