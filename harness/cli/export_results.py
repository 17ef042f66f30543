"""``export-results``: the rows of a store and every image's answer, as Parquet files."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `export-results`."""
    parser.add_argument("--store", type=Path, required=True, help="of the results")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where files go")


def run(args: argparse.Namespace) -> int:
    """Write ``records.parquet`` and ``predictions.parquet``."""
    from harness.api import load_results
    from harness.console.notes import note
    from harness.console.output import writing
    from harness.store.exchange.tables import arrow, write_predictions
    from harness.store.store import Store

    arrow()
    frame = load_results(args.store)
    done = frame[frame["status"] == "done"]
    with writing(args.out):
        args.out.mkdir(parents=True, exist_ok=True)
        aside = args.out / ".records.parquet.part"
        frame.to_parquet(aside, index=False)
        aside.replace(args.out / "records.parquet")
        runs = list(dict.fromkeys(done["id"]))
        lines = write_predictions(Store(args.store), runs, args.out / "predictions.parquet")
    note(
        f"{args.out}: records.parquet ({len(frame):,} rows), predictions.parquet ({lines:,} "
        f"images of {len(runs):,} runs)"
    )
    return 0
