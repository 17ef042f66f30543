"""The verbs on data sets: data list, info, verify, import."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness import registry
from harness.console.command_name import command_name
from harness.data.parquet import Columns, import_parquet
from harness.data.verify import Verdict
from harness.data.verify import verify as verify_folder
from harness.dataset import Dataset
from harness.errors import UserError
from harness.specs import DatasetSpec
from harness.sweep import plan


def list_all(args: argparse.Namespace) -> int:
    """``data list``: every data set with its size and what it is used for."""
    rows = []
    for name in sorted(registry.discover("datasets").plugins):
        cls = registry.dataset_class(name)
        sizes = (cls.expected_classes, len(cls.expected), _total(cls))
        rows.append((name, sizes, _families(cls), cls.summary))
    if args.json:
        keys = ("name", "classes", "domains", "images", "protocols", "summary")
        listed = [(name, *(n or None for n in sizes), *rest) for name, sizes, *rest in rows]
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in listed], indent=1))
        return 0
    table = Table("data set", "classes", "domains", "images", "protocols", box=None)
    for name, sizes, families, _ in rows:
        table.add_row(name, *(f"{n:,}" if n else "" for n in sizes), "; ".join(families))
    Console(highlight=False).print(table)
    return 0


def _total(cls: type[Dataset]) -> int:
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


def info(args: argparse.Namespace) -> int:
    """``data info NAME``: where to get it, and how the folder must look."""
    describe(args.name, args.data_root)
    return 0


def describe(name: str, root: Path | None) -> None:
    """Print what there is to know of a data set; with a root also what is in the folder."""
    cls = registry.dataset_class(name)
    console = Console(highlight=False, soft_wrap=True)

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
    say(f"template: {dataset.template}\nfingerprint: {dataset.fingerprint()}")
    table = Table("class", *dataset.domains, box=None)
    counts = {d: Counter(s.label for s in dataset.samples(d)) for d in dataset.domains}
    for label, class_name in enumerate(dataset.class_names):
        table.add_row(class_name, *(str(counts[d][label]) for d in dataset.domains))
    table.add_row("all", *(str(counts[d].total()) for d in dataset.domains))
    console.print(table)


def _say_expected(cls: type[Dataset], console: Console) -> None:
    if not cls.expected:
        return
    about = "" if cls.counts_certain else "about "
    console.print(f"{cls.expected_classes} classes, {about}{_total(cls):,} images:", markup=False)
    table = Table(box=None, show_header=False)
    for domain, splits in cls.expected.items():
        for split, count in splits.items():
            table.add_row(domain, split, f"{count:,}")
    console.print(table)
    if cls.counts_source:
        console.print(f"counts: {cls.counts_source}", markup=False)


def verify(args: argparse.Namespace) -> int:
    """``data verify NAME``: exit 0 if the folder is complete, else 1."""
    root = args.data_root.expanduser() if args.data_root else None
    verdict = verify_folder(registry.dataset_class(args.name), root, args.decode)
    if args.json:
        print(json.dumps(verdict.as_json(), indent=1))
    else:
        _print(verdict)
    return 0 if verdict.complete else 1


def _print(verdict: Verdict) -> None:
    console = Console(highlight=False, soft_wrap=True)
    of = f" of {verdict.expected_classes}" if verdict.expected_classes else ""
    console.print(f"{verdict.dataset} at {verdict.root or 'the repository'}", markup=False)
    console.print(f"classes: {verdict.classes}{of}; looked at: {verdict.checked}", markup=False)
    if verdict.counts:
        table = Table("domain", "split", "images", "expected", box=None)
        about = "" if verdict.counts_certain else "about "
        for row in verdict.counts:
            expected = "" if row.expected is None else f"{about}{row.expected:,}"
            table.add_row(row.domain, row.split, f"{row.found:,}", expected)
        console.print(table)
    for problem in verdict.problems:
        console.print(f"{problem.kind}: {problem.text}", markup=False)
    console.print("complete" if verdict.complete else "NOT complete", markup=False)


def import_files(args: argparse.Namespace) -> int:
    """``data import NAME``: parquet files to <domain>/<class>/<file>."""
    if args.data_root is None:
        raise UserError("data import needs --data-root DIR, the folder that holds the data sets")
    names: list[str] = []
    if args.classes:
        try:
            names = args.classes.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"--classes {args.classes}: {error}; give a text file") from None
        names = [name.strip() for name in names if name.strip()]
    done = import_parquet(
        registry.dataset_class(args.name),
        args.parquet,
        args.data_root.expanduser(),
        Columns(args.image_column, args.label_column, args.domain_column),
        names,
        args.domain,
    )
    print(f"{done.folder}: {done.written:,} images written, {done.present:,} were there")
    if done.renamed:
        print(
            f"note: {done.renamed:,} images had no file name of their own and are numbered; their "
            "order, and with it DomainBed's split, differs from the original files'"
        )
    print(f"next: {command_name()} data verify {args.name} --data-root {args.data_root}")
    return 0
