"""``info NAME``: a method's parameters, a data set's domains and classes, or a model."""

from __future__ import annotations

import argparse

from rich.table import Table

from harness import registry
from harness.cli import options
from harness.console.terminal import Terminal
from harness.errors import UserError, unknown_name
from harness.specs import ModelSpec
from harness.sweep.calls import print_call, print_value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `info`."""
    options.plugin(parser)
    parser.add_argument("name", help="method, data set or model")
    options.data_root(parser)
    parser.add_argument("--pretrained", default="", help="open_clip tag or checkpoint file")


def run(args: argparse.Namespace) -> int:
    """Print what there is to know."""
    from harness.cli.data.info import describe

    methods = registry.discover("methods").plugins
    datasets = registry.discover("datasets").plugins
    if args.name in methods:
        _method_info(args.name)
    elif args.name in datasets:
        describe(args.name, args.data_root)
    else:
        _model_info(args, [*methods, *datasets, "tiny-emoji"])
    return 0


def _method_info(name: str) -> None:
    cls = registry.method_class(name)
    console = Terminal()
    console.print(f"{name}: {cls.summary}", markup=False)
    console.print(f"source: {cls.citation}", markup=False)
    where = f"tested weights: {cls.own_selection}; file: {_origin('methods', name)}"
    console.print(where, markup=False, soft_wrap=True)
    table = Table("parameter", "default", "meaning", box=None)
    for key, field in cls.Config.model_fields.items():
        table.add_row(key, repr(field.default), " ".join((field.description or "").split()))
    console.print(table)
    for preset, values in cls.presets.items():
        console.print(f"preset={preset}: {dict(values) or 'the defaults'}", markup=False)
    _search_info(name, console)


def _search_info(name: str, console: Terminal) -> None:
    """Print what a sweep with `tune` draws a method's parameters from, and what it tries."""
    from harness.sweep.tuning import TuneSpec
    from harness.tune.space import grid

    tune = TuneSpec.model_validate({})
    space = tune.space_of(name, {})
    if not space:
        console.print("search space: none; a sweep file's `tune.space` may give one")
        return
    trials = tune.values(name, space)[1:]
    table = Table("searched", "drawn from", f"trials 1 to {len(trials)} of seed 0", box=None)
    for key, distribution in space.items():
        drawn = ", ".join(print_value(values[key]) for values in trials)
        table.add_row(key, distribution.words(), drawn)
    console.print(table)
    if all(distribution.choice for distribution in space.values()):
        points = grid(space)
        listed = "; ".join(print_call("", point) for point in points[1:])
        text = f"as a grid {len(points)} trials: its own values, {listed}"
        console.print(text, markup=False, soft_wrap=True)


def _origin(kind: registry.PluginKind, name: str) -> str:
    return registry.discover(kind).origins[name]


def _model_info(args: argparse.Namespace, known: list[str]) -> None:
    from harness.clip.load import model_info

    try:
        found = model_info(ModelSpec(name=args.name, pretrained=args.pretrained))
    except UserError as error:
        if ":" in args.name or args.pretrained:
            raise
        raise unknown_name("method, data set or model", args.name, known, str(error)) from None
    for key, value in found.items():
        print(f"{key}: {value}")
