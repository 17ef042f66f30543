"""``maps``: where finished runs look, as pictures and as numbers."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import options
from harness.console.output import writing
from harness.execution.context import Context, default_cache
from harness.execution.place import place
from harness.execution.run import Shared
from harness.execution.towers import check_models
from harness.maps.compute import tower_of
from harness.maps.files import (
    Files,
    matrix_files,
    picture_files,
    share_files,
    with_own_tower,
)
from harness.maps.matrix import class_files
from harness.maps.rows import Which, map_blocks
from harness.specs import DatasetSpec, ModelSpec
from harness.store.files import write_atomically
from harness.store.store import Store
from harness.sweep import plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `maps`."""
    options.plugin(parser)
    parser.add_argument(
        "--store",
        type=Path,
        default=Path("results/emoji-maps"),
        help="results, of runs with weights (%(default)s)",
    )
    parser.add_argument("--sweep", help="only the runs of this sweep, under its names")
    parser.add_argument("--target", help="only this held-out domain")
    parser.add_argument(
        "--row", action="append", default=[], metavar="NAME", help="only this row (repeatable)"
    )
    parser.add_argument(
        "--seed",
        type=options.whole,
        default=0,
        help="seed of the runs that are drawn (%(default)s)",
    )
    parser.add_argument(
        "--images",
        default="6",
        metavar="N|KEYS",
        help="in a picture: the first of N evenly spread classes, or keys a,b (%(default)s)",
    )
    parser.add_argument(
        "--layers",
        type=options.count,
        metavar="K",
        help="blocks that the means are over (5, at most half)",
    )
    parser.add_argument("--out", type=Path, help="where files go (<store>/maps)")
    parser.add_argument("--data-root", type=Path, help="where the data set's files are")
    parser.add_argument("--cache-dir", type=Path, help="frozen features (~/.cache/...)")
    parser.add_argument(
        "--threads", type=options.count, default=1, help="threads of torch (%(default)s)"
    )
    parser.add_argument(
        "--device", type=options.device_name, default="auto", help="cpu, cuda, cuda:1 (%(default)s)"
    )
    group = parser.add_argument_group("class matrix alone (no store is read)")
    group.add_argument(
        "--similarity", action="store_true", help="only the matrix of a model and a data set"
    )
    options.model(group)
    group.add_argument("--dataset", default="emoji", help="see `list` (%(default)s)")
    group.add_argument(
        "--kappa", type=options.amount, help="inverse temperature of the matrix (as run, or 35)"
    )


def run(args: argparse.Namespace) -> int:
    """Write pictures, shares and class matrices."""
    if args.similarity:
        out = args.out or args.store / "maps"
        return _write(out, _asked_matrix(args))
    store = Store(args.store)
    blocks = map_blocks(store, Which(args.sweep, args.target, args.row))
    runs = [run for block in blocks for row in block.rows for run in row.runs]
    check_models(runs, args.cache_dir or default_cache())
    context = _context(args)
    shared = Shared(context)
    for block in blocks:
        tower_of(shared.backbone(block.rows[0].runs[0].model))
    out = args.out or args.store / "maps"
    for block in blocks:
        block = with_own_tower(block, shared)
        _write(out, picture_files(block, shared, args.seed, args.images, args.layers))
        _write(out, share_files(block, shared, args.layers))
        _write(out, matrix_files(block, shared, args.kappa))
    return 0


def _write(out: Path, files: Files) -> int:
    for name, data in files:
        with writing(out / name):
            write_atomically(out / name, data)
        print(out / name, flush=True)
    return 0


def _context(args: argparse.Namespace) -> Context:
    where = (args.store, args.data_root, args.cache_dir, args.device, args.threads)
    return place(*where, workers=1)[0]


def _asked_matrix(args: argparse.Namespace) -> Files:
    model = ModelSpec(name=args.model, pretrained=args.pretrained, preprocess=args.preprocess)
    dataset = DatasetSpec(name=args.dataset)
    opened = plan.open_dataset(dataset, args.data_root)
    model, _ = plan.identify(model, dataset, opened)
    from harness.clip import names

    names.check(model)
    context = _context(args)
    backbone = Shared(context).backbone(model)
    yield from class_files(backbone, opened, args.kappa, f"classes-{dataset.name}")
