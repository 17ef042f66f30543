"""``data import NAME``: Hugging Face's parquet files to <domain>/<class>/<file>."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import options
from harness.command_name import command_name
from harness.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `data import`."""
    options.plugin(parser)
    options.data_root(parser, "the folder that holds the data sets")
    parser.add_argument("name", help="data set")
    parser.add_argument("--parquet", nargs="+", type=Path, required=True, metavar="FILE")
    for column in ("image", "label", "domain"):
        parser.add_argument(
            f"--{column}-column", default=column, help=f"column of the {column} (%(default)s)"
        )
    parser.add_argument("--classes", type=Path, metavar="FILE", help="names of labels 0, 1, ...")
    parser.add_argument(
        "--domain", default="", help="domain of all rows, if there is no column for it"
    )


def run(args: argparse.Namespace) -> int:
    """Write the images that are not there yet."""
    from harness import registry
    from harness.data.parquet import Columns, import_parquet

    if args.data_root is None:
        raise UserError("data import needs --data-root DIR, the folder that holds the data sets")
    names: list[str] = []
    if args.classes:
        try:
            names = args.classes.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8"
            raise UserError(f"--classes {args.classes}: {why}; give a text file") from None
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
