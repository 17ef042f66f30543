"""``python -m tests.attacks``: the large form; a table of what came of it, and every fault.

Ctrl-C ends it; what was done is still counted and written. A fault is seen again by
``--family mutations --only N`` with the same numbers and seed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: a thread does not outlive a fork
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from tests.attacks import archives, kills, mutations, outcomes, writers
from tests.attacks.outcomes import Case


def main() -> int:
    """Attack; return 1 if there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--mutations", type=int, default=1000)
    parser.add_argument("--writers", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    families = ("archives", "writers", "kills", "mutations")
    parser.add_argument(
        "--family", action="append", choices=families, help="only this (repeatable)"
    )
    parser.add_argument("--only", type=int, action="append", default=[], help="only this number")
    parser.add_argument("--kind", help="only on this, as the table calls it")
    parser.add_argument("--out", type=Path, help="folder for attacks.md and attacks.json")
    args = parser.parse_args()
    build: dict[str, Callable[[Path], list[Case]]] = {
        "archives": archives.cases,
        "writers": lambda root: writers.cases(args.writers, args.seed, root),
        "kills": lambda root: kills.cases(args.kills, args.seed, root),
        "mutations": lambda root: mutations.cases(args.mutations, args.seed, root),
    }
    results: list[outcomes.Result] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder:
        for family in args.family or families:
            root = Path(folder) / family
            root.mkdir()
            cases = build[family](root)
            chosen = args.only or [n for n, c in enumerate(cases) if args.kind in (None, c.kind)]
            found = outcomes.carry_out(cases, chosen, show=True)
            results += found
            if len(found) < len(chosen):
                break
    text = outcomes.markdown(results)
    text += f"\n{time.monotonic() - began:.0f} s, seed {args.seed}\n"
    print(text)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "attacks.md").write_text(text, encoding="utf-8")
        (args.out / "attacks.json").write_text(json.dumps(outcomes.as_json(results), indent=1))
    return 1 if any(result.fault for result in results) else 0


sys.exit(main())
