"""Write every table and figure of a store into a directory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from harness.errors import UserError, unknown_name
from harness.report.aggregate import Table, blocks, load_frame, summarise
from harness.report.caption import with_initials
from harness.report.figures import (
    AblationSpec,
    LineSpec,
    TableSpec,
    chosen_table,
    figures_of,
    tables_for,
)
from harness.report.spread import SPREADS, Spread
from harness.report.table import Score
from harness.report.tables import to_csv, to_latex, to_markdown
from harness.store import Store, write_atomically

FORMATS = ("md", "csv", "tex", "png", "pdf")


@dataclass(frozen=True)
class Choice:
    """What of a store to report, and how."""

    spread: Spread = "std"
    sweep: str | None = None
    model: str | None = None
    dataset: str | None = None
    initials: bool = False
    score: Score = "target"


def build_tables(store: Store, choice: Choice) -> list[tuple[str, Table]]:
    """Return one table per block, with the block's name for files.

    Raises:
        UserError: If nothing is there to report, or a name of `choice` is unknown.
    """
    if choice.spread not in SPREADS:
        raise unknown_name("spread", choice.spread, SPREADS)
    frame = load_frame(store, choice.sweep)
    if _filtered(frame, choice.model, choice.dataset).empty:
        if _filtered(frame, choice.model, None).empty:
            raise unknown_name("model", str(choice.model), set(frame["model"]), "in this store")
        raise unknown_name("data set", str(choice.dataset), set(frame["dataset"]), "in this store")
    return _tables(frame, choice)


def _tables(frame: pd.DataFrame, choice: Choice) -> list[tuple[str, Table]]:
    frame = _filtered(frame, choice.model, choice.dataset)
    if choice.score == "source_val":
        # One number a run, whatever the run is tested on.
        frame = frame.drop_duplicates("id").assign(measure="accuracy")
        frame = frame.assign(accuracy=frame["source_val"])
    tables = [
        (block.name, replace(summarise(block.frame, choice.spread), score=choice.score))
        for block in blocks(frame)
    ]
    return [(name, with_initials(t) if choice.initials else t) for name, t in tables]


def _filtered(frame: pd.DataFrame, model: str | None, dataset: str | None) -> pd.DataFrame:
    if model is not None:
        wanted = re.sub(r"^(ViT-[A-Za-z]+)/", r"\1-", model)  # ViT-B/16 is ViT-B-16
        models = frame["model"].astype(str)
        frame = frame[(models == wanted) | models.str.startswith(f"{wanted}/")]
    if dataset is not None:
        frame = frame[frame["dataset"].astype(str) == dataset]
    return frame


def write_report(
    store: Store, out_dir: Path, choice: Choice | None = None, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Write tables and figures; return the files, tables first.

    A store that is only partly filled is reported with its holes.

    Args:
        store: What to report; only read.
        out_dir: Made if it is not there. Files of an earlier report are replaced.
        choice: What to report, and how; by default everything, with standard deviations.
        formats: Some of `FORMATS`.

    Raises:
        UserError: If nothing is there to report, or a name is unknown.
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown_name("format", name, FORMATS)
    choice = choice or Choice()
    files: dict[str, bytes] = {}
    for name, table in build_tables(store, choice):
        stem = f"table{_suffix(choice)}-{name}" if name else f"table{_suffix(choice)}"
        for kind in formats:
            files[f"{stem}.{kind}"] = _render(table, kind, name)
    files |= _figures(store, choice, formats)
    for file, data in files.items():
        try:
            write_atomically(out_dir / file, data)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{out_dir}: cannot write {file} ({reason}); choose --out") from None
    return [out_dir / file for file in files]


def _suffix(choice: Choice) -> str:
    return "" if choice.score == "target" else f"-{choice.score}"


def _render(table: Table, kind: str, name: str) -> bytes:
    if kind in ("png", "pdf"):
        from harness.report.picture import table_picture

        return table_picture(table, kind)
    as_text: dict[str, Callable[[], str]] = {
        "md": lambda: to_markdown(table),
        "csv": lambda: to_csv(table),
        "tex": lambda: to_latex(table, f"tab:{name or 'results'}"),
    }
    return as_text[kind]().encode()


def _figures(store: Store, choice: Choice, kinds: Sequence[str]) -> dict[str, bytes]:
    plans = [plan for plan in store.plans() if choice.sweep in (None, plan.name)]
    wanted = [(plan, spec) for plan in plans for spec in figures_of(plan)]
    names = [spec.name for _, spec in wanted]
    files: dict[str, bytes] = {}
    for plan, spec in wanted:
        if not any(store.has(run.id) or store.failure(run.id) for run in plan.runs):
            continue  # planned, but nothing ran yet
        # A figure's rows are those of its own sweep, under that sweep's names.
        frame = load_frame(store, plan.name)
        if _filtered(frame, choice.model, choice.dataset).empty:
            continue
        tables = _tables(frame, replace(choice, initials=False))
        stem = f"{'table' if spec.kind == 'table' else 'figure'}{_suffix(choice)}-{spec.name}"
        if names.count(spec.name) > 1:
            stem = stem.replace(f"-{spec.name}", f"-{plan.name}-{spec.name}")
        for name, table in tables_for(spec, tables):
            file = f"{stem}-{name}" if name else stem
            files |= {f"{file}.{kind}": data for kind, data in _drawn(table, spec, kinds, name)}
    return files


def _drawn(
    table: Table, spec: AblationSpec | LineSpec | TableSpec, kinds: Sequence[str], name: str
) -> Iterator[tuple[str, bytes]]:
    if isinstance(spec, TableSpec):
        table = chosen_table(table, spec)
        for kind in kinds:
            yield kind, _render(table, kind, f"{spec.name}-{name}" if name else spec.name)
        return
    from harness.report.bars import ablation_picture
    from harness.report.lines import line_picture

    for kind in (kind for kind in kinds if kind in ("png", "pdf")):
        if isinstance(spec, LineSpec):
            yield kind, line_picture(table, spec, kind)
        else:
            yield kind, ablation_picture(table, spec, kind)
