"""Figures of a store's sweeps, with words for those who cannot see them."""

from __future__ import annotations

from pathlib import Path

from harness.report.build import Choice
from harness.report.page.images import page_images
from harness.report.runs.predictions import PredictionCache
from harness.store.store import Store
from tests.report.fakes import ABLATION, add, plan, realistic, spec


def test_an_ablation_in_words_is_the_group_of_the_mean(tmp_path: Path) -> None:
    store = realistic(tmp_path)
    (image,) = page_images(store, Choice(), PredictionCache(store))
    assert image.title == ABLATION["title"]
    assert image.png.startswith(b"\x89PNG")
    assert image.alt.startswith("Bars of emoji, leave one domain out, tiny-emoji (fp32). mean: ")
    assert "AAL + SLS 47." in image.alt


def test_a_line_in_words_has_a_number_for_each_value_and_says_what_is_not_there(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    runs = [spec(f"k={k}", "x", 0, config={"k": k}) for k in (0, 1, 2)]
    points = [{"x": k, "row": f"k={k}"} for k in (0, 1, 2)]
    line = {"kind": "line", "name": "layers", "x_label": "Layers", "points": points}
    table = {"kind": "table", "name": "t"}
    plan(store, "p", runs, [line, table])
    for run in runs[:2]:
        add(store, run, 1000 + 100 * run.config["k"])
    (image,) = page_images(store, Choice(), PredictionCache(store))  # a table is no picture
    assert image.title == "layers"
    assert image.alt.endswith("x: 0: 50.0 %, 1: 55.0 %, 2: no result.")
    assert "Accuracy against Layers, emoji" in image.alt
