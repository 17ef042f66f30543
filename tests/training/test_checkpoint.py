"""A checkpoint is continued from only if it is whole, and this run's, and this code's."""

from __future__ import annotations

import random
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.training import checkpoint
from harness.training.checkpoint import (
    SHARE,
    TrainState,
    Unusable,
    Writer,
    check_shapes,
    load,
    save,
)

OWNER = {"run": "0123456789abcdef", "source": "fedcba9876543210"}
PARTS = {"parameters": {"a": torch.arange(6.0).reshape(2, 3)}, "method": {"n": 3}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "checkpoint.pt"
    save(path, TrainState(step=7, losses={"x": [1.0]}, resumed=1), PARTS, OWNER)
    return path


def test_what_is_saved_comes_back(file: Path) -> None:
    loaded = load(file, "cpu", OWNER)
    assert loaded is not None
    state, parts = loaded
    assert (state.step, state.losses, state.resumed) == (7, {"x": [1.0]}, 1)
    assert torch.equal(parts["parameters"]["a"], PARTS["parameters"]["a"])
    assert parts["method"] == {"n": 3}


def test_none_is_none(tmp_path: Path) -> None:
    assert load(tmp_path / "checkpoint.pt", "cpu", OWNER) is None


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_anywhere_is_noticed(file: Path, seed: int) -> None:
    data = bytearray(file.read_bytes())
    place = random.Random(seed).randrange(8 * len(data))
    data[place // 8] ^= 1 << place % 8
    file.write_bytes(data)
    with pytest.raises(Unusable, match="its content is not what was written"):
        load(file, "cpu", OWNER)


@pytest.mark.parametrize("change", ["cut", "empty", "longer", "another file"])
def test_a_file_that_is_not_whole_is_noticed(file: Path, change: str) -> None:
    data = file.read_bytes()
    content = {
        "cut": data[: len(data) // 2],
        "empty": b"",
        "longer": data + b"\0",
        "another file": b"PK" + data,
    }[change]
    file.write_bytes(content)
    with pytest.raises(Unusable, match="its content is not what was written"):
        load(file, "cpu", OWNER)


@pytest.mark.parametrize("key", ["run", "source"])
def test_another_run_s_or_another_code_s_is_noticed(file: Path, key: str) -> None:
    with pytest.raises(Unusable, match=f"its {key} is {OWNER[key]}, this run's is other"):
        load(file, "cpu", OWNER | {key: "other"})


def test_shapes_and_names_must_be_the_same() -> None:
    live = {"a": torch.zeros(2, 3), "b": torch.zeros(4)}
    check_shapes({"a": torch.ones(2, 3), "b": torch.ones(4)}, live)
    with pytest.raises(Unusable, match=r"its 'b' has shape \[1\], not \[4\]"):
        check_shapes({"a": torch.ones(2, 3), "b": torch.ones(1)}, live)
    with pytest.raises(Unusable, match=r"it has other parameters: \['b', 'c'\]"):
        check_shapes({"a": torch.ones(2, 3), "c": torch.ones(4)}, live)
    for other in (torch.ones(4, dtype=torch.int64), torch.full((4,), torch.nan)):
        with pytest.raises(Unusable, match=f"its 'b' is {other.dtype}, or not finite"):
            check_shapes({"a": torch.ones(2, 3), "b": other}, live)


@pytest.mark.parametrize(
    "state", [{"step": "7"}, {"losses": 3}, {"step_ms": None}, {"earlier_s": "x"}, {"best": []}]
)
def test_a_state_of_other_types_is_noticed(tmp_path: Path, state: dict[str, Any]) -> None:
    save(tmp_path / "checkpoint.pt", TrainState(**state), PARTS, OWNER)
    with pytest.raises(Unusable, match=f"its {next(iter(state))} is "):
        load(tmp_path / "checkpoint.pt", "cpu", OWNER)


def test_the_copy_is_of_the_moment_and_written_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.pt"
    writer = Writer(path, OWNER, 0.0)
    go = threading.Event()
    saved = checkpoint.save

    def slow(*arguments: Any) -> None:
        assert go.wait(10)
        saved(*arguments)

    monkeypatch.setattr(checkpoint, "save", slow)
    weights = torch.zeros(3)
    state = TrainState(step=1, step_ms=[1.0])
    assert writer.due
    writer.begin(state, {"parameters": {"w": weights}})
    assert not writer.due  # one is being written
    assert not path.exists()
    weights += 1  # the training goes on
    state.step += 1
    state.step_ms.append(2.0)
    go.set()
    writer.finish()
    loaded = load(path, "cpu", OWNER)
    assert loaded is not None
    assert (loaded[0].step, loaded[0].step_ms) == (1, [1.0])
    assert loaded[1]["parameters"]["w"].tolist() == [0, 0, 0]


def test_checkpoints_are_further_apart_the_more_they_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: clock[0])

    def costly(*_: Any) -> None:
        clock[0] += 2.0

    monkeypatch.setattr(checkpoint, "save", costly)
    writer = Writer(tmp_path / "checkpoint.pt", OWNER, 20.0)
    written = []
    while clock[0] < 1000:
        if writer.due:
            written.append(clock[0])
            writer.begin(TrainState(), {})
            writer.finish()
        clock[0] += 1.0
    assert written[0] == 21
    assert all(b - a >= 2 / SHARE for a, b in pairwise(written))
    assert len(written) == 10


def test_what_cannot_be_written_is_an_error_of_the_training(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file, no folder")
    writer = Writer(tmp_path / "work" / "checkpoint.pt", OWNER, 0.0)
    writer.begin(TrainState(), {})
    with pytest.raises(OSError, match="work"):
        writer.finish()
    writer.finish()  # said once
