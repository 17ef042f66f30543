"""Tables of measures, and the sentence that reads them."""

from __future__ import annotations

import csv
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from harness.maps.tables import long_csv, side_by_side, spread_words
from tests.maps.stores import AREA, measured


def test_every_measure_is_a_table_over_domains_and_seeds(tmp_path: Path) -> None:
    tables = measured(tmp_path)
    assert list(tables) == ["area", "all blocks", "all blocks / area"]
    share = tables["all blocks"]
    row = next(row for row in share.rows if row.label == "finetune")
    assert [cell.mean for cell in row.cells] == [31, 42]
    assert row.mean.mean == pytest.approx(36.5)
    assert row.mean.spread == pytest.approx(statistics.stdev([35, 38]))
    assert share.key["measure"] == "all blocks"


def test_measures_stand_side_by_side_as_means_over_domains(tmp_path: Path) -> None:
    tables = measured(tmp_path)
    table = side_by_side(tables, ["all blocks", "area"], "What this is.")
    assert table.column_heads == ("all blocks", "area")
    assert (table.about, table.has_mean) == ("What this is.", False)
    by_label = {row.label: [cell.mean for cell in row.cells] for row in table.rows}
    assert by_label["finetune"] == [pytest.approx(36.5), AREA]
    assert not any(cell.best for row in table.rows for cell in row.cells)


def test_the_file_has_every_measure_under_one_header(tmp_path: Path) -> None:
    tables = measured(tmp_path)
    lines = list(csv.DictReader(long_csv(tables).splitlines()))
    assert len(lines) == 3 * 2 * 3  # measures, rows, domains and their mean
    assert {line["measure"] for line in lines} == set(tables)


def test_error_bars_are_named(tmp_path: Path) -> None:
    area = measured(tmp_path)["area"]
    words = "± sample standard deviation over n = 2 seeds"
    assert spread_words(area) == f"{words}; deterministic, so no ±: zero_shot"
    trained = replace(area, rows=area.rows[:1])
    assert spread_words(trained) == words
