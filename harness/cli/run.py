"""``run METHOD ...``: methods x targets x seeds given on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.cli import options
from harness.protocols import DEFAULT, PROTOCOLS, Protocol, read_protocol
from harness.sweep.calls import parse_call, parse_pair

if TYPE_CHECKING:
    from harness.cli.running import Prepared
    from harness.specs import ModelSpec, RunSpec, Selection
    from harness.sweep.plan import MethodChoice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`."""
    options.plugin(parser)
    group = parser.add_argument_group("what")
    group.add_argument("methods", nargs="+", metavar="METHOD", help="name or name[param=value,...]")
    options.model(group)
    options.numerics(group)
    group.add_argument(
        "--selection",
        default="own",
        choices=["own", "last", "averaged", "best"],
        help="weights that are tested: as the method's paper, the last, their moving average, the "
        "best on source validation (%(default)s)",
    )
    asked(group)
    where(parser)
    parser.add_argument(
        "--keep-weights", action="store_true", help="leave the tested weights in the store (maps)"
    )


def asked(group: options.Group) -> None:
    """Add data set, targets, seeds and protocol; `specs_of` reads them."""
    options.dataset(group)
    group.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set an option of the data set",
    )
    group.add_argument("--target", default="all", help="held-out domains, a,b or all (%(default)s)")
    group.add_argument("--seeds", default="0", help="0,1,2 or 0-2 (%(default)s)")
    group.add_argument(
        "--data-seed", type=options.whole, help="fix the splits (default: the run's seed)"
    )
    _protocol_options(group)


def where(parser: argparse.ArgumentParser) -> None:
    """Add where runs happen, and whether they do again."""
    options.where(parser, "results/runs")
    parser.add_argument(
        "--again",
        action="store_const",
        const=["all"],
        default=[],
        help="repeat runs that are done; the old records are kept in <store>/replaced",
    )


def _protocol_options(group: options.Group) -> None:
    few = [name for name, cls in PROTOCOLS.items() if cls.few_shot]
    group.add_argument(
        "--protocol",
        default=DEFAULT,
        metavar="NAME",
        help=f"{', '.join(PROTOCOLS)}, or name[option=value,...] (%(default)s)",
    )
    group.add_argument(
        "--protocol-preset", choices=["original"], help="as AlignCLIP's released code does it"
    )
    group.add_argument(
        "--shots",
        type=options.whole,
        help=f"training images a class (16 for {' and '.join(few)}, else 0: all)",
    )
    group.add_argument("--source", help="distribution_shift: the domain that trains")
    group.add_argument(
        "--test-on", choices=["all", "in", "out"], help="part of the target domain (all)"
    )
    group.add_argument(
        "--disjoint-groups",
        action="store_true",
        help="train on half of the pictured things, test on the other half (emoji)",
    )


def run(args: argparse.Namespace) -> int:
    """Run what is missing here; 1 if something failed."""
    from harness.cli.apart import planned_apart
    from harness.cli.running import carry_out

    if args.dry_run:
        return carry_out(planned(args))
    with planned_apart(args) as (prepared, ready):
        return carry_out(prepared, ready)


def planned(args: argparse.Namespace) -> Prepared | None:
    """Return what `run` has to run; None with ``--dry-run``, which has said it.

    Raises:
        UserError: What is wrong with the options, the models or the data.
    """
    from harness.cli.running import prepare
    from harness.specs import ModelSpec
    from harness.sweep import plan

    model = ModelSpec(
        name=args.model,
        pretrained=args.pretrained,
        preprocess=args.preprocess,
        precision=args.precision,
        compile=args.compile,
        channels_last=args.channels_last,
    )
    methods = [plan.resolve_method(*parse_call(text)) for text in args.methods]
    specs = specs_of(args, methods, model, args.selection)
    return prepare(specs, args, args.store, keep_weights=args.keep_weights)


def specs_of(
    args: argparse.Namespace,
    methods: Sequence[MethodChoice],
    model: ModelSpec,
    selection: Selection = "own",
) -> list[RunSpec]:
    """Return the runs of these methods on what the options of `asked` say.

    Raises:
        UserError: What is wrong with them.
    """
    from harness.cli.running import parse_seeds
    from harness.specs import DatasetSpec
    from harness.sweep import plan

    given = dict(parse_pair(text, "--option") for text in args.option)
    dataset = DatasetSpec(name=args.dataset, options=given)
    return plan.expand(
        methods,
        model,
        dataset,
        _protocol(args),
        [part.strip() for part in args.target.split(",")],
        parse_seeds(args.seeds),
        plan.open_dataset(dataset, args.data_root),
        selection,
        args.data_seed,
        args.data_root,
    )


def _protocol(args: argparse.Namespace) -> Protocol:
    # What was not given is not mentioned: the protocol's own defaults, or a preset's, hold.
    name, given = parse_call(args.protocol, "protocol")
    asked = {
        "preset": args.protocol_preset,
        "test_on": args.test_on,
        "disjoint_groups": args.disjoint_groups or None,
        "shots": args.shots,
        "source": args.source,
    }
    given |= {key: value for key, value in asked.items() if value is not None}
    return read_protocol({"name": name, **given})
