"""Optional loggers: curves of a run for TensorBoard and W&B; off unless a context asks for them.

A logger only watches. It gets plain floats that the run computes anyway, so metrics and predictions
are the same bytes with and without it. One that breaks while a run is under way is switched off,
with a line in the run's log; one that cannot even be opened fails the run, before its first step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from harness.errors import UserError, error_line, unknown_name
from harness.specs import RunSpec
from harness.store.records import Score
from harness.store.redact import safe_spec

PROJECT = "clip-benchmark-harness"
"""Project of W&B, unless another is named."""


class Logger(Protocol):
    """What the engine tells while a run goes on. Steps count from 1; 0 is before the first."""

    def begin(self, step: int) -> None:
        """Start, or after `step` steps go on with what an earlier attempt logged."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take values of one step: ``loss/<term>``, ``lr``, ``source_val/<domain>`` (0..1)."""

    def final(self, step: int, values: Mapping[str, float]) -> None:
        """Take the finished run's ``source_val/<domain>`` and ``test/<test set>`` (0..1)."""

    def close(self, done: bool) -> None:
        """Write what is left. Not `done`: the run failed or was stopped."""


def fractions(group: str, scores: Mapping[str, Score]) -> dict[str, float]:
    """Return accuracies in 0..1 as ``<group>/<name>``."""
    return {f"{group}/{name}": score.accuracy for name, score in scores.items()}


class TensorBoard:
    """Event files in ``<folder>/<title>-<id>``; those of a resumed run lie beside its first."""

    def __init__(self, spec: RunSpec, folder: Path) -> None:
        slug = re.sub(r"[^\w.=]+", "-", spec.title()).strip("-")[:80]
        self.folder = folder / f"{slug}-{spec.id}"
        self.text = safe_spec(spec).model_dump_json(indent=1)
        self.writer: Any = None

    def begin(self, step: int) -> None:
        """Open the file; TensorBoard drops what a killed attempt logged after `step`."""
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(self.folder, purge_step=step + 1 if step else 0)
        if not step:
            self.writer.add_text("spec", f"```\n{self.text}\n```")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to every curve."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def final(self, step: int, values: Mapping[str, float]) -> None:
        """Add the scores as points of their own, ``final/...``."""
        self.scalars(step, {f"final/{name}": value for name, value in values.items()})

    def close(self, done: bool) -> None:
        """Flush."""
        if self.writer is not None:
            self.writer.close()


class WandB:
    """A W&B run whose id is the run's: an interrupted run goes on under the same one."""

    def __init__(self, spec: RunSpec, project: str, folder: Path) -> None:
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        self.run = wandb.init(
            project=project,
            name=spec.title(),
            id=spec.id,
            resume="allow",
            dir=str(folder),
            config=safe_spec(spec).model_dump(mode="json"),
            # What is printed belongs to the run's own log, which the worker has redirected.
            settings=wandb.Settings(console="off"),
        )

    def begin(self, step: int) -> None:
        """Nothing to do: W&B knows by its id what it has, and leaves earlier steps as they are."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to every curve."""
        self.run.log(dict(values), step=step)

    def final(self, step: int, values: Mapping[str, float]) -> None:
        """Put the scores in the run's summary, ``final/...``."""
        self.run.summary.update({f"final/{name}": value for name, value in values.items()})

    def close(self, done: bool) -> None:
        """Upload, or leave the files for ``wandb sync``."""
        self.run.finish(exit_code=0 if done else 1)


class _Guarded:
    """Several loggers as one; what raises is dropped."""

    def __init__(self, loggers: Mapping[str, Logger]) -> None:
        self.loggers = dict(loggers)

    def begin(self, step: int) -> None:
        self._each(lambda logger: logger.begin(step))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self._each(lambda logger: logger.scalars(step, values))

    def final(self, step: int, values: Mapping[str, float]) -> None:
        self._each(lambda logger: logger.final(step, values))

    def close(self, done: bool) -> None:
        self._each(lambda logger: logger.close(done))

    def _each(self, call: Callable[[Logger], None]) -> None:
        for name, logger in list(self.loggers.items()):
            try:
                call(logger)
            except Exception as error:  # a full disk or a lost network must not cost the run
                print(f"log {name}: {error_line(error)}; it is off for the rest of this run")
                del self.loggers[name]


@contextmanager
def run_log(spec: RunSpec, asked: Sequence[str], store: Path) -> Iterator[Logger | None]:
    """Open the loggers of a run and close them at its end; yield None when none is asked for.

    Args:
        spec: The run.
        asked: As `resolved` returns them.
        store: The store's directory, below which files go unless `asked` says where.

    Raises:
        UserError: If one cannot be opened.
    """
    if not asked:
        yield None
        return
    logger = _Guarded({text: _open(text, spec, store) for text in asked})
    try:
        yield logger
    except BaseException:
        logger.close(False)
        raise
    logger.close(True)


def _open(text: str, spec: RunSpec, store: Path) -> Logger:
    kind, _, where = text.partition(":")
    if kind == "tensorboard":
        return TensorBoard(spec, Path(where) if where else store / "tensorboard")
    try:
        return WandB(spec, where or PROJECT, store)
    except Exception as error:  # no key, no network: wandb has errors of its own for each
        raise UserError(
            f"log {text}: {error_line(error)}; try `wandb login`, or WANDB_MODE=offline"
        ) from None


KINDS = ("tensorboard", "wandb")
"""Each the name of its package, and of the extra that installs it."""


def resolved(texts: Sequence[str]) -> tuple[str, ...]:
    """Return ``tensorboard[:DIR]`` and ``wandb[:PROJECT]`` as a context keeps them.

    Raises:
        UserError: For another kind, or one whose package is not installed.
    """
    found = []
    for text in texts:
        kind, _, where = text.partition(":")
        if kind not in KINDS:
            raise unknown_name("logger", kind, KINDS, "write tensorboard[:DIR] or wandb[:PROJECT]")
        if find_spec(kind) is None:
            raise UserError(f"log {text}: package '{kind}' is missing; pip install {kind}")
        if kind == "tensorboard" and where:
            where = str(Path(where).expanduser().resolve())
        found.append(f"{kind}:{where}" if where else kind)
    return tuple(dict.fromkeys(found))
