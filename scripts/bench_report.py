"""Measure what reports of a store of many runs cost: time, memory, and calls to the file system.

    python scripts/bench_report.py 10000                 # a store is made, measured and deleted
    python scripts/bench_report.py 10000 --store DIR     # it is kept, and found there the next time

The runs never ran: methods of several configurations on the five data sets of DomainBed, ten seeds,
predictions as the engine writes them. Each verb is a process of its own, as a user starts it. The
first reads every record; the others find what it noted. JSON on standard output.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.bench import reports  # noqa: E402


def calls(words: list[str], store: Path, runs: int) -> dict[str, float] | None:
    """Return system calls on paths in the store per record, by name; None without strace."""
    if shutil.which("strace") is None:
        return None
    with TemporaryDirectory() as folder:
        log = Path(folder) / "calls"
        strace = ["strace", "-f", "-qq", "-e", "trace=%file,getdents64", "-o", str(log)]
        command = [*strace, sys.executable, str(ROOT / "run_benchmark.py"), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        own = Counter(
            match[1]
            for line in log.read_text(errors="replace").splitlines()
            if (match := re.match(r"\d+\s+(\w+)\(", line)) and f'"{store}/' in line
        )
    return {name: round(count / runs, 2) for name, count in own.most_common() if count > runs / 20}


def main(arguments: list[str] | None = None) -> None:
    """Make a store, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("runs", type=int)
    parser.add_argument("--images", type=int, default=2000, help="tested by each run (%(default)s)")
    parser.add_argument("--store", type=Path, help="where the store is, or is to be made and kept")
    args = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        store = (args.store or Path(folder) / "store").resolve()
        if not (store / "bench.yaml").is_file():
            reports.make(store, args.runs, args.images)
        runs = sum(1 for _ in (store / "runs").iterdir())
        result: dict[str, Any] = {"runs": runs, "images": args.images}
        for name, words in reports.verbs(store, Path(folder) / "out").items():
            result[name] = reports.measured(words) | {"calls": calls(words, store, runs)}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
