from __future__ import annotations

import math

import pytest
import torch

from harness.method import TrainConfig
from harness.training.optimiser import learning_rate, make_optimiser


def test_the_cosine_is_torchs() -> None:
    config = TrainConfig(steps=20, lr=0.3)
    reference = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(reference, 20)
    for step in range(20):
        assert learning_rate(step, config) == pytest.approx(schedule.get_last_lr()[0], rel=1e-9)
        reference.step()
        schedule.step()


def dassl(epochs: int, lr: float) -> list[float]:
    """Return each epoch's rate as Dassl schedules it, with torch's own cosine.

    The first epoch warms up at a constant rate; the cosine over all epochs, which the warm-up
    has not moved (WARMUP_RECOUNT), is stepped after every later one.
    """
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    rates = [1e-5]
    while len(rates) < epochs:
        rates.append(cosine.get_last_lr()[0])
        optimiser.step()
        cosine.step()
    return rates


@pytest.mark.parametrize("epochs", [2, 5, 10, 50, 200])
@pytest.mark.parametrize("per_epoch", [1, 7])
def test_a_warm_up_is_dassls_first_epoch(epochs: int, per_epoch: int) -> None:
    config = TrainConfig(steps=epochs * per_epoch, lr=2e-3, warmup_steps=per_epoch)
    want = [rate for rate in dassl(epochs, 2e-3) for _ in range(per_epoch)]
    ours = [learning_rate(step, config) for step in range(config.steps)]
    assert ours == pytest.approx(want, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "share"),
    [("coop", 0.94), ("cocoop", 0.73), ("maple", 0.53), ("maple[cross_dataset]", 0.185)],
)
def test_a_cosine_that_ran_through_the_warm_up_would_sum_to_less(name: str, share: float) -> None:
    """What the restart is worth: the sum of rates without it, of the authors' recipes."""
    epochs = {"coop": 50, "cocoop": 10, "maple": 5, "maple[cross_dataset]": 2}[name]
    config = TrainConfig(steps=epochs * 100, lr=2e-3, warmup_steps=100)
    ours = sum(learning_rate(step, config) for step in range(config.steps))
    through = sum(
        1e-5 if step < 100 else 1e-3 * (1 + math.cos(math.pi * step / config.steps))
        for step in range(config.steps)
    )
    assert through / ours == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("warmup", [1, 6])
def test_the_rise_and_the_cosine_after_it_are_torchs(warmup: int) -> None:
    config = TrainConfig(steps=20, lr=0.3, warmup_steps=warmup, schedule="warmup_cosine")
    reference = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    rise = torch.optim.lr_scheduler.LinearLR(reference, 1 / warmup, total_iters=warmup - 1)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(reference, 20 - warmup)
    schedule = torch.optim.lr_scheduler.SequentialLR(reference, [rise, fall], [warmup])
    for step in range(20):
        assert learning_rate(step, config) == pytest.approx(schedule.get_last_lr()[0], rel=1e-6)
        reference.step()
        schedule.step()


def test_a_rise_of_no_steps_is_the_cosine_and_one_of_all_steps_only_rises() -> None:
    cosine = TrainConfig(steps=8, lr=0.3)
    risen = TrainConfig(steps=8, lr=0.3, schedule="warmup_cosine")
    assert [learning_rate(s, risen) for s in range(8)] == [
        learning_rate(s, cosine) for s in range(8)
    ]
    rising = TrainConfig(steps=4, lr=0.4, schedule="warmup_cosine", warmup_steps=8)
    assert [learning_rate(s, rising) for s in range(4)] == pytest.approx([0.05, 0.1, 0.15, 0.2])


def test_a_constant_rate() -> None:
    config = TrainConfig(steps=5, lr=0.3, schedule="constant")
    assert {learning_rate(step, config) for step in range(5)} == {0.3}


def test_adamw_decays_every_parameter_by_rate_times_decay() -> None:
    config = TrainConfig(lr=0.1, weight_decay=0.2)
    bias = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimiser = make_optimiser([bias], config)
    bias.grad = torch.zeros_like(bias)
    optimiser.step()
    torch.testing.assert_close(bias.detach(), torch.full((3,), 1 - 0.1 * 0.2, dtype=torch.float64))


def test_sgd_has_momentum_and_couples_the_decay() -> None:
    config = TrainConfig(optimizer="sgd", lr=0.1, momentum=0.5, weight_decay=0.01)
    weight = torch.nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimiser = make_optimiser([weight], config)
    value, velocity = 2.0, 0.0
    for gradient in (1.0, -0.5):
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimiser.step()
        velocity = 0.5 * velocity + gradient + 0.01 * value
        value -= 0.1 * velocity
    assert float(weight.detach()) == pytest.approx(value, rel=1e-12)
