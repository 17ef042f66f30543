"""What every verb that runs shares: stops, failures, code that changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from harness import registry
from harness.cli.main import main
from harness.execution.run import Shared, execute
from harness.store.leftovers import AGE_SECONDS
from harness.store.store import Store
from tests.conftest import make_folder
from tests.engine import make_context, make_spec, outcome, wait_for

ROOT = Path(__file__).resolve().parents[2]


def zero_shot(root: Path, model: Path, place: Path) -> list[str]:
    """Return the command of a run on `root`, with store and cache in `place`."""
    return [
        "run", "zero_shot", "--model", f"local-dir:{model}", "--dataset", "folder",
        "--data-root", str(root), "--target", "domain0", "--store", str(place / "store"),
        "--cache-dir", str(place / "cache"),
    ]  # fmt: skip


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_the_command_stops_and_the_next_call_continues(
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    slow_plugin: Path,
    how: signal.Signals,
) -> None:
    command = [
        sys.executable, "run_benchmark.py", "run",
        "slow[steps=120,batch_per_domain=4,lr=0.001]",
        "--plugin", str(slow_plugin), "--model", f"local-dir:{random_clip}",
        "--dataset", "folder", "--data-root", str(image_folder), "--target", "domain1",
        "--store", str(tmp_path), "--cache-dir", str(tmp_path / "cache"),
        "--seeds", "0,2", "--workers", "2",
    ]  # fmt: skip
    specs = [
        make_spec("slow", image_folder, random_clip, seed=n, steps=120, batch_per_domain=4, lr=1e-3)
        for n in (0, 2)
    ]
    logs = [Store(tmp_path).work_dir(spec.id) / "log.txt" for spec in specs]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # Tests started in a shell's background inherit an ignored SIGINT, and so would the command.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for log in logs:
        wait_for(lambda log=log: log.exists() and "step 3" in log.read_text(), process)
    process.send_signal(how)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "the same command continues" in said
    assert all((log.parent / "checkpoint.pt").is_file() for log in logs)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not list(Store(tmp_path).failures())
    for spec in specs:
        record = Store(tmp_path).read(spec.id)
        assert record.provenance.resumed == 1
        assert record.provenance.command[0] == "run_benchmark.py"
        execute(spec, Shared(make_context(tmp_path / "whole", image_folder)))
        assert outcome(tmp_path, spec.id) == outcome(tmp_path / "whole", spec.id)


def test_an_unreadable_image_is_named(
    random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_folder(tmp_path / "data", per_class=3)
    bad = root / "domain2" / "red_thing" / "01.png"
    bad.write_bytes(b"\x89PNG broken")
    status = main(
        ["run", "zero_shot", "--model", f"local-dir:{random_clip}", "--dataset", "folder",
         "--data-root", str(root), "--target", "domain1", "--store", str(tmp_path / "store"),
         "--cache-dir", str(tmp_path / "cache")]
    )  # fmt: skip
    said = capsys.readouterr().err
    assert status == 1
    (line,) = [line for line in said.splitlines() if line.startswith("failed: ")]
    assert f"{bad}: not a readable image" in line
    assert "replace or delete the file" in line
    assert "Traceback" not in said


EDITED = '''\
"""A method that is edited between runs."""

from harness import registry
from harness.method import TrainConfig
from harness.training.losses import cosine_logits, smoothed_cross_entropy
from harness.training.text_head import TextHeadMethod, images_of


class Edited(TextHeadMethod[TrainConfig]):
    """Fine-tuning, its loss times a factor."""

    name, summary, citation = "edited", "edited", "none"
    Config = TrainConfig

    def losses(self, batch):
        logits = cosine_logits(self.image_features(images_of(batch)), self.text, 10.0)
        return {"loss": FACTOR * smoothed_cross_entropy(logits, batch.labels)}
'''


def test_an_edited_method_is_told_apart_and_run_again_when_asked(
    where: list[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    file, store = tmp_path / "edited.py", Store(tmp_path / "store")
    call = ["run", "edited[steps=3,batch_per_domain=2,lr=1e-2]", *where, "--plugin", str(file)]

    def edit(factor: str) -> None:
        file.write_text(EDITED.replace("FACTOR", factor))
        monkeypatch.setattr(registry, "_found", {})
        for name in [name for name in sys.modules if name.startswith("_plugin_edited_")]:
            del sys.modules[name]

    edit("1.0")
    assert main([*call, "--seeds", "0"]) == 0
    assert "as it was before" not in capfd.readouterr().err
    edit("2.0")
    assert main([*call, "--seeds", "0-1"]) == 0
    assert "1 run(s) of edited were done with its code as it was before" in capfd.readouterr().err
    assert main(["report", "--store", str(store.root), "--format", "csv", "--no-evidence"]) == 0
    lines = (store.root / "report" / "table.csv").read_text().splitlines()
    labels = {line.split(",domain1")[0] for line in lines[1:]}
    assert len(labels) == 2  # not one row of two codes
    assert all("code=" in label for label in labels)
    assert main([*call, "--seeds", "0-1", "--again"]) == 0
    assert "2 run(s) done" in capfd.readouterr().err
    assert len({record.method_source for record in store.records()}) == 1
    assert len(list((store.root / "replaced").iterdir())) == 2  # kept aside


def test_what_a_folder_leaves_out_is_said_before_the_runs(
    tmp_path: Path, random_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_folder(tmp_path / "d", domains=2)
    (root / "domain0" / "red_thing" / "00.png").rename(root / "domain0" / "red_thing" / "00.heic")
    assert main([*zero_shot(root, random_clip, tmp_path), "--dry-run"]) == 0
    assert "note: " in (said := capsys.readouterr().err)
    assert "files left out by their ending: 1 .heic" in said


def test_the_next_run_sweeps_what_killed_ones_left(tmp_path: Path, random_clip: Path) -> None:
    root = make_folder(tmp_path / "d", domains=2)
    left = [tmp_path / name / f".x.{'0' * 32}" for name in ("store/runs", "cache/features")]
    for file in left:
        file.parent.mkdir(parents=True)
        file.touch()
        os.utime(file, (time.time() - 2 * AGE_SECONDS,) * 2)
    assert main(zero_shot(root, random_clip, tmp_path)) == 0
    assert not any(file.exists() for file in left)


def test_damaged_images_are_said_when_runs_read_them(
    tmp_path: Path, random_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_folder(tmp_path / "d", domains=2)
    file = root / "domain0" / "red_thing" / "00.png"
    Image.effect_noise((64, 64), 50).convert("RGB").save(file)
    file.write_bytes(file.read_bytes()[:-1000])
    assert main(zero_shot(root, random_clip, tmp_path)) == 0
    assert f"damaged, read as far as it goes, the rest grey: {file}" in " ".join(
        capsys.readouterr().err.split()
    )
