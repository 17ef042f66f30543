"""Image features and logits: what a method owes when it is tested."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from harness.check.bench import Subject, Trial
from harness.check.result import Wrong
from harness.training.build import build_method

UNSEEN = ("yellow_cat", "a very grey dog")
_CLOSE = 1e-4


@torch.no_grad()
def features(subject: Subject) -> None:
    """Image features are [B, D], of unit norm, and those of the frozen tower if it is frozen."""
    built, images = subject.build(), subject.bench.images
    made: Any = built.method.image_features(images)
    expected = f"[{len(images)}, D] float32"
    if not isinstance(made, Tensor) or made.ndim != 2 or len(made) != len(images):
        seen = list(made.shape) if isinstance(made, Tensor) else type(made).__name__
        raise Wrong("return one row per image from image_features()", "", expected, str(seen))
    if made.dtype not in (torch.float32, torch.float64):
        raise Wrong(
            "return float32 from image_features()", "tests compare it", expected, str(made.dtype)
        )
    norms = made.norm(dim=1)
    if not torch.allclose(norms, torch.ones_like(norms), atol=1e-3):
        raise Wrong(
            "normalise in image_features(): torch.nn.functional.normalize(features, dim=-1)",
            "logits are scaled cosines",
            "norm 1 of each row",
            f"norms {float(norms.min()):.4g} to {float(norms.max()):.4g}",
        )
    if built.method.frozen_image_tower or built.method.starts_pretrained:
        plain = subject.bench.pretrained.image_features(images)
        if made.shape != plain.shape or not torch.allclose(made, plain, atol=_CLOSE):
            raise Wrong(
                "return backbone.image_features(images), or set frozen_image_tower and "
                "starts_pretrained to False",
                "the engine computes the pretrained tower's features once and does not call "
                "image_features() for them",
                "the pretrained tower's features",
                "others",
            )


@torch.no_grad()
def batch(subject: Subject) -> None:
    """An image has one feature whatever stands beside it in a batch."""
    built, images = subject.build(), subject.bench.images
    together = built.method.image_features(images)
    alone = torch.cat([built.method.image_features(image[None]) for image in images])
    if not torch.allclose(together, alone, atol=_CLOSE):
        raise Wrong(
            "compute each row of image_features() from its image alone "
            "(no batch statistics, model in eval mode, no dropout)",
            "the accuracy would depend on the order and the size of test batches",
            "the same features alone and in a batch",
            f"a difference of {_difference(together, alone)}",
        )


@torch.no_grad()
def logits(subject: Subject) -> None:
    """Logits are [B, C] for any class names, unseen ones included."""
    built, images = subject.build(), subject.bench.images
    made = built.method.image_features(images)
    trained = subject.bench.parts.class_names
    lists: tuple[tuple[str, ...], ...] = (trained, UNSEEN, trained[:1], (*UNSEEN, *trained))
    if subject.closed_set:  # it says so itself; the planner keeps it out of open-class protocols
        lists = (trained, trained[:1])
    for names in lists:
        kind = "training" if names == trained else "any list of"
        try:
            found: Any = built.method.logits(made, names)
        except (KeyError, ValueError, IndexError) as error:
            raise Wrong(
                f"make logits() accept {kind} class names, unseen ones included: "
                f"{type(error).__name__}: {error}",
                "open-class protocols test classes that did not train",
                f"[{len(made)}, {len(names)}] for {names[:3]}",
                f"{type(error).__name__}",
            ) from None
        shape = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
        if shape != [len(made), len(names)]:
            raise Wrong(
                f"return a column for each of the class names given to logits() ({kind} names)",
                "the classes of a test need not be those of the training",
                f"[{len(made)}, {len(names)}] for {len(names)} names",
                str(shape),
            )
        wide = found.dtype in (torch.float32, torch.float64)
        if not wide or not bool(torch.isfinite(found).all()):
            seen = "inf or nan" if wide else str(found.dtype)
            raise Wrong(
                "return finite float32 from logits()",
                "in half precision classes tie, and a tie goes to the first",
                "finite float32",
                seen,
            )


@torch.no_grad()
def classes(subject: Subject) -> None:
    """Image features do not depend on the class list."""
    built, images = subject.build(), subject.bench.images
    before = built.method.image_features(images)
    trained = subject.bench.parts.class_names
    for names in (trained[:1] if subject.closed_set else UNSEEN, trained[:2]):
        built.method.logits(before, names)
        after = built.method.image_features(images)
        if not torch.allclose(before, after, atol=_CLOSE):
            raise Wrong(
                "keep the class names out of image_features(); use them in logits()",
                "image features are computed once and tested over several class lists",
                f"the same features after logits() over {names}",
                f"a difference of {_difference(before, after)}",
            )


@torch.no_grad()
def task(subject: Subject) -> None:
    """Image features of a method that does not train depend on no class, prompt or seed."""
    images = subject.bench.images
    method, given = subject.make()
    other = replace(given, class_names=UNSEEN, template="a drawing of a {}.", seed=given.seed + 1)
    found = build_method(method, subject.copied().fork(), other).method.image_features(images)
    before = subject.build().method.image_features(images)
    if before.shape != found.shape or not torch.equal(before, found):
        raise Wrong(
            "let image_features() depend on weights, configuration and images alone; the task's "
            "classes, prompt and seed belong in logits()",
            "what a method that does not train makes of an image is computed once for all runs",
            "the same features for another task",
            "others",
        )


@torch.no_grad()
def neighbours(subject: Subject) -> None:
    """A class has one logit whatever other classes are listed."""
    built = subject.build()
    few, many = _few_and_many(built, subject)
    if not torch.allclose(few, many, atol=_CLOSE, rtol=_CLOSE):
        raise Wrong(
            "compute each column of logits() from its class alone, without a softmax",
            "confidences are compared over class lists of different lengths",
            "the same logits of a class among few and among many",
            f"a difference of {_difference(few, many)}",
        )


def _few_and_many(built: Trial, subject: Subject) -> tuple[Tensor, Tensor]:
    made = built.method.image_features(subject.bench.images)
    names = subject.bench.parts.class_names
    if subject.closed_set:
        return built.method.logits(made, names[:2]), built.method.logits(made, names)[:, :2]
    few = built.method.logits(made, UNSEEN)
    many = built.method.logits(made, (*names, *UNSEEN))[:, len(names) :]
    return few, many


@torch.no_grad()
def alone(subject: Subject) -> None:
    """The logits of an image do not depend on the images beside it, nor on those before it."""
    built, names = subject.build(), subject.bench.parts.class_names
    before = {name: p.detach().clone() for name, p in built.parameters.items()}
    features = built.method.image_features(subject.bench.images)
    together = built.method.logits(features, names)
    apart = torch.cat([built.method.logits(row[None], names) for row in features])
    again = built.method.logits(features, names)
    for other, what in ((apart, "alone"), (again, "a second time")):
        if not torch.allclose(together, other, atol=_CLOSE, rtol=_CLOSE):
            raise Wrong(
                "compute each row of logits() from its features alone, and change nothing there",
                "a method that uses the test batch is another track: its results may not stand "
                "beside methods that see one image at a time",
                f"the same logits in a batch and {what}",
                f"a difference of {_difference(together, other)}",
            )
    for name, parameter in built.parameters.items():
        if not torch.equal(before[name], parameter):
            raise Wrong(
                f"leave '{name}' as it is in image_features() and logits()",
                "nothing may be learned from test images",
                "unchanged",
                "changed by a prediction",
            )


@torch.no_grad()
def columns(subject: Subject) -> None:
    """Permuted class names give permuted columns."""
    built, names = subject.build(), subject.bench.parts.class_names
    features = built.method.image_features(subject.bench.images)
    draw = torch.Generator().manual_seed(0)
    order = torch.randperm(len(names), generator=draw)
    straight = built.method.logits(features, names)[:, order]
    permuted = built.method.logits(features, tuple(names[i] for i in order.tolist()))
    if not torch.allclose(straight, permuted, atol=_CLOSE, rtol=_CLOSE):
        raise Wrong(
            "return the columns of logits() in the order of the class names it is given",
            "predictions are indices into that list: in another order they name other classes",
            "permuted columns for permuted names",
            f"a difference of {_difference(straight, permuted)}",
        )


def _difference(a: Tensor, b: Tensor) -> str:
    return f"{float((a - b).abs().max()):.3g}"
