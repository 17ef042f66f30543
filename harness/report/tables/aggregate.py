"""From runs to a table: per method and held-out domain, mean ± spread over seeds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from harness.errors import UserError
from harness.report.runs.blocks import FIELDS, blocks_of
from harness.report.runs.labels import disambiguate
from harness.report.runs.rows import SeedKey
from harness.report.tables.cells import cell_of, mark_best, mean_cell, usual_n
from harness.report.tables.model import Row, Table
from harness.report.tables.spread import Spread
from harness.sweep.calls import canonical

_SEED = ["seed", "data_seed"]
_PLACE = ["row", "target", *_SEED]


def summarise(frame: pd.DataFrame, spread: Spread = "std") -> Table:
    """Return the table of one block.

    Raises:
        UserError: If the runs may not share a table; split them with `blocks_of` first.
    """
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
    grids = _grids(runs, domains)
    rows = mark_best(
        [_row(str(name), own, grids, spread) for name, own in runs.groupby("row", sort=False)]
    )
    states = frame.drop_duplicates("id", keep="last")["status"].value_counts()
    return Table(
        key=split[0].key,
        domains=domains,
        heads=domains,
        rows=tuple(rows),
        spread=spread,
        usual_n=usual_n(rows),
        n_runs=int(states.sum()),
        n_failed=int(states.get("failed", 0)),
        n_missing=int(states.get("missing", 0)),
        has_mean=len(domains) > 1,
        tuning=" ".join(sorted({text for text in frame["tuned"] if text})),
    )


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one block's runs under the labels of their table's rows, one for each cell and seed.

    So no label stands for two configurations, which is what statistics of pairs ask for.
    """
    runs = _by_row(frame).drop_duplicates(_PLACE, keep="last")
    return runs.assign(label=runs["row"])[list(frame.columns)]


def _by_row(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the runs row after row, with the row's name in a column `row`.

    What makes runs one row is their configuration and the method's code, whatever they are
    labelled. Rows stand in the order of the plan; what trained nothing comes first where nothing
    was planned.
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
        .sort_values(["order", "trained", "first"], kind="stable")
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


def _grids(runs: pd.DataFrame, domains: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return what a table shows of each run, by row and seed down, by domain across.

    NA where nothing was planned, or the run is not done.
    """
    placed = runs.drop_duplicates(_PLACE, keep="last")  # of two runs in one place the later counts
    placed = placed.assign(failed=placed["status"] == "failed")
    return {
        column: placed.pivot(index=["row", *_SEED], columns="target", values=column).reindex(
            columns=list(domains)
        )
        for column in ("id", "failed", "accuracy", "base", "new")
    }


def _row(name: str, runs: pd.DataFrame, grids: Mapping[str, pd.DataFrame], spread: Spread) -> Row:
    own = {
        column: grid[grid.index.get_level_values("row") == name].droplevel("row")
        for column, grid in grids.items()
    }
    seeds: list[SeedKey] = list(own["id"].index)
    # Plain arrays from here on: thousands of cells of a few seeds each.
    scores, base, new = (own[name].to_numpy(float).T for name in ("accuracy", "base", "new"))
    failed, ids = ((own[name].to_numpy(object)).T for name in ("failed", "id"))
    cells = []
    for at in range(len(own["id"].columns)):
        known = _by_seed(seeds, scores[at])
        n_failed = sum(value is True for value in failed[at])
        missing = len(seeds) - len(known) - n_failed
        parts = _by_seed(seeds, base[at]), _by_seed(seeds, new[at])
        base_new = {seed: (value, parts[1][seed]) for seed, value in parts[0].items()}
        cell = cell_of(known, n_failed, missing, spread, base_new)
        cells.append(replace(cell, runs=tuple(i for i in ids[at] if isinstance(i, str))))
    names = {name, *runs["label"], *runs["call"]}
    return Row(
        label=name,
        names=frozenset(canonical(text) for text in names),
        method=str(runs["method"].iloc[0]),
        config=json.loads(runs["config"].iloc[0]),
        selection="/".join(sorted(runs["selection"].dropna().unique())),
        cells=tuple(cells),
        mean=mean_cell(cells, seeds, spread),
    )


def _by_seed(seeds: Sequence[SeedKey], scores: Sequence[float]) -> dict[SeedKey, float]:
    """Return the scores that are there: NaN is none."""
    return {s: float(value) for s, value in zip(seeds, scores, strict=True) if value == value}
