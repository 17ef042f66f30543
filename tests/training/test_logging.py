"""Loggers see what the run does, and change nothing of it."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest

from harness.errors import Interrupted, UserError
from harness.execution.context import Context
from harness.execution.run import Shared, execute
from harness.specs import RunSpec
from harness.store.store import Store
from harness.training import logging
from harness.training.logging import resolved, run_log
from harness.training.optimiser import learning_rate
from tests.engine import make_context, make_spec, outcome, stop_after
from tests.test_specs import spec as any_spec


def curves(folder: Path) -> dict[str, dict[int, float]]:
    """Read event files by TensorBoard's own reader, purges done."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        name: {point.step: point.value for point in events.Scalars(name)}
        for name in events.Tags()["scalars"]
    }


class Noted:
    """A logger that keeps what it was told, and can break."""

    def __init__(self, breaks_at: int = -1) -> None:
        self.breaks_at = breaks_at
        self.began: list[int] = []
        self.values: dict[str, dict[int, float]] = defaultdict(dict)
        self.scores: dict[str, float] = {}
        self.closed: list[bool] = []

    def begin(self, step: int) -> None:
        self.began.append(step)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        if step == self.breaks_at:
            raise OSError("disk full")
        for name, value in values.items():
            self.values[name][step] = value

    def final(self, step: int, values: dict[str, float]) -> None:
        self.scores = dict(values)

    def close(self, done: bool) -> None:
        self.closed.append(done)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Noted]:
    """Give every run a `Noted` instead of TensorBoard."""
    made: list[Noted] = []

    def opened(*_: object) -> Noted:
        made.append(Noted())
        return made[-1]

    monkeypatch.setattr(logging, "TensorBoard", opened)
    return made


@pytest.fixture(scope="module")
def spec(image_folder: Path, random_clip: Path) -> RunSpec:
    return make_spec("alignclip", image_folder, random_clip, selection="best", eval_every=5)


def test_the_values_are_those_of_the_record(
    spec: RunSpec, image_folder: Path, tmp_path: Path, noted: list[Noted]
) -> None:
    context = make_context(tmp_path, image_folder, log=("tensorboard",))
    record = execute(spec, Shared(context))
    (log,) = noted
    metrics = record.metrics
    assert (log.began, log.closed) == ([0], [True])
    for name, tenths in metrics.losses.items():
        points = log.values[f"loss/{name}"]
        assert list(points) == list(range(1, 13))
        # Twelve steps in tenths: the first tenth is steps 1 and 2, the last step 12.
        assert tenths[0] == pytest.approx((points[1] + points[2]) / 2, abs=1e-6)
        assert tenths[-1] == pytest.approx(points[12], abs=1e-6)
    from methods.alignclip import AlignCLIP

    config = AlignCLIP.Config.model_validate(spec.config)
    assert log.values["lr"] == {s: learning_rate(s - 1, config) for s in range(1, 13)}
    for domain, score in metrics.zero_shot_val.items():
        points = log.values[f"source_val/{domain}"]
        assert list(points) == [0, 5, 10, 12]
        assert points[0] == score.accuracy
        assert points[metrics.selected_step] == metrics.source_val[domain].accuracy
    wanted = {f"source_val/{k}": v.accuracy for k, v in metrics.source_val.items()}
    assert log.scores == wanted | {"test/target": metrics.tests["target"].accuracy}


def test_tensorboard_and_wandb_change_no_byte_and_a_resumed_run_has_one_curve(
    spec: RunSpec, image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    plain = make_context(tmp_path / "plain", image_folder)
    execute(spec, Shared(plain))
    asked = resolved([f"tensorboard:{tmp_path / 'curves'}", "wandb:project"])
    logged = make_context(tmp_path / "logged", image_folder, log=asked)
    execute(spec, Shared(logged))
    cut = make_context(tmp_path / "cut", image_folder, log=(*asked[1:], "tensorboard"))
    with pytest.raises(Interrupted):
        execute(spec, Shared(cut), stop=stop_after(7))
    # As a killed run leaves it: logged to step 9, checkpoint of step 7.
    (folder,) = (tmp_path / "cut" / "tensorboard").iterdir()
    ghost = logging.TensorBoard(spec, folder.parent)
    ghost.begin(7)
    ghost.scalars(8, {"lr": 99.0})
    ghost.scalars(9, {"lr": 99.0})
    ghost.close(False)
    assert execute(spec, Shared(cut)).provenance.resumed == 1
    assert outcome(tmp_path / "plain", spec.id) == outcome(tmp_path / "logged", spec.id)
    assert outcome(tmp_path / "plain", spec.id) == outcome(tmp_path / "cut", spec.id)

    (whole,) = (tmp_path / "curves").iterdir()
    assert folder.name == whole.name
    assert whole.name.endswith(spec.id)
    assert curves(whole) == curves(folder)
    assert list(curves(whole)["lr"]) == list(range(1, 13))
    tested = Store(tmp_path / "plain").read(spec.id).accuracy
    assert curves(whole)["final/test/target"] == {12: pytest.approx(tested, abs=1e-7)}

    # One folder for each attempt, both of the run's own id, which is what `wandb sync` goes by.
    files = list((tmp_path / "cut" / "wandb").glob(f"offline-run-*/run-{spec.id}.wandb"))
    assert len(files) == 2
    assert len(list((tmp_path / "cut" / "wandb").glob("offline-run-*"))) == 2
    written = b"".join(file.read_bytes() for file in files)
    assert b"final/test/target" in written
    assert b"loss/" in written
    assert str(Path(spec.model.name.removeprefix("local-dir:")).parent).encode() not in written


def test_a_run_without_training_logs_its_scores(
    image_folder: Path, random_clip: Path, tmp_path: Path, noted: list[Noted]
) -> None:
    context = make_context(tmp_path, image_folder, log=("tensorboard",))
    record = execute(make_spec("zero_shot", image_folder, random_clip), Shared(context))
    (log,) = noted
    assert log.began == [0]
    assert log.scores["test/target"] == record.accuracy


def test_a_logger_that_breaks_is_dropped_and_the_run_goes_on(
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = Noted(breaks_at=2)
    monkeypatch.setattr(logging, "TensorBoard", lambda *_: log)
    context = make_context(tmp_path, image_folder, log=("tensorboard",))
    spec = make_spec("finetune", image_folder, random_clip)
    execute(spec, Shared(context))
    assert Store(tmp_path).has(spec.id)
    assert list(log.values["lr"]) == [1]
    assert capsys.readouterr().out.count("log tensorboard: OSError: disk full; it is off") == 1


def test_a_failed_run_closes_its_logger_as_failed(tmp_path: Path, noted: list[Noted]) -> None:
    with pytest.raises(ZeroDivisionError), run_log(any_spec(), ("tensorboard",), tmp_path):
        raise ZeroDivisionError
    assert noted[0].closed == [False]


def test_wandb_that_cannot_start_costs_the_run_its_curves_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = ModuleType("wandb")
    fake.Settings = dict  # type: ignore[attr-defined]

    def init(**_: object) -> None:
        raise RuntimeError("api_key not configured\nmore")

    fake.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    with run_log(any_spec(), ("wandb",), tmp_path) as logger:
        assert logger is not None
        logger.scalars(1, {"loss": 1.0})
    said = capsys.readouterr().out
    assert said.startswith("log wandb: RuntimeError: api_key not configured; the run goes on")
    assert said.count("\n") == 1


def test_what_is_asked_for_is_checked_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolved([]) == ()
    assert resolved(["tensorboard:logs", "tensorboard:logs"]) == (
        f"tensorboard:{os.path.realpath(tmp_path)}/logs",
    )
    with pytest.raises(UserError, match="unknown logger 'tensorbord': did you mean tensorboard"):
        resolved(["tensorbord:x"])
    monkeypatch.setattr(logging, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="package 'wandb' is missing; pip install wandb"):
        resolved(["wandb"])


def test_the_context_carries_it_and_the_identity_does_not(tmp_path: Path) -> None:
    context = Context(store=tmp_path, log=("wandb:p",))
    assert Context.model_validate_json(context.model_dump_json()).log == ("wandb:p",)
    assert "log" not in any_spec().content()


def test_without_a_logger_nothing_is_opened(tmp_path: Path) -> None:
    with run_log(any_spec(), (), tmp_path) as log:
        assert log is None
    assert not list(tmp_path.iterdir())
