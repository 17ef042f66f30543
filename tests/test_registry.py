from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness import registry
from harness.cli.main import main
from harness.errors import UserError

SAY_IT_THEMSELVES = {"lr", "weight_decay", "optimizer"}
PLUGIN = '''
from harness import registry
from harness.method import MethodConfig

class Config(MethodConfig):
    """Settings."""
    strength: float = 1.0
    """How much."""

class Mine(registry.method_class("zero_shot")):
    """One file, one method."""
    name = "mine"
    summary = "mine"
    Config = Config
'''


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_extra_files", list(registry._extra_files))
    monkeypatch.setattr(registry, "_found", {})


def test_the_five_methods_and_two_data_sets_are_there_and_nothing_is_broken() -> None:
    methods, datasets = registry.discover("methods"), registry.discover("datasets")
    assert set(methods.plugins) >= {"zero_shot", "finetune", "coop", "clipood", "alignclip"}
    assert set(datasets.plugins) >= {"emoji", "folder"}
    assert not methods.broken
    assert not datasets.broken


def test_every_method_says_what_it_is_where_from_and_what_its_parameters_mean() -> None:
    for name, cls in registry.discover("methods").plugins.items():
        assert cls.summary, name
        assert len(cls.citation) > 20, name
        undocumented = [
            key for key, field in cls.Config.model_fields.items()
            if not field.description and key not in SAY_IT_THEMSELVES
        ]  # fmt: skip
        assert undocumented == []
        for values in cls.presets.values():
            cls.Config.model_validate(values)


@pytest.mark.parametrize("first", ["methods", "datasets"])
def test_one_file_adds_a_method(tmp_path: Path, first: registry.PluginKind) -> None:
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    registry.add_plugin_file(str(file))
    # In whichever order they are asked for: the file itself asks for a method while it loads.
    registry.discover(first)
    assert registry.method_class("mine").Config().model_dump() == {"strength": 1.0}
    assert registry.plugin_files()[-1] == str(file)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import no_such_package\n", "no_such_package"),
        ("raise RuntimeError('half\\nfinished')\n", "half"),
        ("def broken(:\n", "SyntaxError"),
        ("from harness.method import Method\nclass Nameless(Method): pass\n", "Nameless"),
        (
            "import sys\nsys.exit(0)\n",
            "calls sys.exit(0) when it is loaded; remove that (bad.py:2)",
        ),
        ("from harness.errors import gone\n", "cannot import name 'gone'"),
        (PLUGIN.replace('name = "mine"', "name = 3"), "class Mine: `name` is 3; make it a text"),
        (PLUGIN.replace("= Config", "= dict"), "`Config` must be a subclass"),
        (PLUGIN + "    citation = None\n", "class Mine has no `citation`; add it"),
        (PLUGIN.replace('"mine"', '"my own"', 1), "use letters, digits and underscores"),
        (PLUGIN.replace('"mine"', '"clipood"', 1), "clipood.py; choose another"),
    ],
)
def test_a_broken_file_leaves_the_others_working(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "bad.py"
    file.write_text(text)
    registry.add_plugin_file(str(file))
    found = registry.discover("methods")
    assert "clipood" in found.plugins
    (reason,) = found.broken.values()
    assert why in reason
    assert "\n" not in reason


def test_list_says_each_in_one_line_and_run_runs_the_others(
    tmp_path: Path, image_folder: Path, random_clip: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    texts = {
        "syntax": "def broken(:\n",
        "missing": "import no_such_package\n",
        "leaves": "raise SystemExit('bye')\n",
        "taken": PLUGIN.replace('"mine"', '"clipood"', 1),
        "good": PLUGIN,
    }
    plugins = []
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
        plugins += ["--plugin", str(tmp_path / f"{name}.py")]
    assert main(["list", *plugins]) == 0
    lines = [x for x in capfd.readouterr().out.splitlines() if x.startswith("not loaded")]
    assert len(lines) == 4
    for line, name in zip(lines, ("syntax", "missing", "leaves", "taken"), strict=True):
        assert line.startswith(f"not loaded: {tmp_path / name}.py: ")
    store = tmp_path / "store"
    where = ["--model", f"local-dir:{random_clip}", "--dataset", "folder", "--data-root",
             str(image_folder), "--target", "domain1", "--store", str(store)]  # fmt: skip
    assert main(["run", "mine[strength=2]", "zero_shot", *where, *plugins, "--workers", "1"]) == 0
    said = capfd.readouterr().err
    assert "2 run(s) done" in said
    assert said.count("not loaded: ") == 4


def test_an_installed_package_brings_a_method(
    tmp_path: Path,
    image_folder: Path,
    random_clip: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package, info = tmp_path / "third_party", tmp_path / "third_party-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text("")
    (package / "method.py").write_text(PLUGIN.replace('"mine"', '"theirs"'))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[clip_benchmark_harness.methods]\n"
        "theirs = third_party.method:Mine\n"
        "gone = third_party.gone:Mine\n"
        "module = third_party.method\n"
        "[clip_benchmark_harness.datasets]\n"
        "wrong = third_party.method:Mine\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # a worker sees what is installed
    try:
        found = registry.discover("methods")
        assert found.origins["theirs"] == "entry point theirs"
        assert "No module named 'third_party.gone'" in found.broken["entry point gone"]
        assert "is no subclass of harness.method.Method" in found.broken["entry point module"]
        broken = registry.discover("datasets").broken
        assert "is no subclass of harness.dataset.Dataset" in broken["entry point wrong"]
        where = ["--model", f"local-dir:{random_clip}", "--dataset", "folder", "--data-root",
                 str(image_folder), "--target", "domain1",
                 "--store", str(tmp_path / "store")]  # fmt: skip
        assert main(["run", "theirs", *where]) == 0
        assert "1 run(s) done" in capsys.readouterr().err
    finally:
        for name in [name for name in sys.modules if name.startswith("third_party")]:
            del sys.modules[name]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.py: no such file"):
        registry.add_plugin_file(str(tmp_path / "nowhere.py"))
    (tmp_path / "loop.py").symlink_to("loop.py")
    with pytest.raises(UserError, match=r"loop\.py: no such file"):
        registry.add_plugin_file(str(tmp_path / "loop.py"))


def test_a_wrong_name_brings_the_nearest_ones() -> None:
    with pytest.raises(UserError, match=r"unknown method 'clipod': did you mean clipood") as caught:
        registry.method_class("clipod")
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"did you mean PACS.*known: .*emoji, folder"):
        registry.dataset_class("pacs")
