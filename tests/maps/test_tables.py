"""Tables of measures, and the sentence that reads them."""

from __future__ import annotations

import csv
import statistics
from pathlib import Path

import pytest

from harness.maps.reading import attention_sentence
from harness.maps.tables import by_measure, long_csv, side_by_side, spread_words
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import labelled
from harness.report.tables.model import Table
from harness.store.store import Store
from tests.report.fakes import add, plan, spec

SHARES = {  # method -> domain -> share by seed
    "finetune": {"noto": (30.0, 32.0), "twemoji": (40.0, 44.0)},
    "zero_shot": {"noto": (20.0, 20.0), "twemoji": (30.0, 30.0)},
    "clip_surgery": {"noto": (10.0, 10.0), "twemoji": (10.0, 10.0)},  # trains nothing, either
}
AREA = 50.0


def measured(root: Path, methods: tuple[str, ...] = ("finetune", "zero_shot")) -> dict[str, Table]:
    store = Store(root)
    values, runs = {}, []
    for method in methods:
        for domain, shares in SHARES[method].items():
            for seed, share in enumerate(shares):
                run = spec(method, domain, seed, method=method)
                add(store, run, 1)
                runs.append(run)
                values[run.id] = {
                    "area": AREA,
                    "all blocks": share,
                    "all blocks / area": 100 * share / AREA,
                }
    plan(store, "p", runs)  # tables follow the order of plans
    return by_measure(labelled(load_frame(store)), values)


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


def test_the_sentence_compares_with_the_reference_that_trains_nothing(tmp_path: Path) -> None:
    text = attention_sentence(measured(tmp_path))
    assert text == (
        "Over all blocks zero_shot puts 25.0 ± 0.0 % of its attention on the object, which covers "
        "50.0 ± 0.0 % of the image (0.50 of a uniform attention's share, mean over domains), so it "
        "leans to the background; finetune 36.5 ± 2.1 % (0.73, +11.5 ± 2.1 points)."
    )


def test_another_row_that_trains_nothing_is_no_reference(tmp_path: Path) -> None:
    text = attention_sentence(measured(tmp_path, ("clip_surgery", "zero_shot")))
    assert text.startswith("Over all blocks zero_shot puts 25.0")
    assert "clip_surgery 10.0 ± 0.0 % (0.20, -15.0 ± 0.0 points)" in text


def test_without_such_a_row_the_sentence_compares_with_the_first(tmp_path: Path) -> None:
    text = attention_sentence(measured(tmp_path, ("finetune",)))
    assert text.startswith("Over all blocks finetune puts 36.5 ± 2.1 %")
    assert text.endswith("leans to the background.")


def test_error_bars_are_named(tmp_path: Path) -> None:
    area = measured(tmp_path)["area"]
    assert spread_words(area) == "± sample standard deviation over n = 2 seeds"
