"""Results of checks as text and as JSON."""

from __future__ import annotations

import json

from harness.check.result import Result
from harness.check.show import as_json, lines, summary

FINE = Result("mine", "build", "ok", seconds=1.2)
BAD = Result(
    "mine", "losses", "FAIL", "make it finite", "the sum is minimised", "a number", "nan",
    "mine.py:3", 2.1,
)  # fmt: skip


def test_a_finding_shows_what_was_expected_and_seen() -> None:
    first, *more = lines(BAD)
    assert first.split() == ["FAIL", "losses", "make", "it", "finite", "(mine.py:3)"]
    assert [line.strip() for line in more] == [
        "why: the sum is minimised", "want: a number", "seen: nan",
    ]  # fmt: skip
    assert {len(line) - len(line.lstrip()) for line in more} == {first.index("make")}


def test_what_passed_is_one_line() -> None:
    assert lines(FINE) == ["  ok    build"]


def test_the_summary_counts() -> None:
    left_out = Result("mine", "state", "skip", "keeps none")
    assert summary([FINE, BAD]) == "1 ok, 1 failed; 3 s"
    warned = Result("mine", "learns", "warn")
    assert summary([FINE, left_out, warned]) == "1 ok, 0 failed, 1 warned, 1 left out; 1 s"


def test_json_says_whether_all_is_well() -> None:
    assert json.loads(as_json([FINE]))["ok"] is True
    found = json.loads(as_json([FINE, BAD]))
    assert found["ok"] is False
    assert Result(**found["results"][1]) == BAD
