"""Methods without a true difference are called different as often as alpha says, no more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.report.stats import (
    Design,
    bootstrap_interval,
    compare_scores,
    scores_of,
    sign_flip_p,
    t_interval,
)
from harness.report.stats.draws import Floats

TASKS, SEEDS, SIMULATIONS = 4, 8, 2000


def simulated(gain: float, together: float = 0.0) -> Floats:
    """Return differences [simulations, tasks, seeds] of two methods over shared tasks.

    A method's score is a task's level, plus what the split of this seed does to both methods, plus
    the run's own noise of 1 point, plus `together`: what a seed does to this method on all tasks.
    """
    rng = np.random.default_rng(11)
    shape = (SIMULATIONS, TASKS, SEEDS)
    shared = rng.normal(60, 10, (SIMULATIONS, TASKS, 1)) + rng.normal(0, 2, shape)

    def method(level: float) -> Floats:
        own_seed = together * rng.normal(0, 1, (SIMULATIONS, 1, SEEDS))
        return level + shared + own_seed + rng.normal(0, 1, shape)

    return method(gain) - method(0.0)


def within(rejected: int, rate: float, n: int = SIMULATIONS) -> bool:
    """Tell whether a count is within the central 99.9 % of a binomial of this rate."""
    low, high = stats.binom.interval(0.999, n, rate)
    return bool(low <= rejected <= high)


@pytest.mark.parametrize("together", [0.0, 1.0])
def test_flips_of_seeds_err_as_often_as_they_may(together: float) -> None:
    p = sign_flip_p(simulated(0.0, together).mean(axis=1))
    # of 2**8 patterns, 12 are as extreme as p <= 0.05 allows
    assert within(int((p <= 0.05).sum()), 12 / 256)
    assert within(int((p <= 0.2).sum()), 50 / 256)


def test_flips_of_runs_err_too_often_where_a_seed_moves_all_tasks() -> None:
    def errors(together: float) -> int:
        runs = simulated(0.0, together).reshape(SIMULATIONS, -1)
        return int((sign_flip_p(runs, draws=999) <= 0.05).sum())

    assert within(errors(0.0), 0.05)
    assert errors(1.0) > 2 * 0.05 * SIMULATIONS  # which is why it is not the default


def test_t_intervals_cover_as_they_say_even_with_three_seeds() -> None:
    per_seed = simulated(1.5, 1.0)[..., :3].mean(axis=1)
    intervals = [t_interval(row) for row in per_seed]
    missed = sum(i is None or not i.low <= 1.5 <= i.high for i in intervals)
    assert within(missed, 0.05)


def test_bootstrap_intervals_of_three_seeds_miss_too_often() -> None:
    intervals = [bootstrap_interval(d, draws=200) for d in simulated(0.0)[:500, :, :3]]
    missed = sum(i is None or not i.low <= 0 <= i.high for i in intervals)
    assert missed > 2 * 0.05 * 500  # which is why no verdict is by them


def test_a_true_difference_is_found_with_the_power_of_the_t_test() -> None:
    per_seed = simulated(0.75).mean(axis=1)
    found = (sign_flip_p(per_seed) <= 0.05).mean()
    # per-seed means of 4 tasks, two methods: standard deviation √(2 / 4)
    shift, critical = 0.75 / np.sqrt(0.5 / SEEDS), stats.t.ppf(0.975, SEEDS - 1)
    power = stats.nct.sf(critical, SEEDS - 1, shift) + stats.nct.cdf(-critical, SEEDS - 1, shift)
    assert power > 0.7
    assert found == pytest.approx(power, abs=0.05)


def test_verdicts_over_a_family_err_no_more_than_alpha() -> None:
    rng = np.random.default_rng(12)
    labels, families = ("ref", "a", "b", "c"), 200
    index = [(la, t, s) for la in labels for t in range(3) for s in range(9)]
    columns = {
        "label": [la for la, _, _ in index],
        "dataset": "d",
        "target": [t for _, t, _ in index],
        "seed": [s for _, _, s in index],
        "data_seed": [s for _, _, s in index],
        "status": "done",
    }
    frame = pd.DataFrame(columns)
    wrong, right = 0, 0
    for _ in range(families):
        gain = np.array([0, 0, 0, 2.0])[:, None, None]  # c is better, a and b are not different
        values = 60 + gain + rng.normal(0, 3, (1, 3, 9)) + rng.normal(0, 1, (4, 3, 9))
        scores = scores_of(frame.assign(accuracy=values.ravel()))
        design = Design(test="permutation", draws=20)
        verdicts = {c.label: c.verdict for c in compare_scores(scores, "ref", design=design)}
        wrong += verdicts["a"] in ("better", "worse") or verdicts["b"] in ("better", "worse")
        right += verdicts["c"] == "better"
    assert wrong <= stats.binom.ppf(0.999, families, 0.05)
    assert wrong > 0  # it can err: the bound above is no empty one
    assert right > 0.95 * families
