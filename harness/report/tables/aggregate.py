"""From runs to a table: per method and held-out domain, mean ± spread over seeds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from harness.errors import UserError
from harness.report.runs.blocks import FIELDS, blocks_of
from harness.report.runs.labels import disambiguate
from harness.report.runs.rows import SeedKey
from harness.report.tables.cells import cell_of, mark_best, mean_cell, usual_n
from harness.report.tables.chosen import counted
from harness.report.tables.model import Row, Table
from harness.report.tables.spread import Spread
from harness.specs import ELSEWHERE
from harness.sweep.calls import canonical

_SEED = ["seed", "data_seed"]
_PLACE = ["row", "target", *_SEED]


def summarise(frame: pd.DataFrame, spread: Spread = "std", decimals: int = 1) -> Table:
    """Return the table of one block.

    Raises:
        UserError: If the runs may not share a table; split them with `blocks_of` first.
    """
    return summarised(frame, spread, decimals)[0]


def summarised(
    frame: pd.DataFrame, spread: Spread = "std", decimals: int = 1
) -> tuple[Table, pd.DataFrame]:
    """Return the table of one block, and its runs as `labelled` does; errors as of `summarise`."""
    split = blocks_of(frame)
    if len(split) != 1:
        first, second = split[0].key, split[1].key
        field = next(field for field in FIELDS if first[field] != second[field])
        raise UserError(
            f"one table cannot mix {field} '{first[field]}' and '{second[field]}'; "
            "make one table per block"
        )
    # domains as planned; those of runs that no sweep planned follow the alphabet
    first_of = frame.groupby("target")["order"].min().reset_index()
    domains = tuple(first_of.sort_values(["order", "target"])["target"])
    runs = _by_row(frame)
    rows = mark_best(_rows(runs, domains, spread), decimals)
    table = Table(
        key=split[0].key,
        domains=domains,
        heads=domains,
        rows=tuple(rows),
        spread=spread,
        usual_n=usual_n(rows),
        n_runs=0,
        n_failed=0,
        n_missing=0,
        has_mean=len(domains) > 1,
        tuning=" ".join(sorted({text for text in frame["tuned"] if text})),
        decimals=decimals,
    )
    return counted(table, frame), _labelled(runs, frame)


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one block's runs under the labels of their table's rows, one for each cell and seed.

    So no label stands for two configurations, which is what statistics of pairs ask for.
    """
    return _labelled(_by_row(frame), frame)


def _labelled(runs: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    runs = runs.drop_duplicates(_PLACE, keep="last")
    return runs.assign(label=runs["row"])[list(frame.columns)]


def _by_row(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the runs row after row, with the row's name in a column `row`.

    What makes runs one row is their configuration and the method's code, whatever they are
    labelled. Rows stand in the order of the plan; what trained nothing comes first where nothing
    was planned, and weights trained elsewhere come last.
    """
    spellings = {
        text: json.dumps(json.loads(text), sort_keys=True) for text in frame["config"].unique()
    }
    variant = (
        frame.assign(config=frame["config"].map(spellings))
        .groupby(["method", "config", "asked_selection"], sort=False)
        .ngroup()
    )
    code = _code(frame, variant)
    variant = (
        frame.assign(variant=variant, code=code).groupby(["variant", "code"], sort=False).ngroup()
    )
    variants = (
        frame.assign(variant=variant, code=code)
        .assign(trained=frame["trained_parameters"].fillna(0) > 0)
        .groupby("variant")
        .agg(
            order=("order", "min"),
            trained=("trained", "max"),
            first=("label", "first"),
            label=("label", _most_common),
            method=("method", "first"),
            config=("config", "first"),
            selection=("asked_selection", "first"),
            code=("code", "first"),
        )
        .assign(elsewhere=lambda rows: rows["method"] == ELSEWHERE)
        .sort_values(["elsewhere", "order", "trained", "first"], kind="stable")
    )
    columns = (variants[name] for name in ("method", "config", "selection", "code"))
    configured = [
        {"method": method, "config": json.loads(config), "selection": selection, "code": code}
        for method, config, selection, code in zip(*columns, strict=True)
    ]
    names = pd.Series(disambiguate(list(variants["label"]), configured), variants.index)
    place = pd.Series(range(len(variants)), variants.index)
    return (
        frame.assign(row=variant.map(names), place=variant.map(place))
        .sort_values("place", kind="stable")
        .drop(columns="place")
    )


def _code(frame: pd.DataFrame, variant: pd.Series[int]) -> pd.Series[str]:
    """Return the hash of each run's method; a run that is not done has that of most of its like."""
    known = frame.assign(variant=variant)[frame["method_source"].notna()]
    usual = known.groupby("variant")["method_source"].agg(_most_common)
    likely = variant.map(usual).astype("string")
    return frame["method_source"].fillna(likely).fillna("").astype(str)


def _most_common(labels: pd.Series[str]) -> str:
    return Counter(labels).most_common(1)[0][0]


class _Run(NamedTuple):
    """What a table shows of a run, as plain values: there are thousands."""

    row: str
    target: str
    seed: int
    data_seed: int
    id: str
    status: str
    accuracy: float
    base: float
    new: float
    label: str
    call: str
    method: str
    config: str
    selection: str | None


def _rows(runs: pd.DataFrame, domains: Sequence[str], spread: Spread) -> list[Row]:
    by_name: dict[str, list[_Run]] = {}
    for values in zip(*(runs[name].tolist() for name in _Run._fields), strict=True):
        by_name.setdefault(values[0], []).append(_Run(*values))
    trained = set(runs.loc[runs["trained_parameters"].fillna(0) > 0, "row"])
    return [_row(name, own, domains, spread, name not in trained) for name, own in by_name.items()]


def _row(
    name: str, runs: Sequence[_Run], domains: Sequence[str], spread: Spread, untrained: bool
) -> Row:
    # of two runs in one place the later counts
    placed = {(run.target, (run.seed, run.data_seed)): run for run in runs}
    seeds: list[SeedKey] = sorted({seed for _, seed in placed})
    cells = []
    for domain in domains:
        own = {seed: placed[domain, seed] for seed in seeds if (domain, seed) in placed}
        known = {seed: run.accuracy for seed, run in own.items() if run.accuracy == run.accuracy}
        n_failed = sum(run.status == "failed" for run in own.values())
        missing = len(seeds) - len(known) - n_failed
        base_new = {s: (run.base, run.new) for s, run in own.items() if run.base == run.base}
        cell = cell_of(known, n_failed, missing, spread, base_new, untrained)
        cells.append(replace(cell, runs=tuple(run.id for run in own.values())))
    names = {name, *(run.label for run in runs), *(run.call for run in runs)}
    tested = {run.selection for run in runs if isinstance(run.selection, str)}  # else NA
    return Row(
        label=name,
        names=frozenset(canonical(text) for text in names),
        method=runs[0].method,
        config=json.loads(runs[0].config),
        selection="/".join(sorted(tested)),
        cells=tuple(cells),
        mean=mean_cell(cells, seeds, spread),
    )
