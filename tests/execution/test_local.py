"""Runs in worker processes of this machine: what is skipped, fails and is done at once."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from unittest.mock import Mock

import pytest

from harness import registry
from harness.execution.local import Outcome, _Crew, run_local
from harness.specs import RunSpec
from harness.store.store import Store
from tests.engine import make_context, make_spec, outcome
from tests.execution.meeting import Meeting


def test_done_runs_are_skipped_and_equal_specs_run_once(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("zero_shot", image_folder, random_clip)
    context = make_context(tmp_path, image_folder)
    first = run_local([spec, spec.model_copy(update={"label": "again"})], context, gpus=["", ""])
    assert (first.done, first.skipped) == (1, 0)
    again = run_local([spec], context)
    assert (again.done, again.skipped) == (0, 1)


def test_failures_are_recorded_and_the_rest_goes_on(
    image_folder: Path, random_clip: Path, tmp_path: Path, slow_plugin: Path
) -> None:
    specs = [
        make_spec("finetune", image_folder, random_clip, lr=1e30),  # raises
        make_spec("slow", image_folder, random_clip, seed=1, steps=8, batch_per_domain=2),  # dies
        make_spec("zero_shot", image_folder, random_clip),
    ]
    context = make_context(tmp_path, image_folder, plugins=(str(slow_plugin),))
    result = run_local(specs, context)
    store = Store(tmp_path)
    assert result.done == 1
    assert store.has(specs[2].id)
    raised, died = store.failure(specs[0].id), store.failure(specs[1].id)
    assert raised is not None
    assert died is not None
    assert "FloatingPointError" in raised.error
    assert "Traceback" in raised.traceback
    assert "SIGKILL" in died.error
    run_local(specs[:1], context)
    tried = store.failure(specs[0].id)
    assert tried is not None
    assert tried.attempts == 2


def test_what_broke_for_another_reason_than_the_user_s_leaves_no_process_behind(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    """Two healthy runs share a process, as do those around a user's mistake; a crash's go on in
    another one."""

    def processes(store: Path, middle: RunSpec) -> list[str]:
        specs = [
            make_spec("zero_shot", image_folder, random_clip, seed=0),
            middle,
            make_spec("zero_shot", image_folder, random_clip, seed=1),
        ]
        result = run_local(specs, make_context(store, image_folder))
        assert (result.done, len(result.failed)) == (2, 1)
        logs = [Store(store).run_dir(spec.id) / "log.txt" for spec in (specs[0], specs[2])]
        return [log.read_text().splitlines()[0].rsplit("pid ", 1)[1] for log in logs]

    crash = make_spec("finetune", image_folder, random_clip, lr=1e30)
    first, second = processes(tmp_path / "crash", crash)
    assert first != second
    changed = crash.dataset.model_copy(update={"fingerprint": "0" * 16})
    mistake = crash.model_copy(update={"dataset": changed})
    first, second = processes(tmp_path / "mistake", mistake)
    assert first == second


def test_fail_fast_starts_nothing_more(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    specs = [
        make_spec("finetune", image_folder, random_clip, lr=1e30),
        make_spec("zero_shot", image_folder, random_clip),
    ]
    result = run_local(specs, make_context(tmp_path, image_folder), fail_fast=True)
    assert (result.done, len(result.failed)) == (0, 1)


def test_two_workers_give_the_numbers_of_one(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    specs = [make_spec(name, image_folder, random_clip) for name in ("clipood", "coop", "finetune")]
    for workers in (1, 2):
        context = make_context(tmp_path / str(workers), image_folder, cache=tmp_path / "cache")
        assert run_local(specs, context, [""] * workers).done == 3
    for spec in specs:
        assert outcome(tmp_path / "1", spec.id) == outcome(tmp_path / "2", spec.id)


def test_four_gpus_do_four_runs_at_a_time_and_one_that_is_killed_is_done_again(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    meeting = Meeting(tmp_path / "here", wanted=4)
    meeting.kill.touch()
    registry.add_plugin_file(str(meeting.plugin))
    specs = [make_spec("meeting", image_folder, random_clip, seed=n, steps=4) for n in range(6)]
    context = make_context(tmp_path / "four", image_folder, plugins=(str(meeting.plugin),))
    gpus = ["0", "GPU-1", "2", "3"]
    first = run_local(specs, context, gpus)
    assert first.done == 5
    ((killed, why),) = first.failed
    assert (killed, "SIGKILL" in why) == (specs[1], True)
    seen = meeting.gpus()
    assert {seen[seed] for seed in range(4)} == set(gpus)
    again = run_local(specs, context, gpus)
    assert (again.done, again.skipped) == (1, 5)
    alone = context.model_copy(update={"store": tmp_path / "one"})
    assert run_local(specs, alone).done == 6
    for spec in specs:
        made = Store(tmp_path / "four").read(spec.id).provenance
        assert made.gpu == (gpus[0] if spec == killed else seen[spec.seed])
        assert made.runs_per_gpu == 1
        assert outcome(tmp_path / "four", spec.id) == outcome(tmp_path / "one", spec.id)


@pytest.mark.parametrize("healthy", [True, False], ids=["one of two", "every one"])
def test_a_gpu_that_does_not_answer_takes_no_run_from_the_others(
    healthy: bool,
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    broken = make_context(tmp_path, image_folder, device="cuda", gpu="0")
    other = make_context(tmp_path, image_folder) if healthy else broken
    monkeypatch.setattr("harness.execution.local.seated", lambda *_: [broken, other])
    specs = [make_spec("zero_shot", image_folder, random_clip, seed=n) for n in range(3)]
    result = run_local(specs, broken, ["0", "1"])
    assert (result.done, len(result.failed)) == ((3, 0) if healthy else (0, 3))
    failures = [Store(tmp_path).failure(spec.id) for spec in specs]
    for failure in failures:
        assert healthy or (failure is not None and "sees no CUDA device" in failure.error)
        assert not healthy or failure is None


def test_a_worker_that_had_nothing_left_to_do_takes_what_an_unfit_one_gives_back(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context(tmp_path, image_folder)
    crew = _Crew(deque(), [context, context], Outcome(), fail_fast=False)
    crew.display = Mock()
    spec = make_spec("zero_shot", image_folder, random_clip)
    unfit = Mock(number=1)
    unfit.spec = spec
    crew.workers = [unfit]  # the first one has ended
    hired: list[int] = []
    monkeypatch.setattr(crew, "_hire", hired.append)
    crew._handle(unfit, {"event": "unfit", "error": "GPU 1 does not answer"})
    crew._handle(unfit, {"event": "exit", "code": 0})
    assert (hired, list(crew.todo)) == ([0], [spec])
