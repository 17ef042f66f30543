"""`sweep submit`: what it refuses, and what it says of Slurm's answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.cli.main import main
from harness.execution.slurm import snapshot
from harness.execution.slurm.ledger import Ledger
from harness.store.store import Store
from tests.cli.sweep.prepared import SWEEP as PREPARED
from tests.conftest import make_folder
from tests.execution.slurm.fakes import waiting_slurm
from tests.execution.slurm.user import write

SWEEP = "name: many\nmethods: [{method}]\nseeds: {seeds}\ntargets: [noto]\n"


def typed(tmp_path: Path, *words: str, method: str = "finetune", runs: int = 10) -> int:
    """Type `sweep submit` for a sweep of that many runs; return its status."""
    file = write(tmp_path / "s.yaml", SWEEP.format(method=method, seeds=list(range(runs))))
    where = ["--cluster", "cpu", "--store", str(tmp_path / "store")]
    return main(["sweep", "submit", str(file), *where, *words])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cluster", "nowhere"], "unknown cluster 'nowhere'"),
        (["--cluster", "gone.yaml"], "--cluster gone.yaml: no such file"),
        (["--cluster", "cpu", "--set", "timeout"], "--set timeout: write KEY=VALUE"),
        (["--cluster", "cpu", "--set", "tineout_min=3"], "did you mean timeout_min"),
        (
            ["--cluster", "cpu", "--runs-per-job", "0"],
            "--runs-per-job: '0': give a whole number from 1",
        ),
        (["--cluster", "cpu", "--set", "slurm_qos='a\n\nb'"], "field 'slurm_qos' is 'a\\nb'"),
        (["--cluster", "cpu", "--limit", "0"], "--limit: '0': give a whole number from 1"),
        (["--cluster", "cpu", "--store", "a%j"], "Slurm takes no path with %; give another"),
        (["--cluster", "cpu", "--store", "a\nb"], "Slurm takes no path with a line break"),
    ],
)
def test_a_mistake_of_submit_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "submit", "quickstart", "--store", str(tmp_path / "s"), *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_a_limit_on_submitted_jobs_is_filled_and_the_rest_goes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = waiting_slurm(tmp_path / "bin", monkeypatch, most=6)
    assert typed(tmp_path) == 2
    assert sum(map(int, jobs.read_text().split())) == 6
    said = capsys.readouterr().err
    assert said.startswith("error: sbatch refused: QOSMaxSubmitJobPerUserLimit; accepted before: 6")
    assert "in Slurm's 100, 101 (`sweep cancel` ends them); the same command submits the" in said
    assert said.endswith("other 4 later\n")
    (first,) = Ledger(tmp_path / "store").submissions()
    assert sum(len(array.job_ids) for array in first.arrays) == 6
    assert first.complete

    waiting_slurm(tmp_path / "bin", monkeypatch)
    assert typed(tmp_path) == 0
    assert sum(map(int, jobs.read_text().split())) == 10
    runs = [run for s in Ledger(tmp_path / "store").submissions() for a in s.arrays for t in a.tasks
            for run in t]  # fmt: skip
    assert len(runs) == len(set(runs)) == 10
    assert typed(tmp_path) == 0
    assert "nothing to submit: 10 queued" in capsys.readouterr().out


def test_any_other_refusal_is_not_tried_with_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = waiting_slurm(tmp_path / "bin", monkeypatch, 6, "Invalid account", array_size=4)
    assert typed(tmp_path) == 2
    assert jobs.read_text().split() == ["4"]  # the second array of four is refused
    said = capsys.readouterr().err
    assert "sbatch refused: Invalid account; accepted before: 4 run(s) in Slurm's 100" in said
    assert "submits the other 6 later" in said


def test_arrays_are_of_the_size_that_slurm_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = waiting_slurm(tmp_path / "bin", monkeypatch, array_size=4)
    assert typed(tmp_path) == 0
    assert jobs.read_text().split() == ["4", "4", "2"]


def test_no_more_jobs_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = waiting_slurm(tmp_path / "bin", monkeypatch)
    assert typed(tmp_path, "--set", "max_jobs=4") == 0
    assert jobs.read_text().split() == ["4"]
    assert "to keep to max_jobs: 4, a job takes 3 runs or more" in capsys.readouterr().err


def test_failed_runs_are_named_and_left_to_retry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = waiting_slurm(tmp_path / "bin", monkeypatch)
    assert typed(tmp_path, "--limit", "1") == 0
    store = Store(tmp_path / "store")
    (planned,) = store.plans()
    for spec in planned.runs[5:]:
        store.fail(spec, "ValueError: x", "", "yesterday")
    assert typed(tmp_path) == 0
    said = capsys.readouterr().err
    assert "left out: 5 failed run(s) (finetune · emoji/noto · seed 5, " in said
    assert "seed 7 ...); `sweep retry` submits them again" in said
    assert jobs.read_text().split() == ["1", "4"]


@pytest.mark.parametrize(
    ("test_only", "status", "said"),
    [
        (
            "echo 'sbatch: Job 7 to start at noon' >&2; exit 0",
            0,
            "would take it: Job 7 to start at",
        ),
        ("echo 'sbatch: error: invalid partition' >&2; exit 1", 2, "refuses it: invalid partition"),
        ("echo 'sbatch: fatal: no config' >&2; exit 1", 0, "Slurm does not answer: fatal: no conf"),
    ],
)
def test_a_dry_run_asks_sbatch(
    test_only: str, status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    jobs = waiting_slurm(tmp_path / "bin", monkeypatch, test_only=test_only)
    assert typed(tmp_path, "--dry-run") == status
    assert said in capsys.readouterr().out
    assert not jobs.exists()
    (tmp_path / "bin" / "sbatch").unlink()
    assert typed(tmp_path, "--dry-run") == 0
    assert "not asked of Slurm: no sbatch here" in capsys.readouterr().out


def test_a_plugin_with_a_helper_beside_it_is_refused_before_anything_is_queued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    check = snapshot.check
    jobs = waiting_slurm(tmp_path / "bin", monkeypatch)
    monkeypatch.setattr(snapshot, "check", check)
    write(tmp_path / "a_helper_beside.py", "SUMMARY = 'x'\n")
    monkeypatch.syspath_prepend(tmp_path)
    plugin = write(
        tmp_path / "mine.py",
        "import a_helper_beside\nfrom harness import registry\n\n\n"
        "class Mine(registry.method_class('finetune')):\n"
        "    name = 'mine'\n    summary = a_helper_beside.SUMMARY\n",
    )
    assert typed(tmp_path, "--plugin", str(plugin), method="mine", runs=1) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: plugin {plugin}: jobs cannot load it: ModuleNotFoundError: No ")
    assert "'a_helper_beside' (mine.py:1); they have a copy of this file alone" in said
    assert not jobs.exists()


def test_only_what_was_prepared_is_submitted(
    tmp_path: Path, random_clip: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    images = make_folder(tmp_path / "images", per_class=3)
    file = write(tmp_path / "p.yaml", PREPARED.format(model=f"local-dir:{random_clip}"))
    where = [str(file), "--data-root", str(images), "--store", str(tmp_path / "store")]
    where += ["--cache-dir", str(tmp_path / "cache")]
    ask = ["sweep", "submit", *where, "--cluster", "cpu"]
    jobs = waiting_slurm(tmp_path / "bin", monkeypatch)
    assert main(ask) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "error: not prepared: data set folder; jobs run offline: `sweep prepare`"
    )
    assert not jobs.exists()
    assert main([*ask, "--dry-run"]) == 0
    assert "note: not prepared: data set folder" in capsys.readouterr().err
    assert main(["sweep", "prepare", *where]) == 0
    assert main(ask) == 0
    jobs.unlink()

    (images / "domain0" / "red_thing" / "00.png").unlink()
    capsys.readouterr()
    assert main(ask) == 2
    assert "not prepared: data set folder as it is now" in capsys.readouterr().err
    assert main([*ask, "--force"]) == 0
    assert jobs.exists()
