"""Which of our cells is a published number's counterpart, and why another may not be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.protocols import PROTOCOLS
from harness.report.published.meanings import Meanings
from harness.report.published.numbers import PublishedNumber
from harness.report.runs.blocks import FIELDS
from harness.report.tables.cells import mean_cell
from harness.report.tables.model import Cell, Row, Table

ALL_SETS = "mean of datasets"
_OF_DATASET = ("dataset", "dataset_options", "dataset_fingerprint", "measure")


@dataclass(frozen=True)
class Counterpart:
    """One of our cells, of the number's method and measure on the number's data."""

    label: str
    cell: Cell
    table: Table
    """Of several data sets: the first one's, whose protocol and backbone all share."""
    selection: str
    refused: str
    """Why it may not be compared; empty if it may."""
    unchecked: str = ""


def counterparts(
    number: PublishedNumber, tables: Sequence[Table], meanings: Meanings
) -> list[Counterpart]:
    """Return our cells of a number's method, measure, protocol and data, in the tables' order.

    A method is known by plugin and configuration, never by its label. A recipe, backbone, tested
    part or selection that is not the number's makes a counterpart `refused`.
    """
    if number.dataset != ALL_SETS:
        return list(_on(number, number.dataset, number.domain, tables, meanings))
    names = meanings.means.get(number.protocol, [])
    groups: dict[tuple[object, ...], list[Table]] = {}
    for table in tables:
        key = tuple(str(table.key[field]) for field in FIELDS if field not in _OF_DATASET)
        groups.setdefault(key, []).append(table)
    out = []
    for group in groups.values():
        parts = [list(_on(number, name, "mean", group, meanings)) for name in names]
        if any(parts):
            out.append(_over(names, parts))
    return out


def _over(names: Sequence[str], parts: Sequence[list[Counterpart]]) -> Counterpart:
    """Return the mean over data sets within each seed, or why there is none."""
    chosen, refused = [], ""
    for name, own in zip(names, parts, strict=True):
        fit = [one for one in own if not one.refused] or own
        if not fit:
            refused = refused or f"no run on {name}, over which the source averages, too"
        elif len(fit) > 1:
            labels = ", ".join(one.label for one in fit)
            refused = refused or f"several rows on {name}: {labels}"
        elif fit[0].refused:
            refused = refused or f"{name}: {fit[0].refused}"
        chosen += fit[:1]
    cells = [one.cell for one in chosen]
    seeds = sorted({seed for cell in cells for seed in cell.by_seed})
    first = chosen[0]
    unchecked = dict.fromkeys(one.unchecked for one in chosen if one.unchecked)
    cell = mean_cell(cells, seeds, first.table.spread)
    return Counterpart(
        first.label, cell, first.table, first.selection, refused, "; ".join(unchecked)
    )


def _on(
    number: PublishedNumber, dataset: str, domain: str, tables: Sequence[Table], meanings: Meanings
) -> Iterator[Counterpart]:
    column = domain if domain not in ("", "mean") else None
    protocol = PROTOCOLS[number.protocol]
    if not protocol.published_domains:
        dataset, column = meanings.shifted, dataset
    measures = protocol.published[number.metric]
    for table in tables:
        key = table.key
        if (key["protocol"], key["dataset"]) != (number.protocol, dataset):
            continue
        if not table.kind.one_block or table.score != "target" or key["measure"] not in measures:
            continue
        if column is not None and column not in table.domains:
            continue
        for row in table.rows:
            if meanings.is_method(number, row.method, row.config):
                cell = row.mean if column is None else row.cells[table.domains.index(column)]
                refused = _setting(number, table, meanings) or _row(number, dataset, row, meanings)
                if column is None:
                    refused = refused or _partial(number, dataset, table, meanings)
                unchecked = meanings.unchecked(number, dataset, row.config)
                yield Counterpart(row.label, cell, table, row.selection, refused, unchecked)


def _setting(number: PublishedNumber, table: Table, meanings: Meanings) -> str:
    """Return what of a table's backbone, data or protocol is not the number's."""
    key = table.key
    ours = meanings.backbones.get(number.backbone, [])
    if key["model"] not in ours:
        return (
            f"backbone {key['model']} is not {number.backbone} ({' or '.join(ours) or 'unknown'})"
        )
    if key["dataset_options"] != "{}":
        return f"data set with options {key['dataset_options']}"
    protocol = PROTOCOLS[number.protocol]
    if "test_on" in protocol.options:
        tested = meanings.tested(number)
        # what a source does not state is a part that people test, none that tuning leaves
        fits = ("all", "in", "out") if tested == "unstated" else (tested,)
        if key["test_on"] not in fits:
            return f"tested on '{key['test_on']}' of the held-out domain, the source on '{tested}'"
        if key["disjoint_groups"]:
            return "trained on other groups than tested on (disjoint_groups)"
    for name, value in json.loads(key["protocol_options"]).items():
        if value != protocol.model_fields[name].default:
            return f"{name} is {value!r}, which no source has"
    if key["holdout_fraction"] != 0.2:
        return f"holdout_fraction is {key['holdout_fraction']}, the sources hold out 0.2"
    few = protocol.few_shot
    if key["shots"] != (16 if few else 0):
        return f"shots is {key['shots']}, the sources take {'16' if few else 'all images (0)'}"
    if key["source"] != protocol.published_source:
        return f"trained on {key['source']}, the sources on {protocol.published_source}"
    return ""


def _row(number: PublishedNumber, dataset: str, row: Row, meanings: Meanings) -> str:
    """Return what of a row's weights or training is not the number's."""
    wanted = meanings.plugins[meanings.names[number.method].method].selection
    if row.selection not in ("", wanted):  # empty: nothing is done yet
        return f"row '{row.label}' tests the weights '{row.selection}', the source '{wanted}'"
    different = meanings.other_recipe(number, dataset, row.config)
    return f"row '{row.label}' has another recipe: {different}" if different else ""


def _partial(number: PublishedNumber, dataset: str, table: Table, meanings: Meanings) -> str:
    wanted = meanings.domains.get(dataset, [dataset])
    if set(table.domains) == set(wanted):
        return ""
    return f"our mean is over {', '.join(table.domains)}, the source's over {', '.join(wanted)}"
