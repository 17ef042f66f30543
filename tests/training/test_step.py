"""The engine's step, against a loop written out here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from harness import registry
from harness.clip.backbone import Backbone
from harness.clip.load import load_backbone
from harness.method import Batch, TrainConfig
from harness.specs import ModelSpec
from harness.training.step import Trainer, micro_batches
from tests.methods import toy


@pytest.fixture(scope="module")
def backbone(random_clip: object) -> Backbone:
    return load_backbone(ModelSpec(name=f"local-dir:{random_clip}"), "cpu")


def test_steps_are_those_of_a_plain_loop(backbone: Backbone) -> None:
    steps, lr = 6, 1e-3
    ours, plain = (toy.build("clipood", backbone, steps=steps, lr=lr) for _ in range(2))
    trainer = Trainer.begin(ours.method, ours.parameters, ours.backbone)
    optimiser = torch.optim.AdamW(plain.parameters.values(), lr=lr, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    # CLIPood's average with beta 0.5, weights summed in float64
    weights = [((t + 0.5) / 7 * (1 - (t + 0.5) / 7)) ** -0.5 for t in range(steps + 1)]
    mean = {n: weights[0] * p.detach().double() for n, p in plain.parameters.items()}
    for step in range(steps):
        terms = trainer.step(ours.batch(step), step)
        loss = torch.stack(list(plain.method.losses(plain.batch(step)).values())).sum()
        assert sum(terms.read().values()) == pytest.approx(float(loss.detach()), rel=1e-6)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        for name, p in plain.parameters.items():
            mean[name] += weights[step + 1] * p.detach().double()
    for name, p in plain.parameters.items():
        torch.testing.assert_close(ours.parameters[name], p, rtol=1e-5, atol=1e-7)
    assert trainer.average is not None
    with trainer.average.swapped():
        for name, p in ours.parameters.items():
            want = mean[name] / sum(weights)
            torch.testing.assert_close(p.double(), want, rtol=1e-4, atol=1e-6)


def test_a_loss_that_is_not_finite_stops_the_run_before_the_weights_change(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = toy.build("finetune", backbone)
    trainer = Trainer.begin(run.method, run.parameters, run.backbone)
    before = {name: p.detach().clone() for name, p in run.parameters.items()}
    losses = run.method.losses
    monkeypatch.setattr(
        run.method, "losses", lambda batch: {**losses(batch), "mine": torch.tensor(float("nan"))}
    )
    with pytest.raises(FloatingPointError, match=r"not finite at step 3: .*'mine': nan"):
        trainer.step(run.batch(3), 3)
    assert all(torch.equal(before[name], p) for name, p in run.parameters.items())


def test_a_state_taken_back_continues_to_the_same_numbers(backbone: Backbone) -> None:
    config = {"steps": 4, "lr": 1e-3}
    whole, first, second = (toy.build("clipood", backbone, **config) for _ in range(3))
    trainers = [Trainer.begin(r.method, r.parameters, r.backbone) for r in (whole, first, second)]
    for step in range(4):
        trainers[0].step(whole.batch(step), step)
    for step in range(2):
        trainers[1].step(first.batch(step), step)
    trainers[2].load_state_dict(trainers[1].state_dict())
    for step in range(2, 4):
        trainers[2].step(second.batch(step), step)
    for name, p in whole.parameters.items():
        assert torch.equal(p, second.parameters[name])


def test_the_authors_half_precision_keeps_the_weights_in_half_and_moves_fewer(
    backbone: Backbone,
) -> None:
    replica = replace(backbone, spec=backbone.spec.model_copy(update={"precision": "fp16-replica"}))
    moved = {}
    for kind, one in (("ours", backbone), ("theirs", replica)):
        run = toy.build("finetune", one, steps=20, lr=5e-6)
        trainer = Trainer.begin(run.method, run.parameters, run.backbone)
        name = "transformer.resblocks.1.mlp.c_fc.weight"
        before = run.parameters[name].detach().clone()
        for step in range(20):
            trainer.step(run.batch(step), step)
        after = run.parameters[name].detach()
        moved[kind] = float((before != after).float().mean())
        if kind == "theirs":
            assert torch.equal(after, after.half().float())
            embedding = run.parameters["positional_embedding"].detach()
            assert not torch.equal(embedding, embedding.half().float())  # stays float32
    # ours moves all; of theirs most updates are below half a unit of the last digit
    assert moved["ours"] == 1.0
    assert 0 < moved["theirs"] < 0.6


def test_the_recipe_s_rate_reaches_the_optimiser(backbone: Backbone) -> None:
    run = toy.build("coop", backbone, steps=10, warmup_steps=2, lr=0.5)
    assert isinstance(run.method.config, TrainConfig)
    trainer = Trainer.begin(run.method, run.parameters, run.backbone)
    rates = []
    for step in range(3):
        trainer.step(run.batch(step), step)
        rates.append(trainer.optimiser.param_groups[0]["lr"])
    assert rates == [1e-5, 1e-5, 0.5]


def test_a_batch_in_parts_gives_the_gradients_of_the_whole(backbone: Backbone) -> None:
    """Against autograd on the whole batch in float64, with parts of unequal size."""
    for name in ("clipood", "alignclip", "coop", "maple"):
        gradients = []
        for micro in (0, 7):
            run = toy.build(name, backbone, steps=4, lr=1e-3, micro_batch=micro)
            trainer = Trainer.begin(run.method, run.parameters, run.backbone)
            terms = trainer.step(run.batch(0), 0).read()
            gradients.append({n: p.grad for n, p in run.parameters.items()})
            if not micro:
                whole = terms
        assert terms == pytest.approx(whole, rel=1e-5)
        for key, gradient in gradients[0].items():
            torch.testing.assert_close(gradients[1][key], gradient, rtol=1e-3, atol=1e-6)


def test_parts_are_the_batch_in_order() -> None:
    labels, images = torch.arange(5), torch.randn(5, 3, 2, 2)
    batch = Batch(labels, labels, 3, images=images)
    parts = list(micro_batches(batch, 2))
    assert [len(part.labels) for part in parts] == [2, 2, 1]
    assert torch.equal(
        torch.cat([part.images for part in parts if part.images is not None]), images
    )
    assert torch.equal(torch.cat([part.labels for part in parts]), labels)
    for size in (0, 5, 9):
        assert list(micro_batches(batch, size)) == [batch]


def test_a_long_gradient_is_shortened_and_a_short_one_is_not(backbone: Backbone) -> None:
    def taken(clip_norm: float) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        run = toy.build(
            "finetune", backbone, steps=2, lr=0.5, optimizer="sgd", momentum=0, weight_decay=0,
            schedule="constant", clip_norm=clip_norm,
        )  # fmt: skip
        before = {n: p.detach().double() for n, p in run.parameters.items()}
        trainer = Trainer.begin(run.method, run.parameters, run.backbone)
        trainer.step(run.batch(0), 0)
        moved = {n: (before[n] - p.detach().double()) / 0.5 for n, p in run.parameters.items()}
        return moved, {n: p.grad.double() for n, p in run.parameters.items() if p.grad is not None}

    free, gradient = taken(0)
    norm = float(torch.cat([g.flatten() for g in gradient.values()]).norm())
    for limit in (norm / 10, norm * 2):
        clipped, _ = taken(limit)
        for name, way in free.items():
            want = way * min(1.0, limit / norm)
            torch.testing.assert_close(clipped[name], want, rtol=1e-3, atol=1e-6)


class _Syncs(TorchDispatchMode):
    """Counts what would make a GPU's host wait: a number read, or a shape that depends on values.

    Source: torch's own list, `torch.cuda.set_sync_debug_mode`.
    """

    NAMES = ("_local_scalar_dense", "nonzero", "is_nonzero", "masked_select", "unique", "equal")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name().split("::")[1].split(".")[0]
        masked = name.startswith("index") and any(
            isinstance(t, torch.Tensor) and t.dtype == torch.bool
            for many in args if isinstance(many, list | tuple) for t in many
        )  # fmt: skip
        if name.startswith(self.NAMES) or masked:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", [n for n in toy.SMALL if registry.method_class(n).trains])
def test_no_step_reads_a_number_from_the_device(name: str, backbone: Backbone) -> None:
    run = toy.build(name, backbone, steps=4, **toy.SMALL[name], clip_norm=1.0)
    trainer = Trainer.begin(run.method, run.parameters, run.backbone)
    trainer.late = True  # as on a GPU
    trainer.step(run.batch(0), 0)  # what is made once may be read once
    batch = run.batch(1)
    with _Syncs() as syncs:
        trainer.step(batch, 1)
    # AdamW's counter lies on the host unless its kernel is fused, as it is on a GPU
    counters = len(run.parameters) if run.method.config.optimizer == "adamw" else 0
    assert syncs.seen == ["_local_scalar_dense"] * counters
