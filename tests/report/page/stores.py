"""Stores for the page: several blocks and devices, failures, names made to do harm, many runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.protocols.open_class import OpenClass
from harness.specs import RunSpec
from harness.store.records import Score
from harness.store.store import Store
from tests.report.fakes import METHODS, add, keep, plan, realistic, record, spec

TRACE = 'Traceback (most recent call last):\n  File "x.py", line 3\nRuntimeError: out of memory'
HOSTILE = [
    "<script>window.pwned=1</script>",
    '"><img src=x onerror=window.pwned=2>',
    "</script><script>window.pwned=3</script>",
    "javascript:window.pwned=4",
    "' onclick='window.pwned=5",
    "{{ 7*7 }} <!-- ]]> &amp; &lt;b&gt;",
    "line\u2028end\u2029s\nand\ttabs\x00 模型",
    "__proto__",
]


def holed(root: Path) -> tuple[Store, list[RunSpec]]:
    """The realistic store, without AlignCLIP's runs of noto: one failed, two missing."""
    store = realistic(root)
    gone = [r for r in next(store.plans()).runs if (r.label, r.target) == ("AlignCLIP", "noto")]
    for run in gone:
        (store.run_dir(run.id) / "record.json").unlink()
    store.fail(gone[0], "RuntimeError: out of memory", TRACE, "2025-01-01T00:00:00Z")
    return store, gone


def two_devices(root: Path) -> Store:
    """Open classes (three measures); every other method on another device."""
    store = Store(root)
    runs = []
    for m, (label, (method, given, bases, _)) in enumerate(METHODS.items()):
        for d, domain in enumerate(("noto", "twemoji")):
            for seed in range(3):
                run = spec(
                    label,
                    domain,
                    seed,
                    method=method,
                    given=given,
                    config=given,
                    protocol=OpenClass(),
                )
                runs.append(run)
                base = round(10 * bases[d]) + (7 * m + 5 * d + 11 * seed) % 13
                tests = {"base": Score(correct=base, n=1000), "new": Score(correct=300 + m, n=1000)}
                made = record(run, 1)
                cost = {
                    "device": "GPU" if m % 2 else "CPU",
                    "wall_s": 10.0 + m + seed,
                    "step_ms": 2.0 * m if m else None,
                }
                score(store, made, tests, **cost)
    plan(store, "open", runs)
    return store


def score(store: Store, made: Any, tests: dict[str, Score], **cost: Any) -> None:
    metrics = made.metrics.model_copy(update={"tests": tests})
    provenance = made.provenance.model_copy(update=cost)
    keep(store, made.model_copy(update={"metrics": metrics, "provenance": provenance}))


def hostile(root: Path) -> Store:
    """Names, errors, configurations and logs that would be markup if anything let them."""
    store = Store(root)
    runs = []
    for i, name in enumerate(HOSTILE):
        for seed in (0, 1):
            run = spec(name, HOSTILE[1], seed, config={"i": i, name: name}, given={name: name})
            runs.append(run)
            add(store, run, 1000 + 30 * i + (7 * i + 11 * seed) % 13)
            (store.run_dir(run.id) / "log.txt").write_text("\n".join(HOSTILE), encoding="utf-8")
    failed = spec("lost", HOSTILE[1], 0, config={"i": -1})
    plan(store, "hostile", [*runs, failed])
    store.fail(failed, HOSTILE[2], "\n".join(HOSTILE), "now")
    return store


def large(root: Path, methods: int = 50, domains: int = 40, seeds: int = 3) -> Store:
    """Many runs, written without the store's care, which would take most of the time."""
    store = Store(root)
    runs = []
    for m in range(methods):
        for d in range(domains):
            for seed in range(seeds):
                run = spec(f"method {m}", f"domain {d}", seed, method=f"m{m}", config={"lr": m})
                correct = 800 + 5 * m + 9 * d + 3 * ((7 * m + 5 * d + 11 * seed) % 13)
                folder = store.run_dir(run.id)
                folder.mkdir(parents=True)
                text = record(run, correct).model_dump_json()
                (folder / "record.json").write_text(text, encoding="utf-8")
                (folder / "log.txt").write_text(f"a line of {run.id}\n" * 12, encoding="utf-8")
                runs.append(run)
    plan(store, "large", runs)
    return store
