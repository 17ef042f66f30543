"""``data split NAME``: write a protocol's split of a data set as a file that others can read."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from harness.cli import options
from harness.console.output import writing
from harness.errors import UserError
from harness.protocols import read_protocol
from harness.specs import DatasetSpec
from harness.sweep.calls import parse_call, parse_pair


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `data split`."""
    options.plugin(parser)
    options.data_root(parser, "the folder that holds the data sets")
    parser.add_argument("name", help="data set")
    parser.add_argument("--option", metavar="KEY=VALUE", action="append", default=[])
    parser.add_argument("--protocol", default="few_shot", metavar="NAME", help="(%(default)s)")
    parser.add_argument("--target", help="of the protocol; may be left out where there is one")
    parser.add_argument("--data-seed", type=options.whole, default=0, help="(%(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.json")


def run(args: argparse.Namespace) -> int:
    """Write lists of keys by part; the option `splits` of every data set reads them."""
    from harness.sweep import plan

    given = dict(parse_pair(text, "--option") for text in args.option)
    dataset = plan.open_dataset(DatasetSpec(name=args.name, options=given), args.data_root)
    name, values = parse_call(args.protocol, "protocol")
    protocol = read_protocol({"name": name, **values}).completed(dataset)
    target, *more = protocol.targets_of(dataset, [args.target] if args.target else ["all"])
    if more:
        raise UserError(f"--target is missing: one of {', '.join([target, *more])}")
    sources = protocol.sources(dataset, target, args.data_seed)
    tests = protocol.test_sets(dataset, target, args.data_seed)
    parts = {
        "train": [s.key for own in sources.train.values() for s in own],
        "val": [s.key for own in sources.val.values() for s in own],
        "test": list(dict.fromkeys(s.key for test in tests for s in test.samples)),
    }
    with writing(args.out):
        args.out.write_text(json.dumps(parts, indent=1) + "\n", encoding="utf-8")
    counts = ", ".join(f"{len(keys)} {part}" for part, keys in parts.items())
    print(f"{args.out}: {counts}; read it with --option splits={args.out}")
    return 0
