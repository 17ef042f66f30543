"""Which finished runs to look at: the rows of a table, under its names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from harness.errors import UserError, unknown_name
from harness.report.runs.blocks import blocks_of
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import labelled
from harness.specs import RunSpec
from harness.store.store import Store
from harness.sweep.calls import canonical


@dataclass(frozen=True)
class MapRow:
    """One method in one configuration."""

    label: str
    runs: tuple[RunSpec, ...]
    """Over held-out domains and seeds; all finished."""


@dataclass(frozen=True)
class MapBlock:
    """Rows of one backbone, data set and protocol."""

    name: str
    """For file names; empty when there is one block."""
    frame: pd.DataFrame
    """One line for each run, as `load_frame` gives it."""
    rows: tuple[MapRow, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """Held-out domains, in the order of the table."""
        return tuple(dict.fromkeys(run.target for row in self.rows for run in row.runs))


@dataclass(frozen=True)
class Which:
    """What of a store to look at; None or empty: everything."""

    sweep: str | None = None
    target: str | None = None
    rows: Sequence[str] = ()


def map_blocks(store: Store, which: Which) -> list[MapBlock]:
    """Return the finished runs that `which` names.

    Raises:
        UserError: If there are none, a name is unknown, a run that trained kept no weights, or one
            was tested on other data sets.
    """
    frame = load_frame(store, which.sweep).drop_duplicates("id")
    frame = frame[frame["status"] == "done"]
    records = {run_id: store.read(run_id) for run_id in frame["id"]}
    # A run of distribution_shift has several targets; its images are looked at together.
    frame = frame.assign(target=[records[run_id].spec.target for run_id in frame["id"]])
    if which.target is not None:
        known = set(frame["target"])
        if which.target not in known:
            raise unknown_name("target", which.target, known, f"of finished runs in {store.root}")
        frame = frame[frame["target"] == which.target]
    tables = [(block.name, labelled(block.frame)) for block in blocks_of(frame)]
    if which.rows:
        labels = {label for _, table in tables for label in table["label"]}
        tables = [(name, _chosen(table, which.rows)) for name, table in tables]
        if all(table.empty for _, table in tables):
            raise unknown_name("row", " or ".join(which.rows), labels, f"in {store.root}")
    shown = [
        MapBlock(
            name,
            table,
            tuple(
                MapRow(label, tuple(records[i].spec for i in table["id"][table["label"] == label]))
                for label in dict.fromkeys(table["label"])
            ),
        )
        for name, table in tables
        if not table.empty
    ]
    runs = [run for block in shown for row in block.rows for run in row.runs]
    elsewhere = next((run for run in runs if run.protocol.other_data(run.target)), None)
    if elsewhere is not None:
        raise UserError(
            f"{store.root}: {elsewhere.title()} was tested on other data sets than it trained on, "
            "and maps are of one; leave such runs out (--sweep, --row, --target)"
        )
    without = [run.title() for run in runs if not store.has_weights(run.id)]
    if without:
        raise UserError(
            f"{store.root}: {len(without)} run(s) kept no weights, e.g. {without[0]}; run them "
            "with --keep-weights (in a sweep file keep_weights: true) into a new --store"
        )
    return shown


def _chosen(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Keep the rows of these names, by label or by call."""
    wanted = {canonical(name) for name in names}
    labels = {
        label
        for label, call in zip(table["label"], table["call"], strict=True)
        if wanted & {canonical(label), canonical(call)}
    }
    return table[[label in labels for label in table["label"]]]
