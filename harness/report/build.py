"""From a store to what is reported of it: tables, comparisons of their rows, further measures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from harness.errors import unknown_name
from harness.report.comparison.compare import compare_rows
from harness.report.comparison.marks import marked
from harness.report.comparison.model import TableComparison
from harness.report.comparison.ranks import RankOver, Ranks, rank_tables
from harness.report.comparison.reference import references_of
from harness.report.comparison.tuning import Gain, gains, sentence
from harness.report.runs.blocks import beside_ours, blocks_of, names_of
from harness.report.runs.frame import load_frame
from harness.report.runs.predictions import PredictionCache
from harness.report.stats import Design, TestKind
from harness.report.stats.ranks import ROPE
from harness.report.tables.aggregate import summarised
from harness.report.tables.alignment import Alignment, alignment_of
from harness.report.tables.caption import told_apart, with_initials
from harness.report.tables.chosen import counted, rows_called, with_only
from harness.report.tables.confusion import Confusion, confusion_of
from harness.report.tables.metrics import beyond, check_measures
from harness.report.tables.model import ScoredOn, Table
from harness.report.tables.spread import SPREADS, Spread
from harness.store.store import Store
from harness.sweep.figures import check_baseline


@dataclass(frozen=True)
class Choice:
    """What of a store to report, and how."""

    spread: Spread = "std"
    sweep: str | None = None
    model: str | None = None
    dataset: str | None = None
    initials: bool = False
    score: ScoredOn = "target"
    evidence: bool = True
    """Compare each table's rows, and say more of their predictions than accuracy."""
    against: str | None = None
    """The row compared with, where a table has it; for the others see `reference_row`."""
    test: TestKind = Design.test
    measures: tuple[str, ...] | None = None
    """What to say beyond accuracy; see `beyond`."""
    decimals: int = 1
    """Of the numbers of tables."""
    alignment: bool = False
    """Say accuracy by what the pretrained model made of the images."""
    confusion: str | None = None
    """The row to say which classes it takes for which."""
    rank_over: RankOver | None = None
    """Rank the rows over data sets, or over targets."""
    rope: float = ROPE
    """Points within which ranked methods are practically the same."""
    rank_elsewhere: bool = False
    """Put weights trained elsewhere into the tables of ours, and compare and rank them there."""
    rows: tuple[str, ...] | None = None
    """Labels or calls of the rows to show and compare, in this order; None for all."""
    columns: tuple[str, ...] | None = None
    """Columns to show, by name or head; means and comparisons are over all."""
    ablation_baseline: str | None = None
    """Label or row of the bar that an ablation's gains are over, where it has it."""


@dataclass(frozen=True)
class Reported:
    """One table and what can be said about it."""

    name: str
    """The block's, for files; empty when the store has one block."""
    table: Table
    """Its cells carry marks if it was compared."""
    whole: Table
    """The same with every column, which is what ranks are over."""
    frame: pd.DataFrame
    """The block's runs, under the labels of the table's rows."""
    evidence: TableComparison | None
    """None if not asked for."""
    beyond: Table | None
    """Worst domain, accuracy per class, calibration: a column each; None without any number."""
    alignment: Alignment | None = None
    """None if not asked for, or not recorded."""
    confusion: Confusion | None = None
    """None if not asked for, without the row, or without predictions."""
    tuning: tuple[Gain, ...] = ()
    """What tuning is worth, if rows were tuned; also said in the table's caption."""


def report_blocks(
    store: Store,
    choice: Choice,
    predictions: PredictionCache | None = None,
    sweep: str | None = None,
) -> list[Reported]:
    """Return one table per block, compared and marked if `choice` says so.

    Args:
        store: What to report; only read.
        choice: What to report, and how.
        predictions: Of the same store, so that none are read twice.
        sweep: Only this sweep's runs, under its names; by default those that `choice` says.

    Raises:
        UserError: If nothing is there to report, or a name of `choice` is unknown.
    """
    if choice.spread not in SPREADS:
        raise unknown_name("spread", choice.spread, SPREADS)
    check_measures(choice.measures or ())
    predictions = predictions or PredictionCache(store)
    frame = load_frame(store, sweep or choice.sweep)
    if filtered(frame, choice.model, choice.dataset).empty:
        if filtered(frame, choice.model, None).empty:
            raise unknown_name("model", str(choice.model), set(frame["model"]), "in this store")
        raise unknown_name("data set", str(choice.dataset), set(frame["dataset"]), "in this store")
    tables = _tables(frame, choice)
    if sweep is None:
        check_names(choice, [table for _, table, _ in tables])
        if choice.ablation_baseline is not None:
            plans = [plan for plan in store.plans() if choice.sweep in (None, plan.name)]
            check_baseline(choice.ablation_baseline, plans)
    references = references_of(store, sweep or choice.sweep)
    out = []
    for name, table, runs in _chosen(tables, choice):
        comparison = comparison_of(table, choice, references, runs, predictions)
        more = beyond(table, runs, predictions, choice.measures) if choice.evidence else None
        reference = comparison.reference if comparison else None
        worth = gains(table, store.plans(), reference) if table.tuning else ()
        table = replace(table, tuning=" ".join([table.tuning, sentence(worth)]).strip())
        shown = marked(with_only(table, table.rows, _columns(table, choice)), comparison)
        aligned = alignment_of(table, runs, predictions, reference) if choice.alignment else None
        confused = confusion_of(table, runs, predictions, choice.confusion)
        out.append(Reported(name, shown, table, runs, comparison, more, aligned, confused, worth))
    return out


def ranks_by_name(
    store: Store, choice: Choice, reported: Sequence[Reported]
) -> list[tuple[str, Ranks]]:
    """Return the ranks that `choice` asks for, each with what tells it apart in files' names.

    Raises:
        UserError: If there is too little to rank.
    """
    if choice.rank_over is None:
        return []
    references = references_of(store, choice.sweep)
    tables = [block.whole for block in reported]
    found = rank_tables(tables, choice.rank_over, choice.against, references, choice.rope)
    return list(zip(names_of([own.key for own in found]), found, strict=True))


def _tables(frame: pd.DataFrame, choice: Choice) -> list[tuple[str, Table, pd.DataFrame]]:
    if choice.score == "source_val":
        # One number a run, whatever it is tested on; several rows may have chosen the same run.
        frame = frame.drop_duplicates(["id", "config"])
        frame = frame.assign(
            measure="accuracy", target=frame["asked_target"], accuracy=frame["source_val"]
        )
    if choice.rank_elsewhere:
        frame = beside_ours(frame)
    frame = filtered(frame, choice.model, choice.dataset)
    out = []
    for block in blocks_of(frame):
        table, runs = summarised(block.frame, choice.spread, choice.decimals)
        table = replace(table, score=choice.score, content=block.content)
        table = with_initials(table) if choice.initials else table
        out.append((block.name, table, runs))
    tables = told_apart([table for _, table, _ in out])
    named = [(name, table, runs) for (name, _, runs), table in zip(out, tables, strict=True)]
    return sorted(named, key=lambda one: one[1].apart)


def _chosen(
    tables: Iterable[tuple[str, Table, pd.DataFrame]], choice: Choice
) -> Iterator[tuple[str, Table, pd.DataFrame]]:
    """Yield the tables with the rows asked for, without those that have none, or no column."""
    for name, table, runs in tables:
        if choice.rows is not None:
            rows = rows_called(table, choice.rows)
            runs = runs[runs["label"].isin([row.label for row in rows])]
            table = counted(with_only(table, rows, table.columns), runs)
        if table.rows and _columns(table, choice):
            yield name, table, runs


def _columns(table: Table, choice: Choice) -> list[str]:
    """Return the columns to show, by name."""
    names = zip(table.columns, table.column_heads, strict=True)
    wanted = choice.columns
    return [name for name, head in names if wanted is None or name in wanted or head in wanted]


def filtered(frame: pd.DataFrame, model: str | None, dataset: str | None) -> pd.DataFrame:
    """Return the runs of a backbone and a data set; None is any."""
    if model is not None:
        wanted = re.sub(r"^(ViT-[A-Za-z]+)/", r"\1-", model)  # ViT-B/16 is ViT-B-16
        own = (frame["model"] == wanted) | frame["model"].str.startswith(f"{wanted}/")
        frame = frame[own]
    if dataset is not None:
        frame = frame[frame["dataset"] == dataset]
    return frame


def comparison_of(
    table: Table,
    choice: Choice,
    references: Sequence[str],
    frame: pd.DataFrame | None = None,
    predictions: PredictionCache | None = None,
) -> TableComparison | None:
    """Return the comparison that `choice` asks for of one table; None if it asks for none."""
    if not choice.evidence or table.apart:
        return None
    return compare_rows(
        table,
        against=choice.against if choice.against in [row.label for row in table.rows] else None,
        references=references,
        design=Design(test=choice.test),
        frame=frame,
        predictions=predictions,
    )


def check_names(choice: Choice, tables: Sequence[Table]) -> None:
    """Raise UserError if no table has a row or column that `choice` names."""
    labels = {row.label for table in tables for row in table.rows}
    for row in choice.rows or ():
        if not any(rows_called(table, [row]) for table in tables):
            raise unknown_name("row", row, labels, "for --rows, as a table labels it")
    columns = {name for table in tables for name in (*table.columns, *table.column_heads)}
    for column in choice.columns or ():
        if column not in columns:
            raise unknown_name("column", column, columns, "for --columns")
    compared = [table for table in tables if not table.apart]
    for option, name, among in (
        ("against", choice.against, compared), ("confusion", choice.confusion, tables),
    ):  # fmt: skip
        shown = (table.rows if choice.rows is None else rows_called(table, choice.rows)
                 for table in among)  # fmt: skip
        labels = {row.label for rows in shown for row in rows}
        if name is not None and name not in labels:
            raise unknown_name("row", name, labels, f"for --{option}, as a table labels it")
