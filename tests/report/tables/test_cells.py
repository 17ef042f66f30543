"""Means over columns within seeds, what is best, the usual number of seeds."""

from __future__ import annotations

import statistics

import pytest

from harness.report.tables.cells import cell_of, mark_best, mean_cell, usual_n
from harness.report.tables.model import Cell, Row

SEEDS = [(0, 0), (0, 1), (1, 0)]


def cell(*scores: float, missing: int = 0) -> Cell:
    return cell_of(dict(zip(SEEDS, scores, strict=False)), 0, missing, "std")


def row(*cells: Cell) -> Row:
    return Row("a", frozenset(), "m", "last", cells, cell())


def test_a_cell_is_mean_and_sample_deviation_of_its_seeds() -> None:
    own = cell_of(dict(zip(SEEDS, (50.0, 52.0, 57.0), strict=True)), 1, 2, "std")
    assert (own.mean, own.spread) == (53, pytest.approx(statistics.stdev((50, 52, 57))))
    assert (own.n, own.planned, own.complete) == (3, 6, False)
    assert (cell().mean, cell().spread, cell().complete) == (None, None, False)


def test_a_mean_is_over_columns_within_each_seed_and_over_whole_seeds() -> None:
    mean = mean_cell([cell(50, 60, 70), cell(30, 20)], SEEDS, "std")
    assert mean.by_seed == {(0, 0): 40, (0, 1): 40}
    assert (mean.mean, mean.spread, mean.n, mean.n_missing) == (40, 0, 2, 1)
    assert mean_cell([], SEEDS, "std").mean is None


def test_an_average_of_harmonic_means_is_that_of_the_averages() -> None:
    halves = [{(0, 0): (80.0, 20.0)}, {(0, 0): (40.0, 60.0)}]
    cells = [cell_of({(0, 0): 0.0}, 0, 0, "std", own) for own in halves]
    mean = mean_cell(cells, [(0, 0)], "std")
    assert mean.base_new == {(0, 0): (60.0, 40.0)}
    assert mean.mean == pytest.approx(48)


def test_best_is_what_prints_the_same_among_complete_cells() -> None:
    columns = [cell(50.04, 50.04), cell(50.0, 50.01), cell(49.9, 49.9), cell(60, missing=1)]
    rows = mark_best([row(own) for own in columns])
    assert [own.cells[0].best for own in rows] == [True, True, False, False]
    assert not mark_best([row(cell(50)), row(cell())])[0].cells[0].best


def test_the_usual_n_is_that_of_most_complete_cells_and_of_equals_the_larger() -> None:
    assert usual_n([row(cell(1, 2), cell(1, 2), cell(1, 2, 3))]) == 2
    assert usual_n([row(cell(1, 2), cell(1, 2, 3))]) == 3
    assert usual_n([row(cell(1, missing=2))]) == 0


def test_an_untrained_method_that_gives_the_same_with_every_seed_has_no_spread() -> None:
    def of(*scores: float, untrained: bool = True) -> Cell:
        by_seed = dict(zip(SEEDS, scores, strict=False))
        return cell_of(by_seed, 0, 0, "std", untrained=untrained)

    same, other = of(50, 50, 50), of(50, 51, 50)
    assert (same.deterministic, same.spread, same.n) == (True, None, 3)
    assert (other.deterministic, other.spread is None) == (False, False)  # test images by seed
    assert (of(50).deterministic, of(50).spread) == (False, None)  # one seed says so itself
    trained = of(50, 50, untrained=False)
    assert (trained.deterministic, trained.spread) == (False, 0)
    assert mean_cell([same, same], SEEDS, "std").deterministic
    mixed = mean_cell([same, trained], SEEDS, "std")
    assert (mixed.deterministic, mixed.spread) == (False, 0)


def test_the_best_of_one_row_is_no_finding() -> None:
    (alone,) = mark_best(mark_best([row(cell(50, 60)), row(cell(40, 50))])[:1])
    assert not alone.cells[0].best
