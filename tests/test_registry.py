from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
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
def test_one_file_adds_a_method(tmp_path: Path, first: registry.Kind) -> None:
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


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.py: no such file"):
        registry.add_plugin_file(str(tmp_path / "nowhere.py"))


def test_a_wrong_name_brings_the_nearest_ones() -> None:
    with pytest.raises(UserError, match=r"unknown method 'clipod': did you mean clipood") as caught:
        registry.method_class("clipod")
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"did you mean PACS.*known: .*emoji, folder"):
        registry.dataset_class("pacs")
