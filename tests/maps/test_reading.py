"""The sentence that reads the tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.maps.reading import attention_sentence
from harness.specs import ELSEWHERE
from tests.maps.stores import measured


def test_the_sentence_compares_with_the_reference_that_trains_nothing(tmp_path: Path) -> None:
    text = attention_sentence(measured(tmp_path))
    assert text == (
        "Over all blocks zero_shot puts 25.0 % of its attention on the object, which covers "
        "50.0 % of the image (0.50 of a uniform attention's share, mean over domains), so it "
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


def test_weights_trained_elsewhere_are_no_reference(tmp_path: Path) -> None:
    tables = {
        name: replace(
            table, rows=(replace(table.rows[0], method=ELSEWHERE, label="theirs"), *table.rows[1:])
        )
        for name, table in measured(tmp_path).items()
    }
    assert attention_sentence(tables).startswith("Over all blocks zero_shot puts 25.0")
