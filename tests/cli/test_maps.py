"""The verb `maps` from a store to its files, and its answers to mistakes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from harness import registry
from harness.cli.main import main
from harness.clip.backbone import Backbone, Preprocess
from harness.errors import UserError
from harness.execution.local import Outcome
from harness.execution.run import Shared, execute
from harness.maps.compute import tower_of
from harness.specs import ModelSpec
from harness.store.records import SweepPlan
from harness.store.store import Store
from harness.sweep.file import plan_sweep, read_sweep
from tests.clip import models
from tests.engine import make_context, make_spec


@pytest.fixture(scope="module")
def store(image_folder: Path, random_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of one target, with weights; one row each of what maps tell apart."""
    root = tmp_path_factory.mktemp("maps") / "store"
    shared = Shared(make_context(root, image_folder, keep_weights=True))
    runs = [
        make_spec(method, image_folder, random_clip, seed=seed)
        for method in ("zero_shot", "finetune", "coop", "alignclip")
        for seed in (0, 1)
    ]
    for run in runs:
        execute(run, shared)
    Store(root).write_plan(SweepPlan(name="four", source={}, runs=tuple(runs)))
    return root


def options(store: Path, image_folder: Path, out: Path, *more: str) -> list[str]:
    return [
        "maps",
        "--store",
        str(store),
        "--data-root",
        str(image_folder),
        "--out",
        str(out),
        *more,
    ]


def test_every_file_is_written_and_numbers_agree(
    store: Path,
    image_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def left_half(self: Any, sample: Any) -> Any:
        mask = np.zeros((24, 24), dtype=np.uint8)
        mask[:, :12] = 255
        return mask

    monkeypatch.setattr(registry.dataset_class("folder"), "mask", left_half)
    assert main(options(store, image_folder, tmp_path, "--images", "1")) == 0
    said = capsys.readouterr()
    assert "left out: coop" in said.err
    stems = (
        "maps-attention-domain1",
        "maps-similarity-domain1",
        "foreground",
        "localisation",
        "foreground-bars",
        "classes",
    )
    for stem in stems:
        assert Image.open(tmp_path / f"{stem}.png").size[0] > 300
        assert (tmp_path / f"{stem}.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "foreground.tex").is_file()
    said_in_words = (tmp_path / "foreground.md").read_text().splitlines()[-1]
    assert "zero_shot puts" in said_in_words
    with (tmp_path / "foreground.csv").open() as file:
        lines = list(csv.DictReader(file))
    values = {(line["method"], line["measure"]): line for line in lines}
    row = next(line["method"] for line in lines if line["method"].startswith("alignclip"))
    # Half of the image is object, so chance is one half, and the ratio is twice the share.
    assert float(values["zero_shot", "area"]["mean"]) == pytest.approx(50)
    share, ratio = (
        float(values[row, name]["mean"]) for name in ("all blocks", "all blocks / area")
    )
    assert ratio == pytest.approx(2 * share)
    blocks = [float(values[row, f"block {i}"]["mean"]) for i in (1, 2, 3)]
    assert share == pytest.approx(sum(blocks) / 3)
    assert values[row, "all blocks"]["seeds"] == "2"
    assert values["zero_shot", "all blocks"]["spread"] == ""  # it is deterministic
    change = share - float(values["zero_shot", "all blocks"]["mean"])
    assert f"{row} {share:.1f} ± " in said_in_words
    assert f"({ratio / 100:.2f}, {change:+.1f} ± " in said_in_words


def test_without_masks_there_are_pictures_and_no_share(
    store: Path, image_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "domain1/red_thing/00.png"
    more = ("--images", key, "--row", "zero_shot", "--sweep", "four", "--target", "domain1")
    assert main(options(store, image_folder, tmp_path, *more)) == 0
    assert "no masks in data set 'folder'" in capsys.readouterr().err
    names = {path.stem for path in tmp_path.iterdir()}
    assert names == {"maps-attention-domain1", "maps-similarity-domain1", "classes"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--row", "alineclip"], "unknown row 'alineclip'"),
        (["--target", "domain7"], "unknown target 'domain7': did you mean domain1"),
        (["--seed", "5"], "--seed 5: no finished run of that seed; use one of 0, 1"),
        (["--layers", "9"], "--layers 9: the tower has 3 blocks"),
        (["--images", "domain1/nothing.png"], "unknown image 'domain1/nothing.png'"),
        (["--images", "0"], "--images 0"),
        (["--sweep", "five"], "unknown sweep 'five'"),
    ],
)
def test_a_mistake_is_answered_in_one_line(
    store: Path,
    image_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    said: str,
) -> None:
    assert main(options(store, image_folder, tmp_path, *more)) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert said in error


def test_a_store_without_weights_says_how_to_get_them(
    image_folder: Path, random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [
        "--model",
        f"local-dir:{random_clip}",
        "--dataset",
        "folder",
        "--target",
        "domain1",
        "--data-root",
        str(image_folder),
        "--store",
        str(tmp_path / "s"),
        "--cache-dir",
        str(tmp_path / "c"),
    ]
    execute(
        make_spec("finetune", image_folder, random_clip, steps=1),
        Shared(make_context(tmp_path / "s", image_folder)),
    )
    assert main(options(tmp_path / "s", image_folder, tmp_path / "o")) == 2
    error = capsys.readouterr().err
    assert "1 run(s) kept no weights" in error
    assert "--keep-weights" in error
    given = "finetune[steps=1,batch_per_domain=4,lr=0.001]"
    assert main(["run", given, *where, "--keep-weights"]) == 0
    assert "1 run(s) were done before without weights" in capsys.readouterr().err


def test_a_sweep_file_asks_for_weights_here_and_on_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def here(specs: Any, context: Any, *more: Any) -> Outcome:
        asked.append(context.keep_weights)
        return Outcome()

    def on_slurm(request: Any, say: Any) -> None:
        asked.append(request.context.keep_weights)

    monkeypatch.setattr("harness.cli.running.run_local", here)
    monkeypatch.setattr("harness.execution.slurm.submit.submit", on_slurm)
    ids = []
    for line in ("keep_weights: true", ""):
        file = tmp_path / "sweep.yaml"
        file.write_text(f"name: kept\nmethods: [finetune]\nseeds: [0]\n{line}\n")
        where = ["--store", str(tmp_path / "store")]
        assert main(["sweep", "run", str(file), *where]) == 0
        assert main(["sweep", "submit", str(file), "--cluster", "academic", *where]) == 0
        ids.append([run.id for run in plan_sweep(read_sweep(file), None).runs])
    assert asked == [True, True, False, False]
    assert ids[0] == ids[1]


def test_a_resnet_has_no_maps_by_block() -> None:
    preprocess = Preprocess(64, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest")
    backbone = Backbone(
        models.resnet(), None, ModelSpec(name="RN50"), preprocess, torch.device("cpu"), ""
    )
    with pytest.raises(UserError, match="RN50: a ResNet has one attention"):
        tower_of(backbone)


def test_the_class_matrix_alone_needs_no_store(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    asked = [
        "maps",
        "--similarity",
        "--model",
        f"local-dir:{random_clip}",
        "--dataset",
        "folder",
        "--data-root",
        str(image_folder),
        "--out",
        str(tmp_path),
    ]
    assert main(asked) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "classes-folder.png",
        "classes-folder.pdf",
    }
