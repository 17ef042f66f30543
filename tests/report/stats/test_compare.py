"""A frame of runs in, comparisons out: what is paired, what is said, what is refused."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.errors import UserError
from harness.report.runs.frame import load_frame
from harness.report.stats import Comparison, compare, pair, scores_of, to_frame
from tests.report.fakes import realistic


def runs(
    label: str, score: Callable[[int, int], float], tasks: int = 3, seeds: int = 6, **values: Any
) -> pd.DataFrame:
    rows = [
        {
            "label": label, "dataset": "pacs", "target": f"d{task}", "seed": seed,
            "data_seed": seed, "status": "done", "accuracy": score(task, seed), **values,
        }
        for task in range(tasks)
        for seed in range(seeds)
    ]  # fmt: skip
    return pd.DataFrame(rows, dtype=object)


def noisy(base: int, key: int = 0) -> Callable[[int, int], float]:
    """Return scores around `base` with half a point of noise; other keys have other noise."""
    rng = np.random.default_rng([base, key])
    return lambda task, seed: base + 10 * task + 0.5 * rng.normal()


def one(*frames: pd.DataFrame, **options: Any) -> Comparison:
    (comparison,) = compare(pd.concat(frames), "ref", **options)
    return comparison


def test_numbers_are_those_of_the_seeds_means(rng: np.random.Generator) -> None:
    new, ref = rng.normal(60, 1, (3, 8)), rng.normal(59, 1, (3, 8))
    frames = runs("new", lambda t, s: new[t, s], 3, 8), runs("ref", lambda t, s: ref[t, s], 3, 8)
    c = one(*frames, test="t")
    per_seed = (new - ref).mean(axis=0)
    assert c.difference == pytest.approx(per_seed.mean())
    assert (c.score, c.reference_score) == (pytest.approx(new.mean()), pytest.approx(ref.mean()))
    assert c.t is not None
    assert c.t.low == pytest.approx(stats.ttest_1samp(per_seed, 0).confidence_interval().low)
    assert c.test.p == c.holm_p == pytest.approx(stats.ttest_1samp(per_seed, 0).pvalue)
    assert (c.n_tasks, c.n_seeds, c.n_pairs, c.n_dropped) == (3, 8, 24, 0)


@pytest.mark.parametrize(("unit", "n"), [("seed", 4), ("task_seed", 12)])
def test_the_unit_is_what_is_flipped(unit: str, n: int) -> None:
    c = one(runs("new", noisy(60), 3, 4), runs("ref", noisy(58), 3, 4), unit=unit)
    assert c.test.n == n
    assert c.test.smallest_p == 2.0 ** (1 - n)
    assert c.test.p == c.test.smallest_p  # two points against half a point of noise


def test_verdicts_and_how_they_read() -> None:
    ref = runs("ref", noisy(50))
    better = one(runs("new", noisy(53)), ref)
    assert better.verdict == "better"
    assert better.reading.startswith(f"new scores {better.difference:.2f} points more than ref (95")
    assert better.reading.endswith("6 seeds, 3 tasks); better, p = 0.031.")
    worse = one(runs("new", noisy(47)), ref)
    assert worse.verdict == "worse"
    assert worse.t is not None
    assert f"points less than ref (95 % interval {-worse.t.high:.2f} to" in worse.reading
    open_ = one(runs("new", lambda t, s: 50 + 10 * t + (-1) ** s + 0.6), ref)
    assert open_.verdict == "not resolved"
    assert f"; not resolved, p = {open_.holm_p:.3f}, " in open_.reading
    needed = open_.seeds_needed
    assert needed.n is None or needed.n > 6
    assert f"{needed.text} seeds would be needed" in open_.reading


def test_errors_are_better_when_lower() -> None:
    frames = runs("new", noisy(47)), runs("ref", noisy(50))
    lower = one(*frames, higher_is_better=False)
    assert lower.verdict == "better"
    assert lower.difference is not None
    assert lower.difference < 0
    assert "points less than ref" in lower.reading
    higher = one(*frames)
    assert higher.verdict == "worse"
    assert lower.improvement is not None
    assert higher.improvement is not None
    assert lower.improvement.value == pytest.approx(1 - higher.improvement.value)


def test_too_few_seeds_is_said_with_how_many_would_do() -> None:
    c = one(runs("new", noisy(60), seeds=3), runs("ref", noisy(50), seeds=3))
    assert (c.verdict, c.test.p) == ("too few seeds", 0.25)
    assert c.reading.endswith(
        "too few seeds to tell: with 3 seeds the permutation test cannot give a p below 0.25, "
        "whatever the scores, while 6 seeds could reach 0.05."
    )
    assert one(runs("new", noisy(60), seeds=1), runs("ref", noisy(50), seeds=1)).t is None


def test_what_is_too_few_depends_on_how_many_are_compared() -> None:
    frame = pd.concat(
        [runs(label, noisy(60, i)) for i, label in enumerate("abc")] + [runs("ref", noisy(50))]
    )
    assert [c.verdict for c in compare(frame, "ref", ["a"])] == ["better"]
    for c in compare(frame, "ref"):
        assert (c.holm_p, c.smallest_holm_p) == (pytest.approx(3 / 32), pytest.approx(3 / 32))
        assert c.verdict == "too few seeds"
        assert "cannot give a p below 0.0312 (0.0938 after Holm's correction" in c.reading
        assert c.reading.endswith("while 7 seeds could reach 0.05.")


def test_seeds_that_change_nothing_count_as_one() -> None:
    c = one(runs("new", lambda t, s: 60 + t, seeds=9), runs("ref", lambda t, s: 50 + t, seeds=9))
    assert (c.verdict, c.varies, c.t, c.test.n) == ("too few seeds", False, None, 1)
    assert "the seeds are copies of one result" in c.reading
    trained = one(runs("new", noisy(60), seeds=9), runs("ref", lambda t, s: 50 + t, seeds=9))
    assert (trained.verdict, trained.varies) == ("better", True)


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


def test_another_split_is_no_pair_and_not_corrected_for() -> None:
    other = runs("other", noisy(60), data_seed=99)
    fine = runs("new", noisy(60))
    first, second = compare(pd.concat([other, fine, runs("ref", noisy(50))]), "ref")
    assert (first.label, first.verdict, first.difference) == ("other", "too few seeds", None)
    assert first.n_dropped == 2 * 3 * 6
    assert first.reading == "other and ref share no seed that has all shared tasks."
    assert (second.n_comparisons, second.holm_p) == (1, second.test.p)


def test_one_label_for_two_runs_is_refused() -> None:
    with pytest.raises(UserError, match="label 'ref' has two runs of pacs/d0, seed 0, data seed 0"):
        one(runs("ref", noisy(1)), runs("ref", noisy(2)))


def test_unknown_labels_are_refused_with_the_nearest() -> None:
    frame = pd.concat([runs("AlignCLIP", noisy(1)), runs("CLIPood", noisy(2))])
    with pytest.raises(UserError, match="unknown method 'CLIPod': did you mean CLIPood"):
        compare(frame, "CLIPod")
    with pytest.raises(UserError, match="unknown method 'align'"):
        compare(frame, "CLIPood", ["align"])


def test_a_comparison_does_not_depend_on_what_else_is_compared() -> None:
    frame = pd.concat(
        [runs(label, noisy(60, i), 4, 8) for i, label in enumerate(("a", "b", "ref"))]
    )
    options: dict[str, Any] = {"unit": "task_seed"}  # 32 pairs: random patterns
    both = {c.label: c for c in compare(frame, "ref", **options)}
    (alone,) = compare(frame, "ref", ["b"], **options)
    assert (alone.test, alone.bootstrap) == (both["b"].test, both["b"].bootstrap)
    assert alone.improvement == both["b"].improvement
    assert alone == compare(frame, "ref", ["b"], **options)[0]


def test_a_frame_has_a_row_for_each_and_intervals_as_columns() -> None:
    frame = pd.concat([runs("a", noisy(60)), runs("b", noisy(60), seeds=1), runs("ref", noisy(50))])
    comparisons = compare(frame, "ref")
    table = to_frame(comparisons)
    assert list(table["label"]) == ["a", "b"]
    first = comparisons[0]
    assert first.t is not None
    assert (table["t_low"][0], table["t_high"][0]) == (first.t.low, first.t.high)
    assert np.isnan(table["t_low"][1])
    assert list(table["p"]) == [c.test.p for c in comparisons]
    assert list(table["reading"]) == [c.reading for c in comparisons]


def test_a_store_of_runs_can_be_compared(tmp_path: Path) -> None:
    frame = load_frame(realistic(tmp_path, ablation=False))
    comparisons = compare(frame, "AlignCLIP", test="t")
    assert [c.label for c in comparisons] == list(dict.fromkeys(frame["label"]))[:-1]
    assert {c.verdict for c in comparisons} == {"worse"}
    assert {c.verdict for c in compare(frame, "AlignCLIP")} == {"too few seeds"}


def test_fifty_methods_of_forty_tasks_take_seconds() -> None:
    frame = pd.concat([runs(f"m{i}", noisy(60, i), 40, 5) for i in range(50)])
    start = time.process_time()
    assert len(compare(frame, "m0")) == 49
    assert time.process_time() - start < 4  # about 1 s; a loop over draws would take minutes


def test_no_torch() -> None:
    code = "import sys, harness.report.stats; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
