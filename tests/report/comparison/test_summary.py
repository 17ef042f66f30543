"""The sentence under a table: best, by how much, and how sure."""

from __future__ import annotations

from pathlib import Path

from harness.report import stats
from tests.report.comparison.stores import SCORES, compared, filled, only, percent
from tests.report.fakes import add, plan, spec


def test_the_answer_names_best_reference_and_second(tmp_path: Path) -> None:
    text = compared(filled(tmp_path)).answer
    gap = percent("alignclip") - percent("clipood")
    assert text.startswith(f"alignclip is best with {percent('alignclip').mean():.1f} %, ")
    assert f"{gap.mean():.2f} points over clipood (95 % interval" in text
    assert "more than noise between seeds (p " in text
    second = (percent("alignclip") - percent("close")).mean()
    assert f"{second:.2f} points over the second, close" in text
    against = compared(filled(tmp_path / "b"), against="alignclip").answer
    assert f"alignclip is best with {percent('alignclip').mean():.1f} %, {second:.2f}" in against
    assert "more than noise between seeds" in against


def test_what_may_be_noise_is_called_so(tmp_path: Path) -> None:
    out = compared(filled(tmp_path, {m: SCORES[m] for m in ("clipood", "close")}))
    gap = (percent("close") - percent("clipood")).mean()
    assert gap > 0
    assert f"close is best with 52.7 %, {gap:.2f} points over clipood" in out.answer
    assert "this may be noise between seeds (p = " in out.answer


def test_one_seed_says_plainly_that_nothing_can_be_said(tmp_path: Path) -> None:
    store = filled(tmp_path, {m: [row[:1] for row in rows] for m, rows in SCORES.items()})
    part = only(store)
    assert part.evidence is not None
    assert part.evidence.why_none.startswith("There is one seed")
    assert part.evidence.why_none in part.evidence.answer
    assert {line.verdict for line in part.evidence.rows} == {"too few seeds"}
    assert part.table.note == ""
    few = compared(filled(tmp_path / "b"), test="permutation")
    assert few.why_none.startswith("With 4 seeds no scores at all could give a small enough p")


def test_the_reference_is_best_by_its_seconds_comparison_turned_round(tmp_path: Path) -> None:
    out = compared(filled(tmp_path), against="alignclip")
    row = out.row("close")
    assert row is not None
    assert row.interval is not None
    assert row.difference is not None
    between = f"(95 % interval {-row.interval.high:.2f} to {-row.interval.low:.2f})"
    assert f"{-row.difference:.2f} points over the second, close {between}: more" in out.answer


def test_the_second_is_looked_at_by_itself(tmp_path: Path) -> None:
    out = compared(filled(tmp_path), against="finetune")
    gap = percent("alignclip") - percent("close")
    own = stats.t_interval(gap.mean(axis=0))
    assert own is not None
    ends = f"(95 % interval {own.low:.2f} to {own.high:.2f})"
    assert f"; {gap.mean():.2f} points over the second, close {ends}, which is more" in out.answer


def test_only_a_row_with_all_its_runs_can_be_best(tmp_path: Path) -> None:
    store = filled(tmp_path, {m: SCORES[m] for m in ("clipood", "finetune")})
    add(store, spec("lucky", "x", 0, method="lucky"), 1999)
    plan(store, "q", [spec("lucky", d, s, method="lucky") for d in "xy" for s in range(4)])
    assert compared(store).answer.startswith("clipood is best with")
    few = filled(tmp_path / "few", {"clipood": SCORES["clipood"]})
    add(few, spec("lucky", "x", 0, method="lucky"), 1999)
    assert compared(few).answer.startswith("Fewer than two methods have all their runs")


def test_what_was_scored_is_said(tmp_path: Path) -> None:
    out = compared(filled(tmp_path), score="source_val")
    assert " on source validation with" in out.answer


def test_a_second_that_is_the_reference_is_named_once(tmp_path: Path) -> None:
    out = compared(filled(tmp_path, {m: SCORES[m] for m in ("clipood", "alignclip")}))
    assert out.answer.count("points over") == 1
    assert "the second" not in out.answer


def test_rows_of_equal_means_are_equally_good(tmp_path: Path) -> None:
    same = SCORES["clipood"]
    answer = compared(filled(tmp_path, dict.fromkeys(("clipood", "close"), same))).answer
    mean = f"{percent('clipood').mean():.1f} %"
    assert answer.startswith(f"clipood and close are equally good with {mean}.")
    assert "best" not in answer
