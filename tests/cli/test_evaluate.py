"""`evaluate`: weights from anywhere, tested as they are, recorded as trained elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from harness.cli.main import main
from harness.clip.load import load_backbone
from harness.execution.run import Shared, execute
from harness.specs import ELSEWHERE, ModelSpec
from harness.store.records import RunRecord
from harness.store.store import Store
from tests.conftest import make_folder
from tests.engine import make_context, make_spec

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def where(image_folder: Path, tmp_path: Path) -> list[str]:
    return [
        "--dataset", "folder", "--target", "domain1", "--data-root", str(image_folder),
        "--store", str(tmp_path / "store"), "--cache-dir", str(tmp_path / "cache"),
    ]  # fmt: skip


def exported(method: str, images: Path, model: Path, at: Path, *words: str) -> RunRecord:
    """Run a method and export it into ``at/out``."""
    spec = make_spec(method, images, model)
    record = execute(spec, Shared(make_context(at / "ours", images, keep_weights=True)))
    place = ["--store", str(at / "ours"), "--data-root", str(images), "--cache-dir", str(at / "c")]
    assert main(["export", spec.id, "--out", str(at / "out"), *place, *words]) == 0
    return record


def evaluated(store: Path) -> RunRecord:
    (record,) = Store(store).records()
    return record


@pytest.mark.parametrize(
    ("method", "words"),
    [("clipood", ()), ("coop", ()), ("clipood", ("--format", "transformers"))],
)
def test_an_exported_run_has_its_record_s_accuracy(
    method: str,
    words: tuple[str, ...],
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    where: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours = exported(method, image_folder, random_clip, tmp_path, *words)
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "out"), *where, "--name", "theirs"]) == 0
    score = ours.metrics.tests["target"]
    said = capsys.readouterr()
    share = f"{100 * score.accuracy:.1f} % ({score.correct} of {score.n})"
    assert said.out == f"theirs · folder/domain1 · seed 0: {share}\n"
    assert said.err.endswith(f"{ELSEWHERE}\n")
    record = evaluated(tmp_path / "store")
    assert record.metrics.tests == ours.metrics.tests
    assert record.spec.model.elsewhere
    assert record.citation == ELSEWHERE
    assert main(["evaluate", str(tmp_path / "out"), *where]) == 0
    said = capsys.readouterr().err
    assert "1 were done before" in said
    assert "tested before as" not in said
    assert main(["evaluate", str(tmp_path / "out"), *where, "--name", "mine"]) == 0
    assert "--name mine: these weights were tested before as 'theirs'" in capsys.readouterr().err
    assert main(["report", "--store", str(tmp_path / "store"), "--format", "md"]) == 0
    table = (tmp_path / "store" / "report" / "table-trained-elsewhere.md").read_text()
    assert ELSEWHERE in table
    file = Store(tmp_path / "store").run_dir(record.id) / "record.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": 7}))
    assert main(["evaluate", str(tmp_path / "out"), *where]) == 2
    assert "record.json: of format 7, written by" in capsys.readouterr().err


def test_learned_prompts_are_of_their_classes(
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    where: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    exported("coop", image_folder, random_clip, tmp_path)
    other = make_folder(tmp_path / "other")
    for path in other.glob("*/red_thing"):
        path.rename(path.with_name("pink_thing"))
    where[where.index(str(image_folder))] = str(other)
    assert main(["evaluate", str(tmp_path / "out"), *where]) == 2
    assert "learned for 3 classes, and 'pink thing' is none of them" in capsys.readouterr().err
    shutil.copytree(tmp_path / "out", tmp_path / "texts")
    (tmp_path / "texts" / "classes.safetensors").unlink()
    assert main(["evaluate", str(tmp_path / "texts"), *where]) == 0


def test_an_image_tower_with_the_texts_of_what_it_was_trained_from(
    image_folder: Path, random_clip: Path, tmp_path: Path, where: list[str]
) -> None:
    """As CLIPood saves it; of other weights than the folder, whose text tower completes it."""
    other = load_backbone(ModelSpec(name=f"local-dir:{random_clip}")).model.visual.state_dict()
    changed = {key: value + 0.1 * torch.ones_like(value) for key, value in other.items()}
    torch.save({"state_dict": changed}, tmp_path / "tower.pt")
    words = ["--architecture", f"local-dir:{random_clip}", *where]
    assert main(["evaluate", str(tmp_path / "tower.pt"), *words]) == 0
    record = evaluated(tmp_path / "store")
    assert record.spec.label == "tower.pt"
    whole = load_file(random_clip / "open_clip_model.safetensors")
    whole |= {f"visual.{key}": value for key, value in changed.items()}
    torch.save(whole, tmp_path / "whole.pt")
    context = make_context(tmp_path / "ours", image_folder)
    spec = make_spec("zero_shot", image_folder, random_clip)
    model = spec.model.model_copy(update={"pretrained": str(tmp_path / "whole.pt")})
    same = execute(spec.model_copy(update={"model": model}), Shared(context))
    assert same.model_fingerprint == record.model_fingerprint
    assert same.metrics == record.metrics


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone.pt"], "gone.pt: no such file or folder; give one, or hf-hub:OWNER/NAME, or a tag"),
        (["laion2b"], "laion2b: no such file or folder"),
        (["gone.pt", "--architecture", "ViT-B-16"], "gone.pt: no such checkpoint file"),
        (["x", "--architecture", "ViT-B-61"], "unknown model 'ViT-B-61': did you mean"),
        (["openay", "--architecture", "ViT-B-16"], "unknown weights of ViT-B-16 'openay'"),
        (["{model}", "--architecture", "ViT-B-16"], "a folder says its architecture; leave it out"),
        (["{model}", "--base", "openai"], "--base openai: completes a file; give its --arch"),
        (["{weights}"], "a file does not say its model; give --architecture its name"),
        (["hf-hub:no-such-owner/no-such-model"], "HF_HUB_OFFLINE is set: run once where there is"),
        (["{empty}"], "neither open_clip_config.json nor transformers'"),
        (["{pickle}", "--architecture", "local-dir:{model}"], "not weights alone, and loading"),
        (["{head}", "--architecture", "local-dir:{model}"], "('fc.weight', 5 outputs)"),
        (["{weights}", "--architecture", "hf-hub:a/b"], "which brings its own weights"),
        (["{model}", "--target", "domain9"], "target 'domain9' is no domain of 'folder'"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str],
    message: str,
    random_clip: Path,
    tmp_path: Path,
    where: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    torch.save(torch.nn.Linear(2, 2), tmp_path / "pickle.pt")
    torch.save({"conv1.weight": torch.ones(2), "fc.weight": torch.ones(5, 2)}, tmp_path / "head.pt")
    places = {
        "model": random_clip, "weights": random_clip / "open_clip_model.safetensors",
        "empty": tmp_path / "empty", "pickle": tmp_path / "pickle.pt", "head": tmp_path / "head.pt",
    }  # fmt: skip
    called = [word.format(**places) for word in words]
    assert main(["evaluate", called[0], *where, *called[1:]]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "store").exists()


def test_a_file_of_open_clip_s_shapes_is_told_which(
    tmp_path: Path,
    where: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harness.clip.checkpoint.fitting", lambda shapes: ["ViT-B-16", "other"])
    torch.save({"visual.proj": torch.ones(2)}, tmp_path / "a.pt")
    assert main(["evaluate", str(tmp_path / "a.pt"), *where]) == 2
    said = capsys.readouterr().err
    assert said.endswith("give --architecture ViT-B-16 or other, which have its shapes\n")


def test_a_model_of_the_hub_that_was_fetched_before(
    random_clip: Path, tmp_path: Path, where: list[str]
) -> None:
    hub = tmp_path / "hub" / "models--me--mine"
    shutil.copytree(random_clip, hub / "snapshots" / ("a" * 40))
    (hub / "refs").mkdir()
    (hub / "refs" / "main").write_text("a" * 40)
    done = subprocess.run(
        [sys.executable, "run_benchmark.py", "evaluate", "hf-hub:me/mine", *where],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    model = evaluated(tmp_path / "store").spec.model
    assert (model.name, model.elsewhere) == ("hf-hub:me/mine", True)


def test_dry_run_tests_nothing(random_clip: Path, tmp_path: Path, where: list[str]) -> None:
    assert main(["evaluate", str(random_clip), *where, "--dry-run"]) == 0
    assert not (tmp_path / "store").exists()


def test_a_row_has_a_name_that_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "two\nlines"
    assert main(["evaluate", str(tmp_path), "--name", name, "--store", str(tmp_path / "s")]) == 2
    assert capsys.readouterr().err.startswith(f"error: --name {name!r}: give a name")
