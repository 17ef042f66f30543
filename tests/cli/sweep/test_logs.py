"""`sweep logs`: a run's log by the first digits of its id."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.specs import RunSpec
from harness.store.records import SweepPlan
from harness.store.store import Store
from tests.execution.slurm.fakes import spec


@pytest.fixture
def run(tmp_path: Path) -> RunSpec:
    """Return a run that has a log, of a plan with another that has none."""
    runs = spec("finetune", 0), spec("finetune", 1)
    store = Store(tmp_path)
    store.write_plan(SweepPlan(name="s", source={}, runs=runs))
    log = store.work_dir(runs[0].id) / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("step 3\n")
    return runs[0]


def test_the_log_and_the_failure(
    run: RunSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Store(tmp_path).fail(run, "ValueError: x", "Traceback", "yesterday")
    assert main(["sweep", "logs", run.id[:8], "--store", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "log.txt <==\nstep 3\n" in said
    assert "failed 1 time(s), last yesterday: ValueError: x" in said


def test_no_log_yet(run: RunSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = spec("finetune", 1)
    assert main(["sweep", "logs", other.id, "--store", str(tmp_path)]) == 0
    assert f"({other.id}) has no log yet" in capsys.readouterr().err


def test_digits_of_no_run_or_of_several(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tuple(spec("finetune", seed) for seed in range(17))  # more than there are digits
    Store(tmp_path).write_plan(SweepPlan(name="s", source={}, runs=runs))
    firsts = [run.id[0] for run in runs]
    twice = next(digit for digit in firsts if firsts.count(digit) > 1)
    for digits, message in (
        (twice, f"{firsts.count(twice)} begin so; give more digits"),
        ("xyz", "run xyz: not in"),
    ):
        assert main(["sweep", "logs", digits, "--store", str(tmp_path)]) == 2
        assert message in capsys.readouterr().err
