"""One section of the page from one table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.report.comparison.leads import leads_note, leads_of
from harness.report.comparison.model import TableComparison
from harness.report.page.against import evidence_columns, signed
from harness.report.page.columns import (
    Filled,
    Places,
    beyond_columns,
    cost_columns,
    letter,
    rows_in_order,
    score_columns,
)
from harness.report.page.cost import Cost, Spent, cost_of, devices_of
from harness.report.page.domains import domains_of
from harness.report.page.model import BADGES, Badge, Beside, Domain, Glance, PageRow, View
from harness.report.page.pareto import Plot, Point, pareto_plot
from harness.report.stats.words import NOISE
from harness.report.tables.caption import caption_text, title_text
from harness.report.tables.model import Table


@dataclass(frozen=True)
class Source:
    """What a view is made of."""

    id: str
    table: Table
    evidence: TableComparison | None
    beyond: Table | None


def view_of(
    source: Source, places: Places, spent: Mapping[str, Spent], beside: Beside | None
) -> View:
    """Return the section of one table, its best row first."""
    table = replace(source.table, rows=tuple(rows_in_order(source.table)))
    comparison = source.evidence
    score, others = score_columns(table, comparison, places, beside)
    columns: list[Filled] = [score, *evidence_columns(table, comparison), *others]
    columns += beyond_columns(table, source.beyond)
    plots: list[Plot] = []
    notes: list[str] = []
    if table.kind.one_setting and not table.apart:
        costs = [cost_of(row, spent) for row in table.rows]
        devices = devices_of(costs)
        columns += cost_columns(costs, devices)
        plots = _plots(table, costs, devices)
        notes = _notes(devices)
    domains: tuple[Domain, ...] = ()
    axis = ("", "")
    if table.kind.comparable and len(table.domains) > 1 and not table.apart:
        leads = comparison.leads if comparison else ()
        domains, axis = domains_of(table, leads or leads_of(table))
    reference = comparison.reference if comparison else None
    rows = [
        PageRow(
            row.label, row.method, row.label == reference, tuple(cells[i] for _, cells in columns)
        )
        for i, row in enumerate(table.rows)
    ]
    return View(
        id=source.id,
        title=f"{title_text(table)}{table.kind.title}",
        facts=_facts(table),
        caption=caption_text(source.table, source.beyond),
        glance=_glance(table, comparison),
        columns=tuple(column for column, _ in columns),
        rows=tuple(rows),
        domains=domains,
        domain_axis=axis,
        domain_note=leads_note(comparison) if comparison and domains else "",
        what=table.kind.one,
        plots=tuple(plots),
        notes=tuple(notes),
    )


def safe_id(text: str) -> str:
    """Return `text` as the end of an element's id."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower() or "all"


def _facts(table: Table) -> tuple[tuple[str, str], ...]:
    key = table.key
    selections = dict.fromkeys(row.selection for row in table.rows if row.selection)
    facts = {
        "protocol": key["protocol"],
        "data set": key["dataset"],
        "backbone": f"{key['model']} {key['precision']}".strip(),
        "measure": key["measure"],
        "weights tested": ", ".join(selections),
        "runs": str(table.n_runs),
        "failed": str(table.n_failed or ""),
        "missing": str(table.n_missing or ""),
    }
    return tuple((name, str(text)) for name, text in facts.items() if text)


def _glance(table: Table, comparison: TableComparison | None) -> Glance:
    last = len(table.columns) - 1
    whole = [row for row in table.rows if table.cells(row)[last].complete]
    answer = comparison.answer if comparison else ""
    if not table.kind.last_decides:
        return Glance("", "", "", "where a gain is made", None, "", answer)
    if table.apart:
        return Glance("", "", "", "not ranked", None, "", "")
    if not whole:
        return Glance("", "", "", "", None, "", answer)
    best = whole[0]
    number, spread, _ = table.text(table.cells(best)[last])
    badge: Badge | None = None
    lead = text = ""
    if comparison is not None and len(whole) > 1:
        # the reference's own lead is the other side of its second's row
        is_reference = best.label == comparison.reference
        other = whole[1].label if is_reference else comparison.reference
        own = comparison.row(whole[1].label if is_reference else best.label)
        if own is not None and own.difference is not None:
            badge, text = BADGES[own.verdict], NOISE[own.verdict]
            gain = signed(-own.difference if is_reference else own.difference)
            lead = f"{gain} over {other}"
    return Glance(best.label, number, spread, lead, badge, text, answer)


def _plots(table: Table, costs: Sequence[Cost], devices: Sequence[str]) -> list[Plot]:
    last = len(table.columns) - 1
    cells = [table.cells(row)[last] for row in table.rows]
    kinds: list[tuple[str, str, list[float | None]]] = []
    for device in devices:
        own = [cost.by_device.get(device) for cost in costs]
        tail = f" on {device}" if len(devices) > 1 else ""
        kinds += [
            (
                f"Time of a run{tail}",
                f"seconds of a run on {device}",
                [cost.wall_s if cost else None for cost in own],
            ),
            (
                f"Time of a step{tail}",
                f"milliseconds of an optimiser step on {device}",
                [cost.step_ms if cost else None for cost in own],
            ),
        ]
    trained = [float(cost.trained[1]) if cost.trained else None for cost in costs]
    kinds.append(("Trained parameters", "trained parameters", trained))
    plots = []
    for title, axis, values in kinds:
        points, absent = [], []
        for row, cell, value in zip(table.rows, cells, values, strict=True):
            if value is None or cell.mean is None:
                absent.append(row.label)
            else:
                points.append(Point(row.label, value, cell.mean, cell.spread))
        if len(points) > 1:
            plots.append(pareto_plot(title, axis, points, _absent(absent)))
    return plots


def _absent(labels: Sequence[str]) -> str:
    if not labels:
        return ""
    named = ", ".join(labels[:4]) + (f" and {len(labels) - 4} more" if len(labels) > 4 else "")
    return f"Not shown, as one of the two numbers is not there: {named}."


def _notes(devices: Sequence[str]) -> list[str]:
    if not devices:
        return []
    what = "Times are medians over a row's runs; peak memory is that of the worker's process or GPU"
    if len(devices) == 1:
        return [f"{what}; all on {devices[0]}."]
    named = "; ".join(f"{letter(k)}: {device}" for k, device in enumerate(devices))
    return [
        f"{what}. The runs were made on {len(devices)} devices, whose times and memory do not "
        f"compare and stand in columns of their own. {named}."
    ]
