"""``data list``: every data set with its size and what it is used for."""

from __future__ import annotations

import argparse
import json

from harness.cli import options
from harness.dataset import Dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `data list`."""
    options.plugin(parser)
    options.as_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    from rich.table import Table

    from harness import registry
    from harness.console.terminal import Terminal

    rows = []
    for name in sorted(registry.discover("datasets").plugins):
        cls = registry.dataset_class(name)
        sizes = (cls.expected_classes, len(cls.expected), total(cls))
        rows.append((name, sizes, _families(cls), cls.summary))
    if args.json:
        keys = ("name", "classes", "domains", "images", "protocols", "summary")
        listed = [(name, *(n or None for n in sizes), *rest) for name, sizes, *rest in rows]
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in listed], indent=1))
        return 0
    table = Table("data set", "classes", "domains", "images", "protocols", box=None)
    for name, sizes, families, _ in rows:
        table.add_row(name, *(f"{n:,}" if n else "" for n in sizes), "; ".join(families))
    Terminal().print(table)
    return 0


def total(cls: type[Dataset]) -> int:
    """Return how many images the complete data set has; 0 where nobody can know."""
    return sum(count for splits in cls.expected.values() for count in splits.values())


def _families(cls: type[Dataset]) -> list[str]:
    """Return the kinds of protocol that the data set's domains and splits allow."""
    found = []
    if len(cls.expected) != 1 and not any(any(splits) for splits in cls.expected.values()):
        found.append("leave one domain out")
    if cls.source_domain:
        found.append(f"train on {cls.source_domain}, test on the others")
    if any("train" in splits for splits in cls.expected.values()):
        found.append("official splits: few-shot, base to new")
    return found
