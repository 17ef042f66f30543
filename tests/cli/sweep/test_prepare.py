"""`sweep prepare`: what it finds before any job waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from tests.cli.sweep.prepared import SWEEP
from tests.conftest import make_folder
from tests.execution.slurm.user import write


def typed(tmp_path: Path, model: str, images: Path, cache: Path) -> int:
    """Type `sweep prepare`; return its status."""
    file, store = write(tmp_path / "s.yaml", SWEEP.format(model=model)), tmp_path / "store"
    where = ["--data-root", str(images), "--cache-dir", str(cache), "--store", str(store)]
    status = main(["sweep", "prepare", str(file), *where])
    assert (store / "slurm" / "prepared.json").exists() == (status == 0)
    return status


def test_a_broken_image_is_named(
    random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = make_folder(tmp_path / "images", per_class=3)
    broken = sorted(images.rglob("*.png"))[4:6]
    for path in broken:
        path.write_bytes(b"no image")
    model = f"local-dir:{random_clip}"
    assert typed(tmp_path, model, images, tmp_path / "cache") == 2
    said = capsys.readouterr().err
    assert said.startswith("error: data set 'folder': ")
    assert str(broken[0].relative_to(images)) in said
    assert "not a readable image" in said
    assert said.endswith("(and 1 more)\n")
    assert said.count("\n") == 1
    for path in broken:
        path.unlink()
    assert typed(tmp_path, model, images, tmp_path / "cache") == 0
    assert "25 images decoded" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("hf-hub:somebody/gone", "HF_HUB_OFFLINE is set: run once where there is a network"),
        ("local-dir:/gone", "no folder /gone; correct the path"),
    ],
)
def test_missing_weights_are_one_line(
    model: str, message: str, image_folder: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert typed(tmp_path, model, image_folder, tmp_path / "cache") == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert said.count("\n") == 1


def test_a_cache_that_cannot_be_written_is_one_line(
    random_clip: Path, image_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = write(tmp_path / "file", "") / "cache"
    assert typed(tmp_path, f"local-dir:{random_clip}", image_folder, cache) == 2
    assert f"--cache-dir {cache}: Not a directory; give a shared" in capsys.readouterr().err
