"""A frame of runs in, comparisons out: what is paired, what is said, what is refused."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.errors import UserError
from harness.report.runs.frame import load_frame
from harness.report.stats import (
    Design,
    Interval,
    OverImages,
    PairedTest,
    Unit,
    compare_scores,
    scores_of,
    to_frame,
)
from tests.report.fakes import realistic
from tests.report.stats.runs import every, noisy, one, runs


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
def test_the_unit_is_what_is_flipped(unit: Unit, n: int) -> None:
    c = one(runs("new", noisy(60), 3, 4), runs("ref", noisy(58), 3, 4), unit=unit)
    assert c.test.n == n
    assert c.test.smallest_p == 2.0 ** (1 - n)
    assert c.test.p == c.test.smallest_p  # two points against half a point of noise


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


def test_another_split_is_no_pair_and_not_corrected_for() -> None:
    other = runs("other", noisy(60), data_seed=99)
    fine = runs("new", noisy(60))
    first, second = every(pd.concat([other, fine, runs("ref", noisy(50))]))
    assert (first.label, first.verdict, first.difference) == ("other", "too few seeds", None)
    assert first.n_dropped == 2 * 3 * 6
    assert first.reading == "other and ref share no seed that has all shared tasks."
    assert (second.n_comparisons, second.holm_p) == (1, second.test.p)


def test_unknown_labels_are_refused_with_the_nearest() -> None:
    frame = pd.concat([runs("AlignCLIP", noisy(1)), runs("CLIPood", noisy(2))])
    with pytest.raises(UserError, match="unknown method 'CLIPod': did you mean CLIPood"):
        every(frame, "CLIPod")
    with pytest.raises(UserError, match="unknown method 'align'"):
        every(frame, "CLIPood", ["align"])


def test_a_comparison_does_not_depend_on_what_else_is_compared() -> None:
    frame = pd.concat(
        [runs(label, noisy(60, i), 4, 8) for i, label in enumerate(("a", "b", "ref"))]
    )
    options: dict[str, Any] = {"unit": "task_seed"}  # 32 pairs: random patterns
    both = {c.label: c for c in every(frame, **options)}
    (alone,) = every(frame, only=["b"], **options)
    assert (alone.test, alone.bootstrap) == (both["b"].test, both["b"].bootstrap)
    assert alone.improvement == both["b"].improvement
    assert alone == every(frame, only=["b"], **options)[0]


def test_a_frame_has_a_row_for_each_and_intervals_as_columns() -> None:
    frame = pd.concat([runs("a", noisy(60)), runs("b", noisy(60), seeds=1), runs("ref", noisy(50))])
    comparisons = every(frame)
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
    comparisons = every(frame, "AlignCLIP", test="t")
    assert [c.label for c in comparisons] == list(dict.fromkeys(frame["label"]))[:-1]
    assert {c.verdict for c in comparisons} == {"worse"}
    assert {c.verdict for c in every(frame, "AlignCLIP")} == {"too few seeds"}


def test_fifty_methods_of_forty_tasks_take_seconds() -> None:
    frame = pd.concat([runs(f"m{i}", noisy(60, i), 40, 5) for i in range(50)])
    start = time.process_time()
    assert len(every(frame, "m0")) == 49
    assert time.process_time() - start < 4  # about 1 s; a loop over draws would take minutes


def test_no_torch() -> None:
    code = "import sys, harness.report.stats; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def still(score: float) -> pd.DataFrame:
    return runs("still", lambda t, s: score, 2, 4)


def images(p: float, low: float, high: float, smallest: float = 0.0) -> OverImages:
    test = PairedTest("mcnemar", p, smallest, 500, exact=True)
    return OverImages(test, Interval((low + high) / 2, low, high, 0.95))


@pytest.mark.parametrize(
    ("over_images", "verdict"),
    [
        (images(0.001, 1.0, 3.0), "better"),
        (images(0.001, -3.0, -1.0), "worse"),
        (images(0.2, 1.0, 3.0), "not resolved"),
        (images(0.001, -1.0, 3.0), "not resolved"),
        (images(0.001, 0.0, 3.0), "not resolved"),
        (images(0.2, 1.0, 3.0, smallest=0.2), "not resolved"),
    ],
)
def test_a_verdict_over_images_needs_both_its_test_and_its_interval(
    over_images: OverImages, verdict: str
) -> None:
    frame = pd.concat([still(52.0), runs("ref", lambda t, s: 50.0, 2, 4)])
    (own,) = compare_scores(scores_of(frame), "ref", over_images={"still": over_images})
    assert (own.verdict, own.test) == (verdict, over_images.test)
    assert own.interval == over_images.interval
    assert own.reading.startswith("still scores 2.00 points more than ref (95 % interval over 500")
    assert f"; {verdict}, p " in own.reading
    assert own.seeds_needed.text == "–"
    assert "over_images" not in to_frame([own])


def test_errors_over_images_are_better_when_lower() -> None:
    frame = pd.concat([still(48.0), runs("ref", lambda t, s: 50.0, 2, 4)])
    design = Design(higher_is_better=False)
    over_images = {"still": images(0.001, -3.0, -1.0)}
    (own,) = compare_scores(scores_of(frame), "ref", None, design, over_images)
    assert own.verdict == "better"
    assert "points less than ref (95 % interval over 500 images 1.00 to 3.00)" in own.reading


def test_tests_over_images_take_part_in_the_correction() -> None:
    frame = pd.concat([still(52.0), runs("new", noisy(60), 2, 8), runs("ref", noisy(50), 2, 8)])
    over_images = {"still": images(0.03, 1.0, 3.0)}
    first, second = compare_scores(scores_of(frame), "ref", over_images=over_images)
    assert (first.label, first.test.p, first.n_comparisons) == ("still", 0.03, 2)
    assert first.holm_p == 0.03  # the larger of the two
    assert second.holm_p == 2 * second.test.p
    assert second.over_images is None
    assert second.interval == second.t


def test_alpha_is_the_level_of_verdicts_and_intervals() -> None:
    frame = pd.concat([runs("new", noisy(53)), runs("ref", noisy(50))])
    strict, lax = (every(frame, alpha=alpha)[0] for alpha in (0.01, 0.1))
    assert (strict.verdict, lax.verdict) == ("too few seeds", "better")  # 6 seeds: p = 1 / 32
    assert strict.t is not None
    assert lax.t is not None
    assert (strict.t.level, lax.t.level) == (0.99, 0.9)
    assert strict.t.high - strict.t.low > lax.t.high - lax.t.low
    more, usual = (every(frame, power=power)[0].seeds_needed.n for power in (0.9999, 0.8))
    assert more is not None
    assert usual is not None
    assert more > usual


def test_random_patterns_are_enough_for_the_smallest_p_to_survive_the_correction() -> None:
    labels = "abcdefghijk"
    frames = [runs(label, noisy(60, i), 1, 18) for i, label in enumerate(labels)]
    comparisons = every(pd.concat([*frames, runs("ref", noisy(50), 1, 18)]), alpha=0.001)
    assert {c.verdict for c in comparisons} == {"better"}
    assert not any(c.test.exact for c in comparisons)
    assert max(c.smallest_holm_p for c in comparisons) < 0.001 / 10


def test_a_p_of_exactly_alpha_is_enough() -> None:
    (own,) = every(pd.concat([runs("new", noisy(53)), runs("ref", noisy(50))]), alpha=1 / 32)
    assert (own.holm_p, own.smallest_holm_p, own.verdict) == (1 / 32, 1 / 32, "better")
