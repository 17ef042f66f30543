"""``sweep power``: seeds from a pilot, against SciPy's noncentral t."""

from __future__ import annotations

import math
import re
import statistics
from pathlib import Path

import pytest
from scipy import stats

from harness.cli.main import main
from harness.report.build import Choice, report_blocks
from harness.report.comparison.power import power_of
from harness.report.stats.power import std_factors
from harness.store.store import Store
from tests.report.fakes import N, fill

PILOT = {
    "plain": {"x": (1000, 1010, 1004), "y": (900, 908, 905)},
    "new": {"x": (1100, 1103, 1119), "y": (1000, 1012, 1001)},
    "once": {"x": (1000,)},
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "pilot")
    fill(store, PILOT)
    return store


def slow_seeds(std: float, gain: float, power: float = 0.8, alpha: float = 0.05) -> int:
    for n in range(2, 1000):
        shift, critical = gain / std * math.sqrt(n), stats.t.ppf(1 - alpha / 2, n - 1)
        if stats.nct.sf(critical, n - 1, shift) >= power:  # the other tail is next to nothing
            return n
    raise AssertionError


def std_of(target: str) -> float:
    pairs = zip(PILOT["new"][target], PILOT["plain"][target], strict=True)
    return statistics.stdev(100 * (a - b) / N for a, b in pairs)


def test_seeds_are_those_of_the_noncentral_t(store: Store) -> None:
    (part,) = report_blocks(store, Choice(against="plain"))
    found = power_of(part.table, "plain", (0.5, 1.0))
    rows = {(row.label, row.column): row for row in found.rows}
    for target in "xy":
        row = rows["new", target]
        assert row.std == pytest.approx(std_of(target))
        expected = [slow_seeds(std_of(target), gain) for gain in (0.5, 1.0)]
        assert [own.n for own in row.seeds] == expected
    means = [
        statistics.fmean(100 * (PILOT["new"][d][s] - PILOT["plain"][d][s]) / N for d in "xy")
        for s in range(3)
    ]
    assert rows["new", "mean"].std == pytest.approx(statistics.stdev(means))
    assert rows["once", "x"].std is None
    assert rows["once", "x"].n == 1


def test_a_table_and_an_answer_are_printed(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["sweep", "power", "--store", str(store.root), "--against", "plain"]
    assert main(args) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "0.25 points" in printed
    assert "Seeds do not replace data sets" in printed
    assert "from 3 seeds the true one is 0.5 to 6.3 times it" in printed
    assert main([*args, "--gain", "0.5", "--power", "0.9"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert re.search(r"new: \d+ seeds for 0.5 points over plain \(mean\)", printed)
    assert "90 % power" in printed
    assert f" {slow_seeds(std_of('x'), 0.5, 0.9)} " in printed


def test_a_pilot_of_one_seed_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path / "pilot")
    fill(store, {"a": {"x": (10,)}, "b": {"x": (11,)}})
    assert main(["sweep", "power", "--store", str(store.root)]) == 2
    assert "no two methods share two seeds" in capsys.readouterr().err


def test_the_standard_deviations_interval_is_chi_squares() -> None:
    low, high = std_factors(5)
    assert low == pytest.approx(math.sqrt(4 / stats.chi2.ppf(0.975, 4)))
    assert high == pytest.approx(math.sqrt(4 / stats.chi2.ppf(0.025, 4)))
