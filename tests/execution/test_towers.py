"""Models and methods are looked at once, in the process that plans the runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness import registry
from harness.errors import UserError
from harness.execution import towers
from harness.execution.towers import check_models
from tests.engine import make_spec

SCRIPT = """
import sys
from harness.cli.main import main
assert main(sys.argv[1:]) == 0
assert not {"open_clip", "torchvision", "timm", "wandb", "scipy"} & set(sys.modules)
"""


def test_a_process_that_starts_workers_does_not_import_open_clip_when_it_was_looked_at(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    check_models([make_spec("zero_shot", image_folder, random_clip)], tmp_path)
    command = [
        "run", "zero_shot", "--model", f"local-dir:{random_clip}", "--dataset", "folder",
        "--data-root", str(image_folder), "--target", "domain1", "--workers", "1",
        "--store", str(tmp_path / "store"), "--cache-dir", str(tmp_path),
    ]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", SCRIPT, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1 run(s) done" in done.stderr


def test_what_went_together_is_not_looked_at_again_and_anything_else_is(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    monkeypatch.setattr(towers, "_look", looked.append)
    one, two = (make_spec("clip_surgery", image_folder, random_clip, depth=n) for n in (1, 2))
    check_models([one], tmp_path)
    check_models([one, one], tmp_path)
    assert len(looked) == 1
    check_models([two], tmp_path)
    assert len(looked) == 2
    monkeypatch.setattr(registry, "source_hash", lambda cls: "edited")
    check_models([one], tmp_path)
    assert len(looked) == 3
    monkeypatch.setattr(registry, "source_hash", lambda cls: "")  # nobody knows what it does
    check_models([one], tmp_path)
    check_models([one], tmp_path)
    assert len(looked) == 5


def test_what_does_not_go_together_is_refused_each_time(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    deep = make_spec("clip_surgery", image_folder, random_clip, depth=40)
    for _ in range(2):
        with pytest.raises(UserError, match="depth=40"):
            check_models([deep], tmp_path)


def test_a_method_of_many_runs_is_read_once(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    monkeypatch.setattr(registry, "source_hash", lambda cls: read.append(cls.name) or "code")
    runs = [make_spec("zero_shot", image_folder, random_clip, seed=seed) for seed in range(50)]
    check_models(runs, tmp_path)
    assert read == ["zero_shot"]
