"""The files of a block's maps: pictures, shares of attention, class matrix."""

from __future__ import annotations

from collections.abc import Iterator

from harness.console.notes import note, warn
from harness.console.output import table_console
from harness.errors import UserError
from harness.execution.run import Shared, rebuild
from harness.maps import captions
from harness.maps.compute import tower_of
from harness.maps.figures.bars import share_picture
from harness.maps.figures.panels import map_picture
from harness.maps.matrix import class_files
from harness.maps.measure import held_out_images, numbers_of, shares_of, shows_its_tower
from harness.maps.pictures import (
    attention_columns,
    chosen_images,
    picture_rows,
    row_maps,
    similarity_columns,
)
from harness.maps.reading import attention_sentence
from harness.maps.rows import MapBlock
from harness.maps.tables import by_measure, long_csv, side_by_side, spread_words
from harness.report.figures.table import table_picture
from harness.report.text.tables import to_latex, to_markdown, to_terminal
from harness.specs import RunSpec
from harness.store.store import Store

ALIGNED = 5
"""K of the first and last K blocks, at most half: as many as attention alignment aligns."""
DRAWN = ("png", "pdf")
Files = Iterator[tuple[str, bytes]]


def _stem(block: MapBlock, *parts: str) -> str:
    words = [*parts, block.name]
    return "-".join("".join(c if c.isalnum() or c in "._" else "-" for c in w) for w in words if w)


def with_own_tower(block: MapBlock, shared: Shared) -> MapBlock:
    """Leave out rows whose tower is not what the method adds to CLIP, and say so."""
    kept = []
    for row in block.rows:
        bank = shared.bank(row.runs[0])
        image = held_out_images(row.runs[0], bank)[0]
        if shows_its_tower(rebuild(row.runs[0], shared), bank, image):
            kept.append(row)
        else:
            warn(f"left out: {row.label} (not its image tower's own maps)")
    if not kept:
        raise UserError(
            "none of the rows classifies by its image tower alone; add a method that trains "
            "nothing, or the tower itself"
        )
    ids = {run.id for row in kept for run in row.runs}
    return MapBlock(block.name, block.frame[block.frame["id"].isin(ids)], tuple(kept))


def _layers(asked: int | None, blocks: int) -> int:
    if asked is None:
        return min(ALIGNED, max(1, blocks // 2))
    if not 1 <= asked <= blocks:
        raise UserError(f"--layers {asked}: the tower has {blocks} blocks; give 1 to {blocks}")
    return asked


def picture_files(
    block: MapBlock, shared: Shared, seed: int, asked: str, layers: int | None
) -> Files:
    """Yield maps of a few images of every target, as the runs of one seed see them.

    Raises:
        UserError: For a seed that did not run, or images or layers that are not there.
    """
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
        about = captions.MapSetting(
            first, bank.dataset.prompts, tower, k, pictures[0].mask is not None
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


def share_files(block: MapBlock, shared: Shared, layers: int | None) -> Files:
    """Yield tables and bars of where attention lies; nothing if no image has a mask."""
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
            note(f"measuring {number}/{len(runs)}: {run.title()}")
            measured = shares_of(built, bank, images)
            if measured is None:
                warn(
                    f"no masks in data set '{run.dataset.name}', so no share of attention on the "
                    "object; a plugin gives them by Dataset.mask"
                )
                return
            seen[key] = numbers_of(measured, k)
        values[run.id] = seen[key]
    template = shared.bank(first).dataset.prompts
    yield from _table_files(
        block, values, captions.MapSetting(first, template, tower, k, masks=True)
    )


def _table_files(
    block: MapBlock, values: dict[str, dict[str, float]], about: captions.MapSetting
) -> Files:
    tables = by_measure(block.frame, values)
    k = about.layers
    means = [f"first {k}", f"last {k}", "all blocks"]
    columns = ["area", *(name for mean in means for name in (mean, f"{mean} / area"))]
    paths = ("plain", "v-v-v", "d-v")
    where = ["area", *(f"difference {path}" for path in paths), *(f"hit {path}" for path in paths)]
    said = attention_sentence(tables)
    console = table_console()
    for name, wanted, text in (
        ("foreground", columns, captions.share(about)),
        ("localisation", where, captions.localisation(about)),
    ):
        table = side_by_side(tables, wanted, text)
        stem = _stem(block, name)
        markdown = to_markdown(table)
        if name == "foreground":
            markdown += f"\n{said}\n"
            yield f"{stem}.csv", long_csv(tables).encode()
        yield f"{stem}.md", markdown.encode()
        yield f"{stem}.tex", to_latex(table, f"tab:{stem}").encode()
        for kind in DRAWN:
            yield f"{stem}.{kind}", table_picture(table, kind)
        console.print(to_terminal(table, console.width, console.is_terminal))
    groups = [f"block {i + 1}" for i in range(about.tower.blocks)] + means
    text = captions.bars(about, spread_words(tables["area"]))
    for kind in DRAWN:
        yield f"{_stem(block, 'foreground-bars')}.{kind}", share_picture(tables, groups, text, kind)
    print(said)


def matrix_files(block: MapBlock, shared: Shared, kappa: float | None) -> Files:
    """Yield the class matrix, with the kappa asked for or else that of a run."""
    given = [run.config["kappa"] for row in block.rows for run in row.runs if "kappa" in run.config]
    first = block.rows[0].runs[0]
    bank = shared.bank(first)
    kappa = kappa or next(iter(given), None)
    backbone = shared.backbone(first.model)
    yield from class_files(backbone, bank.dataset, kappa, _stem(block, "classes"))
