"""What two methods share: against the frame itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.errors import UserError
from harness.report.stats import gathered, pair, scores_of
from tests.report.stats.runs import noisy, one, runs


def test_one_label_for_two_runs_is_refused() -> None:
    with pytest.raises(UserError, match="label 'ref' has two runs of pacs/d0, seed 0, data seed 0"):
        one(runs("ref", noisy(1)), runs("ref", noisy(2)))


def test_only_seeds_with_all_shared_tasks_are_used_and_the_rest_is_counted() -> None:
    new, ref = runs("new", noisy(60), 4, 7), runs("ref", noisy(50), 4, 7)
    new.loc[(new["target"] == "d1") & (new["seed"] == 2), "status"] = "failed"
    ref.loc[(ref["target"] == "d2") & (ref["seed"] == 5), "accuracy"] = None
    new = new[new["target"] != "d3"]
    c = one(new, ref)
    assert (c.n_tasks, c.n_seeds, c.n_dropped) == (3, 5, 4 * 7 - 3 * 5)
    assert c.left_out == (("pacs", "d3"),)
    assert "; 13 pairs left out as not done for both, all of pacs/d3 among them." in c.reading
    pairs = pair(scores_of(pd.concat([new, ref])), "new", "ref")
    assert pairs.seeds == ((0, 0), (1, 1), (3, 3), (4, 4), (6, 6))
    expected = new[(new["target"] == "d2") & (new["seed"] == 3)]["accuracy"].item()
    assert pairs.candidate[2, 2] == expected


def test_scores_are_gathered_by_label_task_and_sorted_seed() -> None:
    scores = gathered(
        [
            ("b", ("d", "y"), (1, 0), 5.0),
            ("b", ("d", "x"), (0, 3), float("nan")),
            ("a", ("d", "x"), (0, 2), 7.0),
        ]
    )
    assert (scores.labels, scores.tasks) == (("b", "a"), (("d", "y"), ("d", "x")))
    assert scores.seeds == ((0, 2), (0, 3), (1, 0))
    assert scores.planned.sum() == 3
    assert np.isfinite(scores.scores).sum() == 2
    assert (scores.scores[0, 0, 2], scores.scores[1, 1, 0]) == (5.0, 7.0)


def test_any_numeric_column_can_be_compared_and_only_done_runs_count() -> None:
    frame = runs("a", lambda t, s: 1.0, tasks=1, seeds=3).assign(
        correct=pd.array([4, None, 6], dtype="Int64"), status=["done", "done", "failed"]
    )
    assert np.array_equal(scores_of(frame, "correct").scores[0, 0], [4, np.nan, np.nan], True)


def test_two_splits_of_one_seed_are_two_pairs() -> None:
    frames = [runs(m, noisy(b), 2, 3, data_seed=d) for m, b in (("a", 5), ("b", 6)) for d in (0, 9)]
    pairs = pair(scores_of(pd.concat(frames)), "a", "b")
    assert pairs.seeds == ((0, 0), (0, 9), (1, 0), (1, 9), (2, 0), (2, 9))
