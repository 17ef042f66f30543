from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.report.build import Choice
from harness.report.write import write_report
from harness.specs import ModelSpec
from harness.store.store import Store
from tests.report.fakes import add, fill, plan, realistic, spec

BARE = Choice(evidence=False)
ROOT = Path(__file__).resolve().parents[2]
NO_TORCH = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "open_clip", "torchvision"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
from pathlib import Path
from harness.report.write import write_report
from harness.store.store import Store
write_report(Store(sys.argv[1]), Path(sys.argv[2]))
from harness.report.page.literature import literature
from harness.report.page.render import write_page
from harness.report.published.numbers import load_numbers
write_page(Store(sys.argv[1]), Path(sys.argv[2]), beside=literature(load_numbers()))
assert "torch" not in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""


def in_a_process(store: Path, out: Path, hash_seed: str) -> dict[str, bytes]:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    environment.pop("DISPLAY", None)
    subprocess.run(
        [sys.executable, "-c", NO_TORCH, str(store), str(out)], check=True, env=environment, cwd=out
    )
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_without_torch_and_with_the_same_bytes_twice(tmp_path: Path) -> None:
    realistic(tmp_path / "store")
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        out.mkdir()
    first, second = (in_a_process(tmp_path / "store", out, str(i)) for i, out in enumerate(outs))
    assert sorted(first) == [
        "beyond.csv",
        "beyond.md",
        "beyond.tex",
        "comparison.csv",
        "comparison.md",
        "comparison.tex",
        "figure-ablation.pdf",
        "figure-ablation.png",
        "leaderboard.html",
        "table.csv",
        "table.md",
        "table.pdf",
        "table.png",
        "table.tex",
    ]
    for name, data in first.items():
        assert data == second[name], f"{name} differs from one run to the next"
    assert first["table.png"].startswith(b"\x89PNG")
    assert b"CreationDate" not in first["table.pdf"]
    assert str(tmp_path).encode() not in b"".join(first.values())


def test_several_blocks_are_several_files(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000,)}})
    add(store, spec("a", "x", model=ModelSpec(name="ViT-B-16", pretrained="openai")), 1200)
    paths = write_report(store, tmp_path / "out", BARE, formats=["md", "tex"])
    assert sorted(path.name for path in paths) == [
        "table-tiny-emoji.md",
        "table-tiny-emoji.tex",
        "table-vit-b-16-openai.md",
        "table-vit-b-16-openai.tex",
    ]
    alone = Choice(model="ViT-B/16", evidence=False)
    (only,) = write_report(store, tmp_path / "out", formats=["md"], choice=alone)
    assert only.name == "table.md"
    assert "60.0" in only.read_text()
    with pytest.raises(UserError, match="unknown model 'RN50'"):
        write_report(store, tmp_path / "out", Choice(model="RN50"))
    with pytest.raises(UserError, match="unknown data set 'pacs'"):
        write_report(store, tmp_path / "out", Choice(dataset="pacs"))
    with pytest.raises(UserError, match="unknown format 'doc'"):
        write_report(store, tmp_path / "out", formats=["doc"])


def test_a_partly_filled_store_is_reported_with_its_holes(tmp_path: Path) -> None:
    store = realistic(tmp_path / "store")
    runs = next(store.plans()).runs
    for gone in runs[::3]:
        (store.run_dir(gone.id) / "record.json").unlink()
    store.fail(runs[0], "RuntimeError: out of memory", "", "now")
    paths = write_report(store, tmp_path / "out")
    text = (tmp_path / "out" / "table.md").read_text()
    assert len(paths) == 7 + 6  # and of comparison and beyond
    assert "(2/3)" in text
    assert "Of 84 runs, 27 missing and 1 failed." in text


def test_figures_of_the_same_name_and_of_sweeps_that_did_not_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000, 1010)}, "b": {"x": (1100, 1120)}})
    shown = {"name": "f", "bars": [{"label": "A", "row": "a"}, {"label": "$B_1$", "row": "b"}]}
    runs = [spec(m, "x", s, method=m) for m in "ab" for s in (0, 1)]
    plan(store, "one", runs, [shown])
    plan(store, "two", runs, [shown])
    plan(store, "three", [spec("c", "x", method="c")], [shown | {"name": "g"}])
    paths = write_report(store, tmp_path / "out", formats=["png"])
    assert [path.name for path in paths] == ["table.png", "figure-one-f.png", "figure-two-f.png"]


def test_hostile_names_can_be_drawn(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed in (0, 1):
        for i, name in enumerate([r"$\frac{a}$ & 100%", "a_b^c", "模型 [x]"]):
            add(store, spec(name, "d$_o$", seed, config={"i": i}), 1000 + 30 * i)
    paths = write_report(store, tmp_path / "out", formats=["png", "pdf"])
    assert all(path.stat().st_size > 5000 for path in paths)


def test_the_store_is_only_read(tmp_path: Path) -> None:
    realistic(tmp_path / "store", ablation=False)
    before = {p: p.read_bytes() for p in (tmp_path / "store").rglob("*") if p.is_file()}
    write_report(Store(tmp_path / "store"), tmp_path / "out", formats=["csv"])
    after = {p: p.read_bytes() for p in (tmp_path / "store").rglob("*") if p.is_file()}
    assert before == after


def test_source_validation_can_be_shown_instead_of_the_target(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000,), "y": (900,)}})
    choice = Choice(score="source_val", evidence=False)
    (path,) = write_report(store, tmp_path / "out", choice, ["md"])
    assert path.name == "table-source_val.md"  # beside, not in place of, the table of targets
    text = path.read_text()
    assert text.count("75.0") == 3  # of the fakes' 1/2 and 2/2, on each domain and on average
    assert "50.0" not in text
    assert "validation parts" in text
