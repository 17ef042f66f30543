"""The house has no circle, nothing in the engine looks up, and the picture of it is true."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "scripts/architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_circle_between_files_or_rooms(script: ModuleType) -> None:
    files = script.file_graph()
    assert script.circles(files) == []
    assert script.circles(script.room_graph(files)) == []


def test_the_engine_imports_neither_report_nor_verb_nor_plugin(script: ModuleType) -> None:
    assert script.uphill(script.file_graph()) == []


def test_no_plugin_imports_a_plugin(script: ModuleType) -> None:
    for module, targets in script.file_graph().items():
        if module.split(".")[0] in ("methods", "datasets"):
            assert [t for t in targets if t.split(".")[0] in ("methods", "datasets")] == []


def test_the_picture_shows_today_s_imports(script: ModuleType) -> None:
    drawn = json.loads(Image.open(script.PICTURE).info[script.KEY])
    now = script.room_graph(script.file_graph())
    assert drawn == now, "run `python scripts/architecture.py` and look at the picture"


def test_a_circle_and_a_look_upwards_are_found(script: ModuleType, tmp_path: Path) -> None:
    texts = {
        "harness/data/a.py": "from harness.data import b\n",
        "harness/data/b.py": "import harness.data.a\n",
        "harness/training/c.py": "def f():\n    from harness.report.tables import d\n",
        "harness/report/tables/d.py": "",
        "harness/clip/e.py": "if TYPE_CHECKING:\n    from harness.clip import f\n",
        "harness/clip/f.py": "from harness.clip.e import x\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    files = script.file_graph(tmp_path)
    assert script.circles(files) == [["harness.data.a", "harness.data.b"]]
    assert script.uphill(files, tmp_path) == [("harness.training.c", "harness.report.tables.d")]
    assert script.room_graph(files, tmp_path)["training"] == ["report/tables"]


def test_only_arrows_that_no_longer_way_replaces_are_drawn(script: ModuleType) -> None:
    graph = {"a": ["b", "c"], "b": ["c"], "c": []}
    assert script.reduced(graph) == {"a": ["b"], "b": ["c"], "c": []}
    assert script.floors(graph) == {"a": 2, "b": 1, "c": 0}
