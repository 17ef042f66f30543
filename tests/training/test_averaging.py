from __future__ import annotations

import io
import math

import pytest
import torch
from torch import Tensor, nn

from harness.training.averaging import BetaAverage, EndpointAverage, WeightAverage


def parameters(dtype: torch.dtype = torch.float32) -> dict[str, nn.Parameter]:
    draw = torch.Generator().manual_seed(0)
    shapes = {"a": (3, 4), "b": (5,), "c": ()}
    return {n: nn.Parameter(torch.randn(s, generator=draw).to(dtype)) for n, s in shapes.items()}


@torch.no_grad()
def walk(live: dict[str, nn.Parameter], step: int) -> None:
    """Move the parameters as an optimiser would, depending on the step only."""
    draw = torch.Generator().manual_seed(step)
    for p in live.values():
        p.add_(torch.randn(p.shape, generator=draw).to(p.dtype), alpha=0.1)


def shares(steps: int, beta: float) -> Tensor:
    """Return each step's share in the final average, float64: that of a one-hot sequence."""
    hot = nn.Parameter(torch.zeros(steps + 1, dtype=torch.float64))
    with torch.no_grad():
        hot[0] = 1
        average = BetaAverage({"hot": hot}, steps, beta)
        for step in range(1, steps + 1):
            hot[step - 1], hot[step] = 0, 1
            average.update(step)
    with average.swapped():
        return hot.detach().clone()


def density(steps: int, beta: float) -> list[float]:
    """Return Beta(beta, beta)'s density at the half steps, made to sum to one, the slow way."""
    log_constant = 2 * math.lgamma(beta) - math.lgamma(2 * beta)
    u = [(t + 0.5) / (steps + 1) for t in range(steps + 1)]
    values = [math.exp((beta - 1) * math.log(x * (1 - x)) - log_constant) for x in u]
    return [value / sum(values) for value in values]


@pytest.mark.parametrize(
    ("beta", "steps", "end"),
    [
        (0.5, 5000, 6.4007e-3),
        (0.5, 10000, 4.5189e-3),
        (0.1, 5000, 6.2476e-2),
        (0.1, 500, 9.1669e-2),
    ],
)
def test_end_weights(beta: float, steps: int, end: float) -> None:
    weights = shares(steps, beta)
    assert float(weights[0]) == pytest.approx(end, rel=1e-4)
    assert float(weights[-1]) == pytest.approx(end, rel=1e-4)
    assert float(weights.sum()) == pytest.approx(1)


def test_middle_weight() -> None:
    assert float(shares(5000, 0.5)[2500]) == pytest.approx(1.280e-4, rel=1e-3)


def test_weights_are_the_beta_density() -> None:
    assert shares(20, 0.3).tolist() == pytest.approx(density(20, 0.3))


@pytest.mark.parametrize("beta", [0.1, 0.5, 1.0, 2.0, 300.0])
def test_average_is_the_weighted_sum(beta: float) -> None:
    steps, live = 30, parameters()
    average = BetaAverage(live, steps, beta)
    weights = density(steps, beta)
    want = {name: weights[0] * p.detach().double() for name, p in live.items()}
    for step in range(1, steps + 1):
        walk(live, step)
        average.update(step)
        for name, p in live.items():
            want[name] = want[name] + weights[step] * p.detach().double()
    with average.swapped():
        for name, p in live.items():
            torch.testing.assert_close(p.detach().double(), want[name], atol=1e-6, rtol=1e-6)


def test_beta_one_is_the_plain_average() -> None:
    live = parameters(torch.float64)
    average = BetaAverage(live, 7, 1.0)
    seen = [live["a"].detach().clone()]
    for step in range(1, 8):
        walk(live, step)
        average.update(step)
        seen.append(live["a"].detach().clone())
    with average.swapped():
        torch.testing.assert_close(live["a"].detach(), torch.stack(seen).mean(dim=0))


def test_swapped_restores_bits_also_after_an_error() -> None:
    live = parameters()
    average = BetaAverage(live, 3, 0.5)
    walk(live, 1)
    average.update(1)
    before = {name: p.detach().clone() for name, p in live.items()}

    def fail_inside() -> None:
        with average.swapped():
            assert not torch.equal(live["a"], before["a"])
            raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        fail_inside()
    assert all(torch.equal(live[name], before[name]) for name in live)
    with average.swapped():
        pass
    walk(live, 2)
    average.update(2)


def test_before_the_first_step_the_average_is_the_pretrained_model() -> None:
    live = parameters()
    average = BetaAverage(live, 3, 0.5)
    start = live["a"].detach().clone()
    walk(live, 1)
    with average.swapped():
        assert torch.equal(live["a"], start)


def test_resumes_bit_for_bit_in_the_middle() -> None:
    steps = 12

    def run(interrupt: int | None) -> dict[str, torch.Tensor]:
        live = parameters()
        average = BetaAverage(live, steps, 0.5)
        for step in range(1, steps + 1):
            walk(live, step)
            average.update(step)
            if step == interrupt:
                file = io.BytesIO()
                torch.save(average.state_dict(), file)
                file.seek(0)
                state = torch.load(file, weights_only=True)
                average = BetaAverage(live, steps, 0.5)
                average.load_state_dict(state)
        return {name: x.clone() for name, x in average.state_dict()["average"].items()}

    whole, halved = run(None), run(5)
    assert all(torch.equal(whole[name], halved[name]) for name in whole)


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.float32),
     (torch.float32, torch.float32), (torch.float64, torch.float64)],
)  # fmt: skip
def test_type_of_the_average(dtype: torch.dtype, kept: torch.dtype) -> None:
    live = parameters(dtype)
    average = BetaAverage(live, 3, 0.5)
    walk(live, 1)
    average.update(1)
    assert {x.dtype for x in average.state_dict()["average"].values()} == {kept}
    with average.swapped():
        assert live["a"].dtype == dtype


def test_small_steps_in_half_precision_are_not_lost() -> None:
    live = {"w": nn.Parameter(torch.ones(1, dtype=torch.float16))}
    average = BetaAverage(live, 5000, 0.5)
    with torch.no_grad():
        live["w"].fill_(1.001)
    for step in range(1, 2001):
        average.update(step)
    assert float(average.state_dict()["average"]["w"]) > 1.0005


def test_refuses_steps_out_of_order_and_while_swapped() -> None:
    average = BetaAverage(parameters(), 2, 0.5)
    with pytest.raises(RuntimeError, match="step 2 of 2 after step 0"):
        average.update(2)
    average.update(1)
    with pytest.raises(RuntimeError, match="step 1 of 2 after step 1"):
        average.update(1)
    with average.swapped(), pytest.raises(RuntimeError, match="swapped in"):
        average.update(2)
    with average.swapped(), pytest.raises(RuntimeError, match="already"), average.swapped():
        pass
    average.update(2)
    with pytest.raises(RuntimeError, match="step 3 of 2"):
        average.update(3)


def test_refuses_the_state_of_another_run() -> None:
    state = BetaAverage(parameters(), 2, 0.5).state_dict()
    with pytest.raises(ValueError, match="steps=2, this run 3"):
        BetaAverage(parameters(), 3, 0.5).load_state_dict(state)
    with pytest.raises(ValueError, match=r"beta=0\.5, this run 0\.1"):
        BetaAverage(parameters(), 2, 0.1).load_state_dict(state)
    other = {"z": nn.Parameter(torch.zeros(1))}
    with pytest.raises(ValueError, match="other parameters"):
        BetaAverage(other, 2, 0.5).load_state_dict(state)
    wider = {name: nn.Parameter(torch.zeros(9)) for name in parameters()}
    with pytest.raises(ValueError, match="shape"):
        BetaAverage(wider, 2, 0.5).load_state_dict(state)


@pytest.mark.parametrize(("steps", "beta"), [(0, 0.5), (5, 0.0), (5, -1.0)])
def test_refuses_settings_without_meaning(steps: int, beta: float) -> None:
    with pytest.raises(ValueError, match="are needed"):
        BetaAverage(parameters(), steps, beta)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 1.0])
def test_between_the_ends(alpha: float) -> None:
    live = parameters()
    start = {name: p.detach().double() for name, p in live.items()}
    average = EndpointAverage(live, alpha)
    for step in (1, 2, 3):
        walk(live, step)
        average.update(step)
    own = {name: p.detach().clone() for name, p in live.items()}
    with average.swapped():
        for name, p in live.items():
            want = [
                (1 - alpha) * a + alpha * float(b)
                for a, b in zip(start[name].flatten().tolist(), own[name].flatten(), strict=True)
            ]
            assert p.detach().flatten().tolist() == pytest.approx(want, rel=1e-6, abs=1e-7)
    assert all(torch.equal(live[name], own[name]) for name in live)


@pytest.mark.parametrize(("alpha", "end"), [(0.0, "start"), (1.0, "own")])
def test_the_ends_are_exact(alpha: float, end: str) -> None:
    live = parameters()
    values = {"start": {name: p.detach().clone() for name, p in live.items()}}
    average = EndpointAverage(live, alpha)
    walk(live, 1)
    values["own"] = {name: p.detach().clone() for name, p in live.items()}
    with average.swapped():
        assert all(torch.equal(live[name], values[end][name]) for name in live)


def test_the_ends_of_a_killed_run() -> None:
    live = parameters()
    average = EndpointAverage(live, 0.5)
    walk(live, 1)
    file = io.BytesIO()
    torch.save(average.state_dict(), file)
    file.seek(0)
    # Made after training began, so its own beginning is not the pretrained model's.
    again = EndpointAverage(live, 0.5)
    again.load_state_dict(torch.load(file, weights_only=True))
    with average.swapped():
        want = {name: p.detach().clone() for name, p in live.items()}
    with again.swapped():
        assert all(torch.equal(live[name], want[name]) for name in live)
    with pytest.raises(ValueError, match=r"alpha=0\.5, this run 0\.4"):
        EndpointAverage(live, 0.4).load_state_dict(average.state_dict())
    other = {"z": nn.Parameter(torch.zeros(1))}
    with pytest.raises(ValueError, match="other parameters"):
        EndpointAverage(other, 0.5).load_state_dict(average.state_dict())


@pytest.mark.parametrize(
    "average", [BetaAverage(parameters(), 2, 0.5), EndpointAverage(parameters(), 0.5)]
)
def test_while_swapped_in_nothing_else_goes(average: WeightAverage) -> None:
    with average.swapped(), pytest.raises(RuntimeError, match="swapped in"):
        average.update(1)
    with average.swapped(), pytest.raises(RuntimeError, match="already"), average.swapped():
        pass
    average.update(1)


@pytest.mark.parametrize("alpha", [-0.1, 1.1])
def test_refuses_shares_without_meaning(alpha: float) -> None:
    with pytest.raises(ValueError, match="0 to 1 is needed"):
        EndpointAverage(parameters(), alpha)
