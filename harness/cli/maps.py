"""``maps``: where finished runs look, as pictures and as numbers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.cli import options
from harness.cli.running import check_models
from harness.errors import UserError
from harness.execution.context import Context
from harness.execution.place import place
from harness.execution.run import Shared, rebuild
from harness.maps import captions
from harness.maps import foreground_text as foreground
from harness.maps.compute import tower_of
from harness.maps.foreground_bars import share_picture
from harness.maps.grid import map_picture
from harness.maps.matrix import class_matrix
from harness.maps.measure import held_out_images, numbers_of, shares_of, shows_its_tower
from harness.maps.pictures import (
    attention_columns,
    chosen_images,
    picture_rows,
    row_maps,
    similarity_columns,
)
from harness.maps.rows import MapBlock, Which, map_blocks
from harness.report.figures.table import table_picture
from harness.report.text.tables import to_latex, to_markdown, to_terminal
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.files import write_atomically
from harness.store.store import Store
from harness.sweep import plan

ALIGNED = 5
"""Blocks whose attention AlignCLIP aligns: K of the first and last K blocks, at most half."""
DRAWN = ("png", "pdf")
Files = Iterator[tuple[str, bytes]]


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
        "--seed", type=int, default=0, help="seed of the runs that are drawn (%(default)s)"
    )
    parser.add_argument(
        "--images",
        default="6",
        metavar="N|KEYS",
        help="in a picture: the first of N evenly spread classes, or keys a,b (%(default)s)",
    )
    parser.add_argument(
        "--layers", type=int, metavar="K", help="blocks that the means are over (5, at most half)"
    )
    parser.add_argument("--out", type=Path, help="where files go (<store>/maps)")
    parser.add_argument("--data-root", type=Path, help="where the data set's files are")
    parser.add_argument("--cache-dir", type=Path, help="frozen features (~/.cache/...)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (%(default)s)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 (%(default)s)")
    group = parser.add_argument_group("class matrix alone (no store is read)")
    group.add_argument(
        "--similarity", action="store_true", help="only the matrix of a model and a data set"
    )
    group.add_argument("--model", default="tiny-emoji", help="open_clip name (%(default)s)")
    group.add_argument("--pretrained", default="", help="open_clip tag or checkpoint file")
    group.add_argument("--dataset", default="emoji", help="see `list` (%(default)s)")
    group.add_argument(
        "--kappa", type=float, help="inverse temperature of the matrix (as run, or 35)"
    )


def run(args: argparse.Namespace) -> int:
    """Write pictures, shares and class matrices."""
    if args.similarity:
        out = args.out or args.store / "maps"
        return _write(out, _asked_matrix(args))
    store = Store(args.store)
    blocks = map_blocks(store, Which(args.sweep, args.target, args.row))
    runs = [run for block in blocks for row in block.rows for run in row.runs]
    check_models(runs)
    context = _context(args)
    shared = Shared(context)
    for block in blocks:
        tower_of(shared.backbone(block.rows[0].runs[0].model))
    out = args.out or args.store / "maps"
    for block in blocks:
        block = _shown(block, shared)
        _write(out, _pictures(block, shared, args.seed, args.images, args.layers))
        _write(out, _shares(block, shared, args.layers))
        _write(out, _matrix(block, shared, args.kappa))
    return 0


def _write(out: Path, files: Files) -> int:
    for name, data in files:
        try:
            write_atomically(out / name, data)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{out}: cannot write {name} ({reason}); choose --out") from None
        print(out / name, flush=True)
    return 0


def _stem(block: MapBlock, *parts: str) -> str:
    words = [*parts, block.name]
    return "-".join("".join(c if c.isalnum() or c in "._" else "-" for c in w) for w in words if w)


def _shown(block: MapBlock, shared: Shared) -> MapBlock:
    """Leave out rows whose tower is not what the method adds to CLIP, and say so."""
    kept = []
    for row in block.rows:
        bank = shared.bank(row.runs[0])
        image = held_out_images(row.runs[0], bank)[0]
        if shows_its_tower(rebuild(row.runs[0], shared), bank, image):
            kept.append(row)
        else:
            print(f"left out: {row.label} (not its image tower's own maps)", file=sys.stderr)
    if not kept:
        raise UserError(
            "none of the rows classifies by its image tower alone; add zero_shot or finetune"
        )
    ids = {run.id for row in kept for run in row.runs}
    return MapBlock(block.name, block.frame[block.frame["id"].isin(ids)], tuple(kept))


def _layers(asked: int | None, blocks: int) -> int:
    if asked is None:
        return min(ALIGNED, max(1, blocks // 2))
    if not 1 <= asked <= blocks:
        raise UserError(f"--layers {asked}: the tower has {blocks} blocks; give 1 to {blocks}")
    return asked


def _pictures(block: MapBlock, shared: Shared, seed: int, asked: str, layers: int | None) -> Files:
    tower = tower_of(shared.backbone(block.rows[0].runs[0].model))
    k = _layers(layers, tower.blocks)
    seeds = sorted({run.seed for row in block.rows for run in row.runs})
    if seed not in seeds:
        known = ", ".join(map(str, seeds))
        raise UserError(f"--seed {seed}: no finished run of that seed; use one of {known}")
    for target in block.targets:
        runs: dict[str, RunSpec] = {}
        for row in block.rows:
            own = [run for run in row.runs if run.target == target and run.seed == seed]
            runs |= {row.label: own[0]} if own else {}
        if not runs:
            continue
        first = next(iter(runs.values()))
        bank = shared.bank(first)
        images = chosen_images(held_out_images(first, bank), asked)
        with_branches = _with_branches(runs, Store(shared.context.store))
        rows = [
            row_maps(label, rebuild(run, shared), bank, images, label in with_branches)
            for label, run in runs.items()
        ]
        pictures = picture_rows(bank, images)
        about = captions.Setting(
            first, bank.dataset.template, tower, k, pictures[0].mask is not None
        )
        for name, columns, text in (
            ("attention", attention_columns(rows, k), captions.attention(about)),
            ("similarity", similarity_columns(rows), captions.similarity(about)),
        ):
            for kind in DRAWN:
                file = f"{_stem(block, 'maps', name, target)}.{kind}"
                yield file, map_picture(pictures, columns, text, kind)


def _with_branches(runs: dict[str, RunSpec], store: Store) -> set[str]:
    """Return the first row that trained nothing, and the first that trained with a branch."""
    untrained = [label for label, run in runs.items() if not store.read(run.id).trained_parameters]
    with_branch = [label for label, run in runs.items() if "branch" in run.config]
    return {*untrained[:1], *with_branch[:1]} or set(list(runs)[:1])


def _shares(block: MapBlock, shared: Shared, layers: int | None) -> Files:
    first = block.rows[0].runs[0]
    tower = tower_of(shared.backbone(first.model))
    k = _layers(layers, tower.blocks)
    values: dict[str, dict[str, float]] = {}
    # What trained nothing sees the same images of a target in every seed: measured once.
    seen: dict[tuple[str, ...], dict[str, float]] = {}
    runs = [run for row in block.rows for run in row.runs]
    for number, run in enumerate(runs, 1):
        bank = shared.bank(run)
        images = held_out_images(run, bank)
        built = rebuild(run, shared)
        key: tuple[str, ...] = (run.id,)
        if not built.parameters:
            key = (run.method, str(run.config), *(image.sample.key for image in images))
        if key not in seen:
            print(f"measuring {number}/{len(runs)}: {run.title()}", file=sys.stderr)
            found = shares_of(built, bank, images)
            if found is None:
                print(
                    f"no masks in data set '{run.dataset.name}', so no share of attention on the "
                    "object; a plugin gives them by Dataset.mask",
                    file=sys.stderr,
                )
                return
            seen[key] = numbers_of(found, k)
        values[run.id] = seen[key]
    yield from _share_files(block, values, captions.Setting(
        first, shared.bank(first).dataset.template, tower, k, True
    ))  # fmt: skip


def _share_files(
    block: MapBlock, values: dict[str, dict[str, float]], about: captions.Setting
) -> Files:
    from rich.console import Console

    tables = foreground.by_measure(block.frame, values)
    k = about.layers
    means = [f"first {k}", f"last {k}", "all blocks"]
    columns = ["area", *(name for mean in means for name in (mean, f"{mean} / area"))]
    paths = ("plain", "v-v-v", "d-v")
    where = ["area", *(f"difference {path}" for path in paths), *(f"hit {path}" for path in paths)]
    said = foreground.reading(tables)
    for name, wanted, text in (
        ("foreground", columns, captions.share(about)),
        ("localisation", where, captions.localisation(about)),
    ):
        table = foreground.side_by_side(tables, wanted, text)
        stem = _stem(block, name)
        markdown = to_markdown(table)
        if name == "foreground":
            markdown += f"\n{said}\n"
            yield f"{stem}.csv", foreground.long_csv(tables).encode()
        yield f"{stem}.md", markdown.encode()
        yield f"{stem}.tex", to_latex(table, f"tab:{stem}").encode()
        for kind in DRAWN:
            yield f"{stem}.{kind}", table_picture(table, kind)
        Console(width=160, highlight=False).print(to_terminal(table))
    groups = [f"block {i + 1}" for i in range(about.tower.blocks)] + means
    text = captions.bars(about, foreground.spread_words(tables["area"]))
    for kind in DRAWN:
        yield f"{_stem(block, 'foreground-bars')}.{kind}", share_picture(tables, groups, text, kind)
    print(said)


def _matrix(block: MapBlock, shared: Shared, kappa: float | None) -> Files:
    given = [run.config["kappa"] for row in block.rows for run in row.runs if "kappa" in run.config]
    first = block.rows[0].runs[0]
    bank = shared.bank(first)
    yield from class_matrix(
        shared.backbone(first.model), bank.dataset, kappa or next(iter(given), None),
        _stem(block, "classes"),
    )  # fmt: skip


def _context(args: argparse.Namespace) -> Context:
    where = (args.store, args.data_root, args.cache_dir, args.device, args.threads)
    return place(*where, workers=1)[0]


def _asked_matrix(args: argparse.Namespace) -> Files:
    model = ModelSpec(name=args.model, pretrained=args.pretrained)
    dataset = DatasetSpec(name=args.dataset)
    opened = plan.open_dataset(dataset, args.data_root)
    model, _ = plan.identify(model, dataset, opened)
    from harness.clip import names

    names.check(model)
    context = _context(args)
    backbone = Shared(context).backbone(model)
    yield from class_matrix(backbone, opened, args.kappa, f"classes-{dataset.name}")
