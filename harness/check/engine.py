"""Whole runs through the engine: the held-out domain, resuming, a worker process."""

from __future__ import annotations

import functools
import json
import queue
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from harness.check.bench import STEPS, Subject
from harness.check.result import Skip, Wrong
from harness.check.suite import file_of
from harness.dataset import Sample
from harness.errors import Interrupted
from harness.execution.process import Worker
from harness.execution.run import Shared, execute
from harness.specs import RunSpec
from harness.store.store import Store

_HOOKS = ("build", "losses", "after_step", "averager", "image_features", "logits")
_WORKER_SECONDS = 120.0


@dataclass
class Whole:
    """An uninterrupted run in this process."""

    spec: RunSpec
    error: BaseException | None
    peeked: str
    """The first image or list of the held-out domain that a hook of the method read, if any."""


def _whole(subject: Subject) -> Whole:
    if subject.outcome is None:
        spec = subject.spec()
        peeked: list[str] = []
        error = None
        with _watched(subject, peeked):
            try:
                execute(spec, Shared(subject.bench.context(_store(subject, "whole"))))
            except (Exception, SystemExit) as caught:
                error = caught
        subject.outcome = Whole(spec, error, peeked[0] if peeked else "")
    found: Whole = subject.outcome
    return found


def _store(subject: Subject, kind: str) -> str:
    return f"{subject.cls.name}-{subject.token}-{kind}"


@contextmanager
def _watched(subject: Subject, peeked: list[str]) -> Iterator[None]:
    """Note every image or list of the held-out domain read within one of the method's hooks."""
    inside: list[str] = []
    data = type(subject.bench.opened)
    read, listed = data.read, data.samples

    def noting(self: Any, sample: Sample) -> bytes:
        if inside and sample.domain == subject.bench.target:
            peeked.append(f"{sample.key} in {inside[-1]}()")
        return read(self, sample)

    def noting_lists(self: Any, domain: str) -> tuple[Sample, ...]:
        if inside and domain == subject.bench.target:
            peeked.append(f"samples('{domain}') in {inside[-1]}()")
        return listed(self, domain)

    def entered(name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(hook)
        def call(*args: Any, **kwargs: Any) -> Any:
            inside.append(name)
            try:
                return hook(*args, **kwargs)
            finally:
                inside.pop()

        return call

    with ExitStack() as stack:
        stack.enter_context(patch.object(data, "read", noting))
        stack.enter_context(patch.object(data, "samples", noting_lists))
        for name in _HOOKS:
            hook = getattr(subject.cls, name)
            stack.enter_context(patch.object(subject.cls, name, entered(name, hook)))
        yield


def target(subject: Subject) -> None:
    """The method itself reads no image and no label of the held-out domain, at any time."""
    whole = _whole(subject)
    locked = isinstance(whole.error, PermissionError) and "held out" in str(whole.error)
    if whole.peeked or locked:
        raise Wrong(
            "work on what the hooks are given and read no other image, no list of samples",
            "the result on the held-out domain would mean nothing",
            "no read of the held-out domain in " + ", ".join(f"{h}()" for h in _HOOKS),
            whole.peeked or str(whole.error),
        )


def run(subject: Subject) -> None:
    """A run comes to its record."""
    error = _whole(subject).error
    if error is not None:
        raise error


def resume(subject: Subject) -> None:
    """A run that is stopped and continued ends in the same bytes."""
    if not subject.cls.trains:
        raise Skip("it does not train")
    spec = _whole(subject).spec
    context = subject.bench.context(_store(subject, "parts"))
    left = [STEPS // 2]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    with suppress(Interrupted):
        execute(spec, Shared(context), stop=stop)
    torch.manual_seed(99)
    record = execute(spec, Shared(context))
    if not record.provenance.resumed:
        raise Wrong("set steps to 6 or more in what you give to `check`", "nothing was resumed")
    _compare(
        subject,
        context.store,
        "keep in state_dict() whatever changes while it trains and is no parameter, and take it "
        "back in load_state_dict(); draw random numbers from harness.seeding.generator",
        "a run that is killed must continue to the same result",
    )


def worker(subject: Subject) -> None:
    """A worker process finds the method by its name and gets the same bytes."""
    spec = _whole(subject).spec
    context = subject.bench.context(_store(subject, "worker"))
    events: queue.Queue[tuple[Worker, Any]] = queue.Queue()
    process = Worker(0, context, events)
    process.start(spec)
    process.close()
    error = "it ended without a word"
    try:
        while True:
            _, event = events.get(timeout=_WORKER_SECONDS)
            if event["event"] == "failed":
                error = event["error"]
            if event["event"] == "exit":
                break
    except queue.Empty:
        error = f"no answer within {_WORKER_SECONDS:.0f} s"
        process.process.kill()
    if not Store(context.store).has(spec.id):
        raise Wrong(
            "make the file work when it is loaded afresh in another process "
            "(no state left by other code, no module that only you have imported)" + _at(subject),
            "runs happen in worker processes, here and on a cluster",
            "a finished run",
            error,
        )
    _compare(
        subject,
        context.store,
        "keep nothing that changes in module or class variables",
        "a run's result must not depend on the process and on what ran in it before",
    )


def _at(subject: Subject) -> str:
    """Return where the plugin raised in the worker, from the traceback of the failure record."""
    store = Store(subject.bench.context(_store(subject, "worker")).store)
    failure = store.failure(_whole(subject).spec.id)
    file = file_of(subject.cls)
    lines = re.findall(
        rf'File "{re.escape(file)}", line (\d+)', failure.traceback if failure else ""
    )
    return f" at {Path(file).name}:{lines[-1]}" if lines else ""


def _compare(subject: Subject, other: Path, change: str, why: str) -> None:
    whole = _whole(subject)
    stores = Store(subject.bench.context(_store(subject, "whole")).store), Store(other)
    ours, theirs = (json.loads(s.read(whole.spec.id).metrics.model_dump_json()) for s in stores)
    for key in ours:
        if ours[key] != theirs[key]:
            raise Wrong(change, why, f"{key} {_short(ours[key])}", f"{key} {_short(theirs[key])}")
    a, b = ((s.run_dir(whole.spec.id) / "predictions.npz").read_bytes() for s in stores)
    if a != b:
        raise Wrong(change, why, "the same predictions, byte for byte", "others")


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else text[:117] + "..."
