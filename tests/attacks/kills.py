"""The program is killed at every operation on a file; called again, it ends as if undisturbed.

An operation is what changes the disk: a file opened to be written, a write (of which half is done
before the kill), fsync, rename, and so on. Killed is killed: SIGKILL, no handler runs.
"""

from __future__ import annotations

import builtins
import hashlib
import io
import itertools
import json
import os
import random
import re
import shutil
import signal
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from harness.cli.main import main
from harness.store.records import Failure, RunRecord, SweepPlan
from tests.attacks import inputs
from tests.attacks.child import Child, Ended, call, one_backbone
from tests.attacks.outcomes import Case, Judged, Outcome

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
_open = io.open


class Killer:
    """Counts operations below a folder; ends the process at one of them."""

    def __init__(self, below: Path, at: int) -> None:
        self.below = os.fsencode(below) + b"/"
        self.at = at
        self.done: list[str] = []

    def arm(self) -> None:
        """Watch from now on."""
        fsync = os.fsync
        os.fsync = partial(self._fsync, fsync)
        io.open = builtins.open = self._opened
        sys.addaudithook(self._audit)

    def due(self, name: str) -> bool:
        """Note an operation; tell whether the process ends with it."""
        self.done.append(name)
        return len(self.done) == self.at

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            writes = isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and self._inside(args[0]) and self.due("open"):
                _end()
        elif event in CHANGES:
            at = args[-1] if event in ("os.remove", "os.mkdir", "os.rmdir") else -1
            if self._inside(args[0], at) and self.due(event):
                _end()

    def _inside(self, path: Any, folder: Any = -1) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        whole = os.fsencode(path)
        if isinstance(folder, int) and folder >= 0:  # shutil.rmtree names files by their folder
            whole = os.readlink(f"/proc/self/fd/{folder}").encode() + b"/" + whole
        return os.path.abspath(whole).startswith(self.below)

    def _fsync(self, fsync: Callable[[Any], None], fd: Any) -> None:
        if self._inside(os.readlink(f"/proc/self/fd/{fd}")) and self.due("fsync"):
            _end()
        fsync(fd)

    def _opened(self, file: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
        """Open as the builtin does; but a write to a file in the folder can be cut in half."""
        if not set(mode) & set("wxa+") or "opener" in more or not self._inside(file):
            return _open(file, mode, *args, **more)
        raw = _Cut(self, file, mode)
        if "b" in mode:
            return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        text = io.TextIOWrapper(io.BufferedWriter(raw), more.get("encoding") or "utf-8")
        return text


class _Cut(io.FileIO):
    def __init__(self, killer: Killer, file: Any, mode: str) -> None:
        super().__init__(file, mode.replace("b", "").replace("t", ""))
        self.killer = killer

    def write(self, data: Any) -> int:
        if self.killer.due("write"):
            super().write(bytes(data)[: len(data) // 2])
            _end()
        return super().write(data)


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Scenario:
    """A call that changes files."""

    name: str
    before: Callable[[Path], None]
    """Writes what is there when it begins."""
    work: Callable[[Path], int]
    """Changes them; returns the exit status."""
    status: int = 0


def _again(folder: Path) -> None:
    inputs.data(folder)
    assert call(inputs.run(folder, "zero_shot")).status == 0


def _failing(folder: Path) -> None:
    inputs.data(folder)
    broken = folder / "images" / "domain1" / "red_thing" / "00.png"
    broken.write_bytes(b"no image")


def _main(argv: Callable[[Path], list[str]]) -> Callable[[Path], int]:
    return lambda folder: main(argv(folder))


@_main
def _merge(folder: Path) -> list[str]:
    return ["leaderboard", "merge", f"{folder}/a.tar.gz", "--store", f"{folder}/other"]


@_main
def _submit(folder: Path) -> list[str]:
    return ["leaderboard", "submit", "--store", f"{folder}/store", "--out", f"{folder}/a.tar.gz"]


@_main
def _report(folder: Path) -> list[str]:
    return ["report", "--store", f"{folder}/store", "--format", "md,csv,tex", "--html"]


def _run(method: str, *more: str) -> Callable[[Path], int]:
    return lambda folder: main([*inputs.run(folder, method), *more])


SCENARIOS = [
    Scenario("run", inputs.data, _run("zero_shot")),
    Scenario("run, training", inputs.data, _run("finetune", "--keep-weights")),
    Scenario("run, features kept", inputs.data, _run("coop")),
    Scenario("run --again", _again, _run("zero_shot", "--again")),
    Scenario("run that fails", _failing, _run("zero_shot"), 1),
    Scenario("sweep run", inputs.with_sweep, _main(inputs.sweep_run)),
    Scenario("report", inputs.store, _report),
    Scenario("leaderboard submit", inputs.store, _submit),
    Scenario("leaderboard merge", inputs.archive, _merge),
    Scenario("merge with a conflict", inputs.conflicting, _merge, 1),
    Scenario("new-method", Path.mkdir, _main(lambda f: ["new-method", "mine", "--dir", f"{f}/m"])),
]


class Attack:
    """One scenario: how it begins, how it ends undisturbed, and how many operations that takes."""

    def __init__(
        self, scenario: Scenario, root: Path, use: Callable[[], None] = lambda: None
    ) -> None:
        self.scenario = scenario
        self.use = use
        self.template = root / f"{scenario.name.replace(' ', '-')}.before"
        self.folder = root / scenario.name.replace(" ", "-")
        # one path for both: where a file lies is part of what some files say
        scenario.before(self.folder)
        self.folder.rename(self.template)
        self._reset()
        self.first = contents(self.folder)
        ended, names = self._counted()
        assert ended.status == scenario.status, ended
        self.operations = len(names)
        self.last = contents(self.folder)

    def _reset(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)

    def _work(self) -> int:
        self.use()
        return self.scenario.work(self.folder)

    def _counted(self) -> tuple[Ended, list[str]]:
        names = self.folder.with_suffix(".names")

        def work() -> int:
            killer = Killer(self.folder, 0)
            killer.arm()
            try:
                return self._work()
            finally:
                names.write_text("\n".join(killer.done))

        return Child(work).wait(), names.read_text().split("\n")

    def kill(self, *at: int) -> Judged:
        """Kill calls one after the other, each at its operation; let the last one end; judge."""
        self._reset()
        killed = 0
        outcome: Outcome = "right"
        said = ""
        for place in at:
            ended = Child(partial(self._killed, place)).wait()
            killed += ended.status == -signal.SIGKILL
            outcome, said = self._ended(ended, (-signal.SIGKILL, self.scenario.status))
            if torn := list(self._torn()):
                outcome, said = "torn", "; ".join(torn)
            if outcome != "right":
                break
        else:
            ended = Child(self._work).wait()
            outcome, said = self._ended(ended, (self.scenario.status,))
            if outcome == "right":
                outcome, said = self._at_the_end()
        return Judged(outcome, f"at operation {' then '.join(map(str, at))}: {said}", killed)

    @staticmethod
    def _ended(ended: Ended, wanted: tuple[int, ...]) -> tuple[Outcome, str]:
        if "Traceback (most recent call last)" in ended.err + ended.out:
            return "traceback", ended.err[-300:]
        if ended.hung:
            return "hang", ""
        right = ended.status in wanted
        return ("right", "") if right else ("crash", f"status {ended.status}: {ended.err[-300:]}")

    def _at_the_end(self) -> tuple[Outcome, str]:
        found = contents(self.folder)
        left, other = differing(found, self.last)
        if torn := [*self._torn(), *sorted(other - left)]:
            return "torn", "; ".join(torn)
        left |= {str(p.relative_to(self.folder)) for p in self.folder.rglob(".*")}
        return ("leftovers", min(left)) if left else ("right", "")

    def _killed(self, at: int) -> int:
        Killer(self.folder, at).arm()
        return self._work()

    def _torn(self) -> Iterator[str]:
        """Yield what a reader who comes now would find half-written or lost."""
        found = contents(self.folder)
        for name, value in found.items():
            if value in (self.first.get(name), self.last.get(name)):
                continue
            if isinstance(value, Unreadable) or not name.endswith((".json", ".npz", ".pt", ".npy")):
                yield f"{name}: {value!r:.80}"
        for name in self.first:
            if name not in found:
                replaced = name.startswith("store/runs/") and "replaced" in str(sorted(found))
                if not replaced:
                    yield f"{name}: lost"


def differing(found: dict[str, Any], wanted: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return which files are not as wanted: those of no more use to anybody, and the others.

    Of no more use is what a run that has its record worked with. Old records are no matter.
    """
    left: set[str] = set()
    other: set[str] = set()
    for name in {*found, *wanted}:
        parts = Path(name).parts
        if found.get(name) != wanted.get(name) and "replaced" not in parts:
            used = len(parts) > 2 and parts[1] in ("work", "failures")
            record = f"{parts[0]}/runs/{Path(parts[2]).stem}/record.json" if used else ""
            (left if record in wanted else other).add(name)
    return left, other


class Unreadable(str):
    """What is wrong with a file."""


def contents(folder: Path) -> dict[str, Any]:
    """Return what each file says, without times and places.

    Hidden files and logs are left out, and prepared images, whose slots carry checksums: which of
    them are filled says nothing.
    """
    found: dict[str, Any] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        if not any(part.startswith(".") for part in name.split("/")) and path.name not in (
            "log.txt", "lock",
        ) and path.suffix != ".slots":  # fmt: skip
            try:
                found[name] = _content(path)
            except Exception as error:
                found[name] = Unreadable(f"{type(error).__name__}: {error}")
    return found


def _content(path: Path) -> Any:
    data = path.read_bytes()
    if path.name == "record.json":
        record = RunRecord.model_validate_json(data)
        beside = (path.parent / "predictions.npz").read_bytes()
        assert hashlib.sha256(beside).hexdigest() == record.predictions_sha256, "other predictions"
        return record.model_dump(exclude={"provenance"})
    if path.parent.name == "failures":
        data = re.sub(rb" at 0x[0-9a-f]+", b"", data)
        return Failure.model_validate_json(data).model_dump(
            exclude={"when", "attempts", "traceback"}
        )
    if path.parent.name == "sweeps":
        return SweepPlan.model_validate_json(data)
    if path.suffix == ".json":
        return json.loads(data)
    if path.suffix == ".npz":
        with np.load(path) as file:
            return {key: file[key].tobytes() for key in file.files}
    if path.suffix == ".pt":
        head = data.index(b"\n") + 1
        assert hashlib.sha256(data[head + 32 :]).digest() == data[head : head + 32], "cut"
    elif path.suffix == ".npy":
        assert hashlib.sha256(data[:-32]).digest() == data[-32:], "cut"
    elif path.name.endswith(".tar.gz"):
        with tarfile.open(path) as tar:
            return {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
    return data


def cases(kills: int, seed: int, root: Path) -> list[Case]:
    """Return kills: each operation of each scenario once, then two kills in a row, by the seed.

    Args:
        kills: How many; a smaller number takes some of the operations of every scenario.
        seed: Of what is drawn.
        root: Where they happen.
    """
    inputs.data(root / "model")
    use = one_backbone(root / "model" / "clip")
    attacks = [Attack(scenario, root, use) for scenario in SCENARIOS]
    rng = random.Random(seed)
    orders = [rng.sample(range(1, a.operations + 1), a.operations) for a in attacks]
    chosen: list[tuple[Attack, list[int]]] = [
        (attack, [n])
        for places in itertools.zip_longest(*orders)  # some of every scenario, if not all
        for attack, n in zip(attacks, places, strict=True)
        if n is not None
    ][:kills]
    while sum(len(at) for _, at in chosen) < kills:
        attack = rng.choice(attacks)
        chosen.append((attack, [rng.randint(1, attack.operations) for _ in range(2)]))
    return [Case("kills", a.scenario.name, partial(a.kill, *at)) for a, at in chosen]
