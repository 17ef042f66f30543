"""``bench``: how fast the harness is on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.console.notes import note, warn

if TYPE_CHECKING:
    from harness.bench.record import BenchReport, BenchSetting


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bench`."""
    parser.add_argument("--only", metavar="A,B", help="some of the groups (all; see --dry-run)")
    parser.add_argument(
        "--model", default="ViT-B-16", help="open_clip name, with random weights (%(default)s)"
    )
    options.numerics(parser)
    options.device(parser)
    parser.add_argument(
        "--threads", type=options.count, help="of torch and for decoding (all cores)"
    )
    parser.add_argument("--batch", type=options.count, help="images in a step (36; 6 on a CPU)")
    parser.add_argument("--images", type=options.count, help="in a timed pass (2880; 360 on a CPU)")
    parser.add_argument("--rounds", type=options.count, default=5, help="of turns (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("results/bench"), help="where files go (%(default)s)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be measured")


def run(args: argparse.Namespace) -> int:
    """Measure, print, write; 1 if a group failed, 130 if interrupted."""
    from harness.bench import record
    from harness.bench.run import GROUPS, check, measure
    from harness.console.output import table_console, writing
    from harness.store.files import write_atomically

    setting = _setting(args)
    groups = [part.strip() for part in args.only.split(",")] if args.only else list(GROUPS)
    check(setting, groups)
    if args.dry_run:
        print(f"groups: {', '.join(groups)}\non: {setting.model_dump_json()}")
        return 0
    report = measure(setting, groups, lambda group: note(f"{group} ..."))
    with writing(args.out):
        args.out.mkdir(parents=True, exist_ok=True)
        write_atomically(args.out / "bench.json", report.model_dump_json(indent=1).encode())
        write_atomically(args.out / "bench.md", record.to_markdown(report).encode())
    table_console().print(record.to_terminal(report))
    note(f"{args.out}/bench.json, bench.md")
    return _status(report)


def _status(report: BenchReport) -> int:
    for group, why in report.failed.items():
        warn(f"not measured: {group}: {why}")
    if report.stopped:
        return 130
    return 1 if report.failed else 0


def _setting(args: argparse.Namespace) -> BenchSetting:
    import os

    from harness.bench.record import BenchSetting
    from harness.execution.place import resolve_device
    from harness.validation import validated

    device = resolve_device(args.device)
    cuda = device.startswith("cuda")
    values: dict[str, Any] = {
        "device": device,
        "threads": args.threads or os.cpu_count() or 1,
        "model": {
            "name": args.model, "precision": args.precision, "compile": args.compile,
            "channels_last": args.channels_last,
        },
        "batch": args.batch if args.batch is not None else 36 if cuda else 6,
        "images": args.images if args.images is not None else 2880 if cuda else 360,
        "rounds": args.rounds,
    }  # fmt: skip
    found: BenchSetting = validated(BenchSetting, values, "bench")
    return found
