"""What follows from what the columns are."""

from __future__ import annotations

import pytest

from harness.protocols.measures import MEANING
from harness.report.runs.blocks import FIELDS
from harness.report.tables.columns import (
    BEYOND,
    DOMAINS,
    SIDE_BY_SIDE,
    Beyond,
    ColumnKind,
    Datasets,
    Measures,
    Models,
    Shifts,
    Shots,
)

KINDS: list[ColumnKind] = [
    DOMAINS,
    Shifts("i"),
    Datasets(),
    Models(),
    Measures(),
    Shots(),
    Beyond(),
]


def test_each_kind_has_a_name_and_words_of_its_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert [kind.one for kind in KINDS[:6]] == [
        "domain",
        "domain",
        "data set",
        "backbone",
        "measure",
        "number of shots",
    ]
    assert list(SIDE_BY_SIDE) == ["datasets", "measures", "models", "shots"]
    for kind in SIDE_BY_SIDE.values():
        assert set(kind.varies) < set(FIELDS)
        assert not kind.one_block


def test_a_mean_leaves_out_the_domain_that_trained() -> None:
    assert [Shifts("i").task(name, "d") for name in "irs"] == [None, ("d", "r"), ("d", "s")]
    assert DOMAINS.task("i", "d") == ("d", "i")
    assert Datasets().task("PACS", "PACS, VLCS") == ("PACS", "all domains")


def test_only_columns_that_mean_the_same_are_averaged_and_compared() -> None:
    assert [kind.comparable for kind in KINDS] == [True, True, True, True, False, False, False]


def test_costs_are_of_one_data_set_and_one_backbone() -> None:
    assert [kind.one_setting for kind in KINDS[:6]] == [True, True, False, False, True, False]


def test_published_numbers_stand_beside_the_domains_of_one_block_alone() -> None:
    assert [kind.one_block for kind in KINDS] == [True] + [False] * 6


@pytest.mark.parametrize("measure", MEANING)
def test_captions_begin_with_what_is_measured(measure: str) -> None:
    text = DOMAINS.measure(("x",), measure)
    assert text[0].isupper()
    assert text.lower() == MEANING[measure].lower()
    assert Beyond().measure(("ECE",), measure).startswith(f"Beyond {MEANING[measure]} (ECE: ")


def test_measures_side_by_side_are_explained_one_by_one() -> None:
    assert Measures().measure(("base", "other"), "") == (
        f"Top-1 accuracy by what is tested (base: {MEANING['base']})"
    )
    assert Measures().measure(("other",), "") == "Top-1 accuracy"


def test_only_errors_are_better_when_lower() -> None:
    better = {name for name in BEYOND if Beyond().lower_is_better(name)}
    assert better == {"ECE", "NLL", "FPR95"}
    assert not DOMAINS.lower_is_better("ECE")
