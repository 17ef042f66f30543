"""How a comparison reads."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.report.stats.runs import every, noisy, one, runs


def test_verdicts_and_how_they_read() -> None:
    ref = runs("ref", noisy(50))
    better = one(runs("new", noisy(53)), ref)
    assert better.verdict == "better"
    assert better.reading.startswith(f"new scores {better.difference:.2f} points more than ref (95")
    assert better.reading.endswith("6 seeds, 3 tasks); better, p = 0.0312.")
    worse = one(runs("new", noisy(47)), ref)
    assert worse.verdict == "worse"
    assert worse.t is not None
    assert f"points less than ref (95 % interval {-worse.t.high:.2f} to" in worse.reading
    open_ = one(runs("new", lambda t, s: 50 + 10 * t + (-1) ** s + 0.6), ref)
    assert open_.verdict == "not resolved"
    assert f"; not resolved, p = {open_.holm_p:#.3g}, " in open_.reading
    needed = open_.seeds_needed
    assert needed.n is None or needed.n > 6
    assert f"{needed.text} seeds would be needed" in open_.reading


def test_too_few_seeds_is_said_with_how_many_would_do() -> None:
    c = one(runs("new", noisy(60), seeds=3), runs("ref", noisy(50), seeds=3))
    assert (c.verdict, c.test.p) == ("too few seeds", 0.25)
    assert c.reading.endswith(
        "too few seeds to tell: with 3 seeds the permutation test cannot give a p below 0.250, "
        "whatever the scores, while 6 seeds could reach 0.05."
    )
    assert one(runs("new", noisy(60), seeds=1), runs("ref", noisy(50), seeds=1)).t is None


def test_what_is_too_few_depends_on_how_many_are_compared() -> None:
    frame = pd.concat(
        [runs(label, noisy(60, i)) for i, label in enumerate("abc")] + [runs("ref", noisy(50))]
    )
    assert [c.verdict for c in every(frame, only=["a"])] == ["better"]
    for c in every(frame):
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
