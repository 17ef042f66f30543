"""``data info NAME``: where to get it, and how the folder must look."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from rich.table import Table

from harness import registry
from harness.cli import options
from harness.cli.data.listing import total
from harness.console.terminal import Terminal
from harness.dataset import Dataset
from harness.specs import DatasetSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `data info`."""
    options.plugin(parser)
    options.data_root(parser, "the folder that holds the data sets")
    parser.add_argument("name", help="data set")


def run(args: argparse.Namespace) -> int:
    """Print it."""
    describe(args.name, args.data_root)
    return 0


def describe(name: str, root: Path | None) -> None:
    """Print what there is to know of a data set; with a root also what is in the folder."""
    from harness.sweep import plan

    cls = registry.dataset_class(name)
    console = Terminal(soft_wrap=True)

    def say(text: str) -> None:
        console.print(text, markup=False)

    say(f"{name}: {cls.summary}\nlicence: {cls.licence}\nsource: {cls.source}")
    if cls.layout:
        say(f"layout: {cls.layout}")
    if cls.needs_root and root is None:
        say(f"template: {cls.template}")
        _say_expected(cls, console)
        say("give --data-root DIR to see its domains and classes; `data verify` checks the folder")
        return
    dataset = plan.open_dataset(DatasetSpec(name=name), root)
    say(f"template: {dataset.prompts}\nfingerprint: {dataset.fingerprint()}")
    table = Table("class", *dataset.domains, box=None)
    counts = {d: Counter(s.label for s in dataset.samples(d)) for d in dataset.domains}
    for label, class_name in enumerate(dataset.class_names):
        table.add_row(class_name, *(str(counts[d][label]) for d in dataset.domains))
    table.add_row("all", *(str(counts[d].total()) for d in dataset.domains))
    console.print(table)


def _say_expected(cls: type[Dataset], console: Terminal) -> None:
    if not cls.expected:
        return
    about = "" if cls.counts_certain else "about "
    console.print(f"{cls.expected_classes} classes, {about}{total(cls):,} images:", markup=False)
    table = Table(box=None, show_header=False)
    for domain, splits in cls.expected.items():
        for split, count in splits.items():
            table.add_row(domain, split, f"{count:,}")
    console.print(table)
    if cls.counts_source:
        console.print(f"counts: {cls.counts_source}", markup=False)
