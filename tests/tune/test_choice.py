"""The choice: a pure function of plan and records."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest

from harness.protocols.domain_shift import DomainShift
from harness.store.records import Candidate, Score, Search, SweepPlan
from harness.store.store import Store
from harness.tune.choice import Trial, best, finals_of, phase, runs_of, trials_of
from tests.report.fakes import add, keep, record, spec


def trial(number: int, score: float | None, status: Any = "done") -> Trial:
    return Trial(number, status if score is None else "done", score)


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ([0.5, 0.7, 0.6], 1),
        ([0.5, 0.7, 0.7], 1),  # of equals the first
        ([0.7, 0.7, 0.7], 0),
        ([None, 0.1, 0.1], 1),  # failed is worse than any score
        ([0.0, None], 0),
        ([None, None], None),
    ],
)
def test_the_best_of_those_that_ended(scores: list[float | None], chosen: int | None) -> None:
    trials = [trial(number, score, "failed") for number, score in enumerate(scores)]
    assert best(trials) == chosen
    for order in itertools.permutations(trials):
        assert best(order) == chosen


def test_nothing_is_chosen_while_a_trial_is_missing() -> None:
    assert best([trial(0, 0.9), trial(1, None, "missing")]) is None


def make(rule: Any = "leave-one-source-out", n: int = 3) -> SweepPlan:
    """One search, three candidates, two runs each."""
    candidates = tuple(
        Candidate(
            values={"lr": 10.0**-k} if k else {},
            config={"steps": 5, "lr": 10.0**-k},
            runs=tuple(
                spec("t", place, 100, config={"steps": 5, "lr": 10.0**-k}) for place in ("a", "b")
            ),
        )
        for k in range(n)
    )
    finals = tuple(
        spec("row (tuned)", "noto", seed, config=candidates[0].config, given={"steps": 5})
        for seed in (0, 1)
    )
    search = Search(
        row="row", rule=rule, about="about.", order=0, candidates=candidates, finals=finals
    )
    return SweepPlan(name="s", source={}, runs=(spec("given", "noto"),), searches=(search,))


def test_a_score_is_the_mean_over_a_trial_s_runs_and_a_failed_run_fails_its_trial(
    tmp_path: Path,
) -> None:
    plan, store = make(), Store(tmp_path)
    (search,) = plan.searches
    runs = [candidate.runs for candidate in search.candidates]
    assert [t.status for t in trials_of(search, store)] == ["missing"] * 3
    assert finals_of(plan, store) == []
    assert len(runs_of(plan, store)) == 7
    for run, correct in ((runs[0][0], 800), (runs[0][1], 1000), (runs[1][0], 1900)):
        add(store, run, correct)
    store.fail(runs[1][1], "it broke", "", "now")
    for run in runs[2]:
        add(store, run, 950)
    assert trials_of(search, store) == [
        Trial(0, "done", pytest.approx(0.45)), Trial(1, "failed"),
        Trial(2, "done", pytest.approx(0.475)),
    ]  # fmt: skip
    ((_, finals),) = finals_of(plan, store)
    assert [f.config["lr"] for f in finals] == [0.01, 0.01]
    assert [(f.seed, f.given, f.label) for f in finals] == [
        (seed, {"steps": 5, "lr": 0.01}, "row (tuned)") for seed in (0, 1)
    ]
    assert {f.id for f in finals} < {f.id for f in plan.possible_finals()}
    assert "5 of 6 done; 1 failed, which counts as the worst" in phase(plan, store)
    # the failed run is done after all: the choice is another, from the same plan
    add(store, runs[1][1], 1900)
    ((_, finals),) = finals_of(plan, store)
    assert finals[0].config["lr"] == 0.1


def test_records_come_in_any_order_and_the_plan_may_be_read_again(tmp_path: Path) -> None:
    plan = make()
    runs = list(plan.trials)
    chosen = []
    for seed in range(4):
        store = Store(tmp_path / str(seed))
        for run in random.Random(seed).sample(runs, len(runs)):
            add(store, run, 500 + 7 * runs.index(run))
        store.write_plan(plan)
        (again,) = store.plans()
        assert again == plan
        chosen.append([run.id for _, own in finals_of(again, store) for run in own])
    assert chosen == [chosen[0]] * 4


def test_training_domain_never_looks_at_what_was_tested(tmp_path: Path) -> None:
    plan, store = make("training-domain"), Store(tmp_path)
    (search,) = plan.searches
    for number, candidate in enumerate(search.candidates):
        for run in candidate.runs:
            made = record(run, 2000 if number == 0 else 0)  # the best on the target
            val = {"a": Score(correct=number, n=2), "b": Score(correct=1, n=10)}
            metrics = made.metrics.model_copy(update={"source_val": val})
            keep(store, made.model_copy(update={"metrics": metrics}))
    assert [t.score for t in trials_of(search, store)] == [
        pytest.approx((number / 2 + 0.1) / 2) for number in range(3)  # each domain counts alike
    ]  # fmt: skip
    assert best(trials_of(search, store)) == 2


def test_what_came_later_changes_no_identity() -> None:
    content = spec().content()
    assert "left_out" not in content["protocol"]
    assert spec(protocol=DomainShift(left_out="twemoji")).id != spec().id
