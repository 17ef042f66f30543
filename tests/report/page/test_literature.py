"""Published numbers stand at the cell that they are of, and at no other."""

from __future__ import annotations

from pathlib import Path

from harness.report.page.build import build_page
from harness.report.page.literature import literature
from harness.report.tables.chosen import with_only
from harness.store.store import Store
from tests.report.page.test_build import column
from tests.report.published.stores import CLIP, VLCS, number, run_vlcs, tables

COUNTS = [(990, 1000, 995), (640, 650, 660), (790, 800, 810), (880, 900, 890)]


def test_numbers_stand_at_their_own_cells(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(store, "clipood", COUNTS)
    run_vlcs(store, "zero_shot", COUNTS)
    run_vlcs(store, "clipood", COUNTS, model=CLIP.model_copy(update={"pretrained": "laion2b"}))
    given = [
        number(domain="LabelMe", value=65.5, spread=0.2, spread_kind="unstated", where="table 9"),
        number(domain="LabelMe", value=70, source="zhyhan/AlignCLIP response.md (rebuttal)"),
        number(value=82.3),
        number(domain="SUN09", method="CoOp", value=50),
    ]
    page = build_page(store, beside=literature(given))
    openai, laion = (
        next(view for view in page.views if dict(view.facts)["backbone"] == f"{name} fp16")
        for name in ("ViT-B-16/openai", "ViT-B-16/laion2b")
    )
    found = {
        (label, name): [one.text for one in cell.published]
        for name in (one.text for one in openai.columns if one.group in ("score", "columns"))
        for label, cell in column(openai, name).items()
        if cell.published
    }
    (row,) = {label for label, _ in found}
    assert found == {(row, "LabelMe"): ["65.5 ± 0.2", "70"], (row, "mean"): ["82.3"]}
    assert next(line.method for line in openai.rows if line.label == row) == "clipood"
    first, second = column(openai, "LabelMe")[row].published
    assert (first.verdict, second.verdict) == ("reproduced", "off by -5.0")
    assert first.source.startswith("zhyhan/AlignCLIP plot.ipynb, table 9 (")
    cells = [
        cell
        for view in page.views
        if view is not openai
        for line in view.rows
        for cell in line.cells
    ]
    assert laion.rows
    assert not any(cell.published for cell in cells)


def test_a_mean_that_is_not_shown_is_beside_no_other_column(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(store, "clipood", COUNTS)
    (table,) = tables(store)
    (row,) = table.rows
    beside = literature([number(value=82.3), number(domain="LabelMe", value=65.5)])
    assert [one.text for one in beside(table, row, "mean")] == ["82.3"]
    bare = with_only(table, table.rows, VLCS)
    assert {column: [one.text for one in beside(bare, row, column)] for column in VLCS} == {
        "Caltech101": [], "LabelMe": ["65.5"], "SUN09": [], "VOC2007": [],
    }  # fmt: skip
