"""The sentence under a table says what a reader must know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.report.tables.caption import (
    caption_text,
    notes_text,
    short_caption,
    title_text,
    told_apart,
    with_initials,
)
from harness.report.tables.cells import cell_of, mark_best, usual_n
from harness.report.tables.columns import Beyond, Datasets
from harness.report.tables.model import Row, Table

KEY = {
    "dataset": "PACS",
    "dataset_options": "{}",
    "model": "ViT-B-16/openai",
    "precision": "fp16",
    "protocol": "domain_shift",
    "measure": "accuracy",
    "test_on": "all",
    "holdout_fraction": 0.2,
    "disjoint_groups": False,
    "shots": 0,
    "source": "",
    "fixed_splits": False,
    "test_resize": "model",
    "protocol_options": "{}",
    "dataset_fingerprint": "",
    "model_fingerprint": "",
}


def row(label: str, *counts: int, selection: str = "last") -> Row:
    cells = tuple(
        cell_of({(s, s): 50.0 + s for s in range(n)}, 0, max(counts) - n, "std") for n in counts
    )
    return Row(label, frozenset({label}), label, selection, cells, cells[0])


def table(*rows: Row, domains: tuple[str, ...] = ("art", "cartoon"), **key: Any) -> Table:
    return Table(
        key=KEY | key,
        domains=domains,
        heads=domains,
        rows=rows,
        spread="std",
        usual_n=usual_n(rows),
        n_runs=12,
        n_failed=0,
        n_missing=0,
    )


def test_a_caption_from_data_to_weights() -> None:
    assert caption_text(table(row("a", 3, 3))) == (
        "Top-1 accuracy in % on PACS; leave one domain out, tested on all images of the held-out "
        "domain; 20 % of each source domain held out for validation. Backbone: ViT-B-16/openai "
        "(fp16). Mean ± sample standard deviation over n = 3 seeds; 'mean' averages over domains "
        "within each seed first. Weights tested: last."
    )


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ({"test_on": "out"}, "tested on DomainBed's 'out' part of the held-out domain;"),
        ({"disjoint_groups": True}, "held-out domain, on groups (pictured things) not trained on;"),
        ({"fixed_splits": True}, "leave one domain out (splits of seed 0 for all runs), tested"),
        ({"test_resize": "bilinear"}, "(bilinear test images)"),
        ({"dataset_options": '{"size": 3}'}, "on PACS (size=3);"),
        (
            {"protocol": "open_class", "shots": 16, "measure": "new"},
            "(up to 16 images a class), tested",
        ),
        (
            {"protocol": "open_class", "shots": 16, "measure": "H"},
            "validated on up to 4 images a class.",
        ),
        ({"protocol": "open_class", "shots": 0, "measure": "H"}, "the official split, or 20 % of"),
        (
            {"protocol": "domain_and_class", "measure": "all"},
            "tested on all images of the",
        ),
    ],
)
def test_what_differs_from_the_usual_is_said(key: dict[str, Any], text: str) -> None:
    assert text in caption_text(table(row("a", 3, 3), **key))


def test_the_line_about_a_table() -> None:
    one = table(row("a", 3, 3), measure="H", protocol="open_class")
    line = "PACS, half of the classes trained on, H, ViT-B-16/openai (fp16)"
    assert title_text(one) == line
    validated = replace(table(row("a", 3, 3)), score="source_val")
    assert "leave one domain out, source validation, ViT" in title_text(validated)
    assert "scored on the validation parts of the source domains" in caption_text(validated)


def test_files_that_changed_are_in_title_and_caption() -> None:
    changed = replace(table(row("a", 3, 3)), content="images 1a2b3c4d")
    assert title_text(changed) == f"{title_text(table(row('a', 3, 3)))}, images 1a2b3c4d"
    assert "Of the runs whose files had this content: images 1a2b3c4d." in caption_text(changed)
    assert "content" not in caption_text(table(row("a", 3, 3)))


def test_seeds_are_counted_and_holes_named() -> None:
    assert "One seed (n = 1), so no ±." in caption_text(table(row("a", 1, 1)))
    uneven = replace(table(row("a", 3, 3), row("b", 3, 2)), n_missing=1, n_failed=2)
    text = caption_text(uneven)
    assert "over n = 3 seeds, n in brackets where it differs" in text
    assert text.endswith("Of 12 runs, 1 missing and 2 failed.")
    assert "±" not in caption_text(table(row("a", 0, 0)))


def test_the_mean_is_over_what_the_columns_are() -> None:
    joined = replace(table(row("a", 3, 3)), kind=Datasets())
    assert "'mean' averages over data sets within each seed first" in caption_text(joined)
    assert "averages" not in caption_text(replace(joined, has_mean=False))


def test_weights_are_named_by_row_and_in_long_tables_by_method() -> None:
    few = table(row("a", 3, 3), row("b", 3, 3, selection="averaged"))
    assert "Weights tested: last (a); averaged (b)." in caption_text(few)
    rows = [replace(row(f"r{i}", 3, 3), method="m") for i in range(13)]
    assert "last (m); averaged (b)" in caption_text(
        table(*rows, row("b", 3, 3, selection="averaged"))
    )
    assert "Weights" not in caption_text(table(row("a", 3, 3, selection="")))


def test_initials_are_as_long_as_it_takes_to_tell_them_apart() -> None:
    domains = ("art", "cartoon", "clipart", "sketch", "Sky")
    short = with_initials(table(row("a", 1, 1, 1, 1, 1), domains=domains))
    assert short.heads == ("A", "Ca", "Cl", "Ske", "Sky")
    assert "Domains: A art, Ca cartoon, Cl clipart, Ske sketch, Sky Sky." in caption_text(short)
    assert with_initials(table(row("a", 1, 1), domains=("a", "ab"))).heads == ("A", "Ab")


def still(label: str) -> Row:
    seeds = {(s, s): 50.0 for s in range(3)}
    cell = cell_of(seeds, 0, 0, "std", untrained=True)
    return Row(label, frozenset({label}), label, "last", (cell, cell), cell)


def test_who_is_deterministic_is_said_where_no_spread_stands() -> None:
    mixed = caption_text(table(still("zero-shot"), row("b", 3, 3)))
    assert "Mean ± sample standard deviation over n = 3 seeds;" in mixed
    assert "within each seed first. Deterministic, so no ±: zero-shot. Weights" in mixed
    alone = caption_text(table(still("zero-shot")))
    assert "Mean over n = 3 seeds;" in alone
    assert "eterministic" not in caption_text(table(row("b", 3, 3)))


def test_bold_is_said_where_something_is_bold_and_can_be_seen() -> None:
    plain = table(row("a", 3, 3), row("b", 3, 3))
    bold = replace(plain, rows=tuple(mark_best(plain.rows)))
    assert "Bold" not in caption_text(plain)
    assert "Bold: best of the column's complete cells." in caption_text(bold)
    assert "Bold" not in caption_text(bold, bold=False)
    assert "Bold" not in short_caption(plain)
    only_mean = [replace(r, mean=replace(r.mean, best=True)) for r in plain.rows]
    hidden = replace(plain, rows=tuple(only_mean), has_mean=False)
    assert "Bold" not in caption_text(hidden)  # the mean is, and is not shown


def test_columns_beside_it_may_be_bold_too() -> None:
    plain = table(row("a", 3), row("b", 3), domains=("x",))
    errors = replace(plain, domains=("ECE",), heads=("ECE",), kind=Beyond(), has_mean=False)
    bold = replace(errors, rows=tuple(mark_best(errors.rows)))
    assert "Bold: best of the column's complete cells, the lowest ECE." in caption_text(plain, bold)
    assert "Bold" not in caption_text(plain, errors)


def test_caption_and_notes_are_the_whole_caption() -> None:
    one = replace(table(row("a", 3, 3), row("b", 2, 3)), tuning="Tuned so.", note="† better.")
    one = replace(one, rows=tuple(mark_best(one.rows)), n_missing=1)
    short, notes, whole = short_caption(one), notes_text(one), caption_text(one)
    assert short.startswith("Accuracy in %: PACS, leave one domain out, ViT-B-16/openai (fp16). ")
    rest = short.split(". ", 1)[1]
    assert sorted(f"{rest} {notes}".split()) == sorted(whole.split())
    assert short.endswith("Bold: best of the column's complete cells. † better.")
    beyond = replace(one, kind=Beyond(), domains=("ECE", "top-5"))
    assert short_caption(beyond).startswith("Beyond accuracy: PACS, leave one domain out, ")


def test_tables_of_one_title_say_what_differs() -> None:
    tables = [table(row("a", 3, 3), test_on=part) for part in ("in", "out")]
    tables += [table(row("a", 3, 3), dataset="VLCS")]
    titles = [title_text(own) for own in told_apart(tables)]
    assert titles == [
        "PACS, leave one domain out, ViT-B-16/openai (fp16) (test-in)",
        "PACS, leave one domain out, ViT-B-16/openai (fp16) (test-out)",
        "VLCS, leave one domain out, ViT-B-16/openai (fp16)",
    ]
