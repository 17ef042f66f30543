"""`sweep run` with a search: trials, choice and final runs in one call, whenever it is stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness import resources
from harness.cli.main import main
from harness.store.store import Store
from harness.tune.choice import finals_of, runs_of, trials_of
from tests.engine import outcome, wait_for

SWEEP = """\
name: tuned
model: "local-dir:{model}"
dataset: folder
seeds: [0, 1]
targets: [domain1]
defaults: {{steps: 6, batch_per_domain: 2, lr: 1.0e-3}}
tune:
  trials: 3
  select: [training-domain, leave-one-source-out]
  space: {{lr: {{log_uniform: [1.0e-4, 1.0e-2]}}}}
methods: [zero_shot, {method}]
"""

FRAGILE = """
from harness import registry
base = registry.method_class("finetune")

class Fragile(base):
    name = "fragile"
    summary = "fails where the rate is high"
    search_space = {}

    def losses(self, batch):
        if self.config.lr > 1e-2:
            raise FloatingPointError("diverged")
        return super().losses(batch)
"""


def options(folder: Path, images: Path, store: str) -> list[str]:
    return [
        str(folder / "tuned.yaml"), "--data-root", str(images), "--store", str(folder / store),
        "--cache-dir", str(folder / "cache"), "--workers", "1",
    ]  # fmt: skip


def test_a_search_that_was_stopped_goes_on_to_the_same_choice(
    image_folder: Path, random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tuned.yaml"
    file.write_text(SWEEP.format(model=random_clip, method="clipood"))
    words = options(tmp_path, image_folder, "whole")
    assert main(["sweep", "plan", *words]) == 0
    said = capsys.readouterr().out
    assert "9 trials; then 4 final runs with the values chosen" in said
    assert "9 missing" in said
    assert not (tmp_path / "whole").exists()
    assert main(["sweep", "run", *words]) == 0
    said = capsys.readouterr().err
    assert "trials: 9 of 9 done; values chosen in 2 of 2 searches" in said

    parts = options(tmp_path, image_folder, "parts")
    assert main(["sweep", "run", *parts, "--limit", "2"]) == 0
    assert "nothing is chosen before all trials" in capsys.readouterr().err
    store = Store(tmp_path / "parts")
    assert len(list(store.records())) == 2
    command = [sys.executable, "run_benchmark.py", "sweep", "run", *parts]
    process = subprocess.Popen(command, cwd=resources.ROOT, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(list(store.records())) > 3, process)
    process.terminate()
    assert process.wait(300) == 130
    assert main(["sweep", "run", *parts]) == 0
    (planned,) = store.plans()
    runs = runs_of(planned, store)
    assert {record.id for record in store.records()} == {run.id for run in runs}
    whole = Store(tmp_path / "whole")
    assert [r.id for r in runs_of(planned, whole)] == [r.id for r in runs]
    for run in runs:
        assert outcome(whole.root, run.id) == outcome(store.root, run.id), run.title()
    # --again repeats trials and final runs alike
    capsys.readouterr()
    assert main(["sweep", "run", *parts, "--again", "CLIPud"]) == 2
    assert "CLIPud" in capsys.readouterr().err
    assert main(["sweep", "run", *parts, "--again", planned.searches[0].finals[0].label]) == 0
    assert len(list((store.root / "replaced").iterdir())) == 2


def test_a_trial_that_fails_is_the_worst_and_said(
    image_folder: Path, random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "fragile.py"
    plugin.write_text(FRAGILE)
    text = SWEEP.format(model=random_clip, method="fragile").replace("steps: 6", "steps: 1")
    text = text.replace("training-domain, leave-one-source-out", "training-domain")
    text = text.replace("trials: 3", "search: grid").replace("domain1", "domain0")
    space = "{choice: [0.02, 1.0e-4]}"
    (tmp_path / "tuned.yaml").write_text(text.replace("{log_uniform: [1.0e-4, 1.0e-2]}", space))
    words = options(tmp_path, image_folder, "store")
    assert main(["sweep", "run", *words, "--plugin", str(plugin)]) == 1
    said = capsys.readouterr().err
    assert "1 failed, which counts as the worst; values chosen in 1 of 1 searches" in said
    store = Store(tmp_path / "store")
    (planned,) = store.plans()
    (search,) = planned.searches
    assert [t.status for t in trials_of(search, store)] == ["done", "failed", "done"]
    ((_, finals),) = finals_of(planned, store)
    assert all(store.has(run.id) for run in finals)
    assert main(["report", "--store", str(store.root), "--format", "md,csv"]) == 0
    table = (store.root / "report" / "table.md").read_text()
    assert "1 of its trials failed, which counts as the worst." in table
    assert "(trial" not in table
    lines = (store.root / "report" / "trials.csv").read_text().splitlines()
    assert "fragile[lr=0.02],failed,,False" in lines[2]
