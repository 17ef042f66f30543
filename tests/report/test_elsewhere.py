"""Weights trained elsewhere are marked everywhere, and ranked with ours only if asked."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.report.build import Choice, Reported, ranks_by_name, report_blocks
from harness.report.page.render import write_page
from harness.report.runs.frame import load_frame
from harness.report.site.build import write_site
from harness.report.tables.caption import caption_text
from harness.report.write import write_report
from harness.specs import ELSEWHERE, DatasetSpec, ModelSpec
from harness.store.records import SweepPlan
from harness.store.store import Store
from tests.report.fakes import DOMAINS, add, keep, packed, realistic, record, spec

MARK = "(trained elsewhere)"


ELSEWHERE_MODEL = ModelSpec(name="hf-hub:me/mine", elsewhere=True)


def evaluated(store: Store, label: str, correct: int, **values: object) -> None:
    """Add a model as `evaluate` does: better than all of ours in fakes.METHODS at 1900 of 2000."""
    name = label.split()[0]
    model = ModelSpec(
        name="ViT-B-16", pretrained=f"/home/jane/{name}.pt", fingerprint=name.ljust(16, "0"),
        elsewhere=True,
    )  # fmt: skip
    for domain in DOMAINS:
        run = spec(label, domain, method="zero_shot", config={}, model=model, **values)
        add(store, run, correct)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = realistic(tmp_path / "store", ablation=False)
    evaluated(store, "best", 1900)
    evaluated(store, "worst", 100)
    return store


def labels(block: Reported) -> list[str]:
    return [row.label for row in block.table.rows]


def test_they_stand_apart_unranked_and_ours_are_what_they_were(
    store: Store, tmp_path: Path
) -> None:
    ours, theirs = report_blocks(store, Choice())
    (alone,) = report_blocks(realistic(tmp_path / "alone", ablation=False), Choice())
    assert (ours.name, theirs.name) == ("", "trained-elsewhere")
    assert ours.table == alone.table
    assert labels(theirs) == [f"best {MARK}", f"worst {MARK}"]
    assert not any(cell.best for row in theirs.table.rows for cell in theirs.table.cells(row))
    assert theirs.evidence is None
    caption = caption_text(theirs.table)
    assert f"Weights {ELSEWHERE} (fp32). Not ranked, and compared with none of ours" in caption
    named = f"best {MARK} is ViT-B-16/best.pt, worst {MARK} is ViT-B-16/worst.pt"
    assert named in caption
    assert "/home/jane" not in caption
    assert "Weights tested" not in caption


def test_asked_for_they_are_ranked_among_ours(store: Store) -> None:
    (block,) = report_blocks(store, Choice(rank_elsewhere=True))
    row = next(row for row in block.table.rows if row.label == f"best {MARK}")
    assert all(cell.best for cell in row.cells)
    assert block.evidence is not None
    assert block.evidence.reference == "CLIPood"
    assert block.evidence.row(row.label) is not None
    assert f"Rows {ELSEWHERE} (best {MARK} is ViT-B-16/best.pt" in caption_text(block.table)
    assert labels(block)[-2:] == [f"best {MARK}", f"worst {MARK}"]
    chosen = Choice(rank_elsewhere=True, model="tiny-emoji", score="source_val")
    assert f"best {MARK}" in labels(report_blocks(store, chosen)[0])


def test_only_asked_for_they_are_what_others_are_compared_with(store: Store) -> None:
    against = f"best {MARK}"
    with pytest.raises(UserError, match=r"unknown row 'best \(trained elsewhere\)'.*--against"):
        report_blocks(store, Choice(against=against))
    (block,) = report_blocks(store, Choice(against=against, rank_elsewhere=True))
    assert block.evidence is not None
    assert block.evidence.reference == against


def test_without_ours_of_their_data_they_stay_apart(store: Store) -> None:
    evaluated(store, "pacs", 1000, dataset=DatasetSpec(name="PACS"))
    blocks = report_blocks(store, Choice(rank_elsewhere=True))
    assert [block.name for block in blocks] == ["", "trained-elsewhere"]
    assert labels(blocks[1]) == [f"pacs {MARK}"]


def test_no_sweep_makes_them_the_baseline(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_plan(SweepPlan(name="s", source={"reference": f"a {MARK}"}, runs=()))
    evaluated(store, "a", 1900)
    add(store, spec("b", "noto", method="unheard_of"), 1000)
    (block,) = report_blocks(store, Choice(rank_elsewhere=True))
    assert block.evidence is not None
    assert block.evidence.reference == "b"
    assert labels(block) == ["b", f"a {MARK}"]


def test_two_weights_of_one_label_are_two_rows(store: Store) -> None:
    evaluated(store, "other", 1000)
    model = ModelSpec(name="x", pretrained="/y/best.pt", fingerprint="f" * 16, elsewhere=True)
    add(store, spec("best", "noto", method="zero_shot", config={}, model=model), 500)
    _, theirs = report_blocks(store, Choice())
    assert len(labels(theirs)) == 4
    assert sum("weights=ffffffff" in label for label in labels(theirs)) == 1


def test_ranks_over_data_sets_are_ours(store: Store) -> None:
    choice = Choice(rank_over="targets")
    ((_, ranks),) = ranks_by_name(store, choice, report_blocks(store, choice))
    assert not any(MARK in row.label for row in ranks.rows)
    choice = Choice(rank_over="targets", rank_elsewhere=True)
    ((_, ranks),) = ranks_by_name(store, choice, report_blocks(store, choice))
    assert ranks.rows[0].label == f"best {MARK}"


def test_every_file_marks_them(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_report(store, out, formats=("md", "csv", "tex"))
    for kind in ("md", "tex"):
        text = (out / f"table-trained-elsewhere.{kind}").read_text(encoding="utf-8")
        assert ELSEWHERE in text
        assert f"best {MARK}" in text
        assert MARK not in (out / f"table.{kind}").read_text(encoding="utf-8")
    assert not (out / "comparison-trained-elsewhere.md").exists()
    write_report(store, out, Choice(rank_elsewhere=True), ("csv", "md"))
    with (out / "table.csv").open(encoding="utf-8", newline="") as file:
        models = {row["method"]: row["model"] for row in csv.DictReader(file)}
    assert models[f"best {MARK}"] == ELSEWHERE
    assert models["CLIPood"] == "tiny-emoji"
    assert ELSEWHERE in (out / "table.md").read_text(encoding="utf-8")


def test_the_page_marks_and_does_not_rank_them(store: Store, tmp_path: Path) -> None:
    page = write_page(store, tmp_path / "page", Choice()).read_text(encoding="utf-8")
    assert f"Weights {ELSEWHERE}" in page
    glance = page[page.index('class="glance"') : page.index("</nav>")]
    assert "not ranked" in glance
    assert MARK not in glance


def test_the_site_marks_and_does_not_rank_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for run, right in ((spec("ours"), 5), (spec("theirs", model=ELSEWHERE_MODEL), 9)):
        keep(store, record(run, right, 10), packed([0] * 10, [0] * right + [1] * (10 - right)))
    write_site([store.root], tmp_path / "site")
    first = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "ours" in first
    assert MARK not in first
    table = tmp_path / "site" / "store" / "tables" / "table-trained-elsewhere.json"
    assert json.loads(table.read_text(encoding="utf-8"))["key"]["model"] == ELSEWHERE


def test_a_frame_says_so(store: Store) -> None:
    frame = load_frame(store)
    theirs = frame[frame["model"] == ELSEWHERE]
    assert set(theirs["method"]) == {ELSEWHERE}
    assert json.loads(theirs["config"].iloc[0])["model"] == "ViT-B-16/best.pt"
