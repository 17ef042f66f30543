"""Whole processes: a sweep against a process for each run, and how soon verbs answer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from harness import resources
from harness.bench.record import BenchRow, BenchSetting, Unit
from harness.bench.steps import reference

RUNS = 4
"""Of the short sweep, on the embedded model and data."""
_VERBS = (("--help",), ("list",), ("sweep", "plan", "quickstart"))


def sweeps(setting: BenchSetting, root: Path) -> list[BenchRow]:
    """Return how much longer n runs take in processes of their own than in a sweep."""
    where = ("--device", setting.device, "--workers", "1", "--cache-dir", str(root / "cache"))
    call = f"{reference()}[steps=10]"
    seeds = [str(seed) for seed in range(RUNS)]

    def run(store: str, *which: str) -> float:
        words = ("run", call, "--store", str(root / store), "--seeds", ",".join(which), *where)
        return _seconds(*words)

    run("warm", "0")  # features and pictures are prepared
    values = []
    for number in range(min(3, setting.rounds)):
        together = run(f"together{number}", *seeds)
        apart = sum(run(f"apart{number}", seed) for seed in seeds)
        values.append(apart / together)
    what = f"{RUNS} runs of 10 steps, a process each / one sweep"
    return [BenchRow(group="sweep", what=what, values=tuple(values))]


def start_up(setting: BenchSetting) -> list[BenchRow]:
    """Return the time that verbs take, and of what they import against torch alone."""
    rows = []
    torch_s = [_cpu([sys.executable, "-c", "import torch"]) for _ in range(setting.rounds)]
    for words in _VERBS:
        own = [_cpu(_command(*words)) for _ in range(setting.rounds)]
        shown = " ".join(words)
        rows.append(_row(f"`{shown}`", own, "s"))
        share = [a / b for a, b in zip(own, torch_s, strict=True)]
        rows.append(_row(f"`{shown}` / import torch", share, "×"))
    return rows


def _row(what: str, values: list[float], unit: Unit) -> BenchRow:
    return BenchRow(group="start-up, CPU time", what=what, values=tuple(values), unit=unit)


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "harness.cli", *words]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(resources.CODE)}


def _seconds(*words: str) -> float:
    start = time.perf_counter()
    subprocess.run(_command(*words), check=True, capture_output=True, env=_environment())
    return time.perf_counter() - start


def _cpu(command: list[str]) -> float:
    """Return user and system time of a command and its children."""
    before = os.times()
    subprocess.run(command, check=True, capture_output=True, env=_environment())
    after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
