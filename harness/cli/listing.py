"""``list``: what is there, and what could not be loaded."""

from __future__ import annotations

import argparse

from harness.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `list`."""
    options.plugin(parser)


def run(args: argparse.Namespace) -> int:
    """Print methods, data sets and sweeps."""
    from rich.table import Table

    from harness import registry, resources
    from harness.console.terminal import Terminal
    from harness.errors import UserError
    from harness.sweep.file import read_sweep

    console = Terminal()
    titles: dict[registry.PluginKind, str] = {"methods": "Methods", "datasets": "Data sets"}
    broken: dict[str, str] = {}
    for kind, title in titles.items():
        summaries, wrong = registry.listed(kind)
        broken |= wrong
        table = Table(title=title, title_justify="left", box=None, show_header=False)
        for name, summary in sorted(summaries.items()):
            table.add_row(name, summary)
        console.print(table)
    for origin, why in broken.items():
        text = f"not loaded: {origin}: {why}"
        console.print(text, style="red", markup=False, soft_wrap=True)
    table = Table(title="Sweeps", title_justify="left", box=None, show_header=False)
    for name in resources.named("sweeps"):
        try:
            table.add_row(name, read_sweep(name).description.strip())
        except UserError as error:
            console.print(f"not loaded: {error}", style="red", markup=False, soft_wrap=True)
    console.print(table)
    console.print(
        "Models: tiny-emoji, tiny-emoji-early (embedded), and any open_clip model "
        "(open_clip.list_models())"
    )
    return 0
