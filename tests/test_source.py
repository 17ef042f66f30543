"""The hash of a method's source: it changes with the file and with what the file takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.source import source_hash

METHOD = '''\
"""A method."""

from harness.method import Method, TrainConfig
from harness.training.losses import cosine_logits


class Mine(Method[TrainConfig]):
    """Mine."""

    name, summary, citation = "mine_of_source", "mine", "none"
    Config = TrainConfig
'''


def load(file: Path, monkeypatch: pytest.MonkeyPatch) -> type:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    registry.add_plugin_file(str(file))
    return registry.method_class("mine_of_source")


def test_an_edit_of_the_file_changes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.py"
    file.write_text(METHOD)
    cls = load(file, monkeypatch)
    before = source_hash(cls)
    assert len(before) == 16
    file.write_text(METHOD.replace('"mine", "none"', '"mine", "another"'))
    assert source_hash(cls) != before
    file.write_text(METHOD)
    assert source_hash(cls) == before


def test_where_the_file_lies_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "mine.py"
        file.write_text(METHOD)
        hashes.append(source_hash(load(file, monkeypatch)))
    assert hashes[0] == hashes[1]


def test_shared_losses_are_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.py"
    file.write_text(METHOD)
    cls = load(file, monkeypatch)
    before = source_hash(cls)
    losses = tmp_path / "losses.py"
    losses.write_text("# other losses\n")
    monkeypatch.setattr(
        "harness.source._file_of", lambda name: losses if name.endswith(".losses") else None
    )
    assert source_hash(cls) != before


def test_shipped_methods_that_share_nothing_differ() -> None:
    hashes = [source_hash(registry.method_class(name)) for name in ("coop", "clipood", "maple")]
    assert len(set(hashes)) == 3
