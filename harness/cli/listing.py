"""``list``: what is there, and what could not be loaded."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence

from harness.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `list`."""
    options.plugin(parser)
    options.as_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print methods, data sets and sweeps."""
    from harness import registry, resources
    from harness.errors import UserError
    from harness.sweep.file import read_sweep

    methods, broken = registry.listed("methods")
    datasets, wrong = registry.listed("datasets")
    sweeps: dict[str, str] = {}
    not_loaded = [f"{origin}: {why}" for origin, why in (broken | wrong).items()]
    for name in resources.named("sweeps"):
        try:
            sweeps[name] = read_sweep(name).description.strip()
        except UserError as error:
            not_loaded.append(str(error))
    found = {
        "methods": dict(sorted(methods.items())),
        "datasets": dict(sorted(datasets.items())),
        "sweeps": sweeps,
    }
    if args.json:
        print(json.dumps({**found, "not_loaded": not_loaded}, indent=1))
    else:
        _print(found, not_loaded)
    return 0


def _print(found: Mapping[str, Mapping[str, str]], not_loaded: Sequence[str]) -> None:
    from rich.table import Table

    from harness.console.terminal import Terminal

    console = Terminal()
    titles = {"methods": "Methods", "datasets": "Data sets", "sweeps": "Sweeps"}
    for kind, summaries in found.items():
        table = Table(title=titles[kind], title_justify="left", box=None, show_header=False)
        for name, summary in summaries.items():
            table.add_row(name, summary)
        console.print(table)
    for line in not_loaded:
        console.print(f"not loaded: {line}", style="red", markup=False, soft_wrap=True)
    console.print(
        "Models: tiny-emoji, tiny-emoji-early (embedded), and any open_clip model "
        "(open_clip.list_models())"
    )
