"""Columns of a view: the score, the domains, further measures, cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.report.comparison.model import RowComparison, TableComparison
from harness.report.page.cost import Cost, DeviceCost, short
from harness.report.page.model import Beside, ColumnGroup, PageColumn, Published, Shown, State
from harness.report.page.runs import ranges
from harness.report.tables.columns import Beyond
from harness.report.tables.model import Cell, Row, Table

Filled = tuple[PageColumn, tuple[Shown, ...]]
"""A column with its cells, one for each row of the table."""


@dataclass(frozen=True)
class Places:
    """Where the page keeps each run."""

    at: Mapping[str, int]
    status: Mapping[str, str]

    def lacking(self, runs: Sequence[str]) -> str:
        """Return in words what is not there of the runs."""
        counts = Counter(self.status[run] for run in runs if run in self.at)
        holes = " and ".join(f"{counts[s]} {s}" for s in ("failed", "missing") if counts[s])
        return f"of {counts.total()} runs {holes}" if holes else ""

    def of(self, runs: Sequence[str]) -> tuple[str, str]:
        """Return the runs' positions as ranges, and the first run's id."""
        known = [run for run in runs if run in self.at]
        return ranges(self.at[run] for run in known), known[0] if known else ""


def score_columns(
    table: Table, comparison: TableComparison | None, places: Places, beside: Beside | None
) -> tuple[Filled, list[Filled]]:
    """Return the column that ranks the rows, and the others: domains, or what they are."""
    columns = []
    for i, (name, head) in enumerate(zip(table.columns, table.column_heads, strict=True)):
        is_score = i == len(table.columns) - 1
        cells = []
        for row in table.rows:
            own = comparison.row(row.label) if comparison and is_score else None
            published = tuple(beside(table, row, name)) if beside else ()
            is_mean = not table.kind.of_domains or (is_score and table.has_mean)
            cell = table.cells(row)[i]
            cells.append(_number(cell, table, places, own, published, is_mean))
        group: ColumnGroup = "score" if is_score else "columns"
        columns.append((PageColumn(head, group, name if name != head else ""), tuple(cells)))
    return columns[-1], columns[:-1]


def _number(
    cell: Cell,
    table: Table,
    places: Places,
    comparison: RowComparison | None,
    published: tuple[Published, ...],
    is_mean: bool,
) -> Shown:
    number, spread, note = table.text(cell)
    runs, first = places.of(cell.runs)
    if cell.mean is None and is_mean and cell.runs:
        why = places.lacking(cell.runs) or "no seed has them all"
        return Shown("incomplete", None, state="missing", runs=runs, first=first, title=why)
    return Shown(
        number=number,
        value=cell.mean,
        spread=spread,
        note=note.removesuffix(cell.mark).strip() if cell.mark else note,
        mark=cell.mark,
        mark_text=comparison.reading if comparison is not None and cell.mark else "",
        best=cell.best,
        state=state_of(cell),
        runs=runs,
        first=first,
        title=_by_seed(cell),
        published=published,
    )


def state_of(cell: Cell) -> State:
    """Return whether a cell is whole, and if not, why."""
    if cell.mean is None:
        return "failed" if cell.n_failed else "missing"
    return "done" if cell.complete else "partial"


def _by_seed(cell: Cell) -> str:
    if cell.deterministic:
        return "deterministic: the same with every seed"
    seeds = ", ".join(f"{seed[0]}: {value:.2f}" for seed, value in cell.by_seed.items())
    return f"by seed {seeds}" if len(cell.by_seed) > 1 else ""


def beyond_columns(table: Table, beyond: Table | None) -> list[Filled]:
    """Return the measures beyond accuracy, for the rows of `table`."""
    if beyond is None:
        return []
    rows = {row.label: row for row in beyond.rows}
    nothing = Shown("–", None, state="none")
    return [
        (
            PageColumn(name, "beyond", falling=not Beyond().lower_is_better(name)),
            tuple(
                _plain(rows[row.label].cells[i], beyond) if row.label in rows else nothing
                for row in table.rows
            ),
        )
        for i, name in enumerate(beyond.domains)
    ]


def _plain(cell: Cell, table: Table) -> Shown:
    number, spread, note = table.text(cell)
    return Shown(number, cell.mean, spread, note, best=cell.best, state=state_of(cell))


def cost_columns(costs: Sequence[Cost], devices: Sequence[str]) -> list[Filled]:
    """Return parameters, times and memory; the latter in columns of their own for each device."""
    if not any(cost.trained for cost in costs):
        return []
    trained = PageColumn("trained", "cost", "trained parameters", falling=False)
    columns: list[Filled] = [(trained, tuple(_trained(cost) for cost in costs))]
    for k, device in enumerate(devices):
        own = [cost.by_device.get(device) for cost in costs]
        tail = f" {letter(k)}" if len(devices) > 1 else ""
        for head, title, get in (
            ("step ms", "median milliseconds of an optimiser step", _step),
            ("run s", "median seconds of a run, evaluation included", _wall),
            ("peak MB", "median peak memory of a run's process or GPU", _peak),
        ):
            column = PageColumn(f"{head}{tail}", "cost", f"{title}, on {device}", falling=False)
            columns.append((column, tuple(_value(get(one)) for one in own)))
        if any(one and one.energy_kj is not None for one in own):
            title = f"median energy of a run by the GPU's own counter, on {device}"
            column = PageColumn(f"run kJ{tail}", "cost", title, falling=False)
            columns.append((column, tuple(_value(one.energy_kj if one else None) for one in own)))
    return columns


def letter(k: int) -> str:
    """Return the sign of the k-th device: A, B ... Z, 27, 28."""
    return chr(ord("A") + k) if k < 26 else str(k + 1)


def _step(cost: DeviceCost | None) -> float | None:
    return cost.step_ms if cost else None


def _wall(cost: DeviceCost | None) -> float | None:
    return cost.wall_s if cost else None


def _peak(cost: DeviceCost | None) -> float | None:
    return cost.peak_mb if cost else None


def _value(value: float | None) -> Shown:
    return Shown("–", None, state="none") if value is None else Shown(short(value), value)


def _trained(cost: Cost) -> Shown:
    if cost.trained is None:
        return Shown("–", None, state="none")
    low, high = cost.trained
    exact = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    text = short(low) if short(low) == short(high) else f"{short(low)}–{short(high)}"
    return Shown(text, float(high), title=exact)


def rows_in_order(table: Table) -> list[Row]:
    """Return the rows, the best by the last column first, those without a number last."""
    last = len(table.columns) - 1

    def key(row: Row) -> tuple[bool, float]:
        mean = table.cells(row)[last].mean
        return mean is None, -(mean or 0.0)

    return sorted(table.rows, key=key)
