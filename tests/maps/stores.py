"""Tables of a store whose shares are made up."""

from __future__ import annotations

from pathlib import Path

from harness.maps.tables import by_measure
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import labelled
from harness.report.tables.model import Table
from harness.store.store import Store
from tests.report.fakes import add, plan, spec

SHARES = {  # method -> domain -> share by seed
    "finetune": {"noto": (30.0, 32.0), "twemoji": (40.0, 44.0)},
    "zero_shot": {"noto": (20.0, 20.0), "twemoji": (30.0, 30.0)},
    "clip_surgery": {"noto": (10.0, 10.0), "twemoji": (10.0, 10.0)},  # trains nothing, either
}
AREA = 50.0


def measured(root: Path, methods: tuple[str, ...] = ("finetune", "zero_shot")) -> dict[str, Table]:
    store = Store(root)
    values, runs = {}, []
    for method in methods:
        for domain, shares in SHARES[method].items():
            for seed, share in enumerate(shares):
                run = spec(method, domain, seed, method=method)
                add(store, run, 1)
                runs.append(run)
                values[run.id] = {
                    "area": AREA,
                    "all blocks": share,
                    "all blocks / area": 100 * share / AREA,
                }
    plan(store, "p", runs)  # tables follow the order of plans
    return by_measure(labelled(load_frame(store)), values)
