"""Methods ranked over data sets: which differ, which may be taken for the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.errors import UserError
from harness.report.comparison.reference import reference_row
from harness.report.runs.blocks import FIELDS
from harness.report.stats import holm, paired_test
from harness.report.stats.draws import Floats
from harness.report.stats.ranks import (
    ROPE,
    Equivalence,
    Friedman,
    critical_difference,
    friedman,
    ranks_of,
    signed_rank_posterior,
)
from harness.report.tables.caption import title_text
from harness.report.tables.columns import Datasets
from harness.report.tables.join import join_tables
from harness.report.tables.model import Table

RankOver = Literal["datasets", "targets"]
LEAST = 3
"""Fewer data sets than this rank nothing."""
_ONE = {"datasets": "data set", "targets": "target"}


@dataclass(frozen=True)
class AgainstReference:
    """A row against the reference, over the data sets."""

    difference: float
    """Mean over data sets, in points."""
    holm_p: float
    """Wilcoxon's signed-rank test, corrected for all rows."""
    equivalence: Equivalence


@dataclass(frozen=True)
class RankRow:
    """A method's place."""

    label: str
    rank: float
    """Average over the data sets, 1 the best."""
    against: AgainstReference | None
    """None for the reference, or without one."""


@dataclass(frozen=True)
class Ranks:
    """What ranks over data sets say."""

    key: dict[str, Any]
    """Of the tables ranked."""
    about: str
    over: RankOver
    blocks: tuple[str, ...]
    """The data sets, or data set and target."""
    rows: tuple[RankRow, ...]
    """The best first."""
    left_out: tuple[str, ...]
    """Rows that lack a data set."""
    friedman: Friedman
    cd: float
    """Average ranks that differ by less are not told apart (Nemenyi)."""
    alpha: float
    reference: str | None
    rope: float

    @property
    def cliques(self) -> tuple[tuple[int, int], ...]:
        """Return first and last row of each largest group within the critical difference."""
        ranks = [row.rank for row in self.rows]
        out: list[tuple[int, int]] = []
        for first, low in enumerate(ranks):
            last = max(i for i, rank in enumerate(ranks) if rank - low < self.cd)
            if last > first and (not out or last > out[-1][1]):
                out.append((first, last))
        return tuple(out)

    @property
    def one(self) -> str:
        """Return what a block is."""
        return _ONE[self.over]


def rank_tables(
    tables: Sequence[Table],
    over: RankOver,
    against: str | None = None,
    references: Sequence[str] = (),
    rope: float = ROPE,
    alpha: float = 0.05,
) -> list[Ranks]:
    """Rank the rows of tables over data sets, one result for each protocol, measure and backbone.

    Args:
        tables: One per block, of one store.
        over: What a rank is within. Targets of a data set share most of their training images: as
            blocks they are not independent, and every p is too small.
        against: The row that the others are compared with, if the tables have it.
        references: What the sweeps name as their reference.
        rope: Half the width of the region of practical equivalence, in points.
        alpha: Of the critical difference.

    Raises:
        UserError: If no two methods share three of them.
    """
    found, most = [], 0
    for joined in join_tables(tables, Datasets()):
        members = [t for t in tables if all(t.key[f] == joined.key[f] for f in _SAME)]
        columns = _columns(joined, members, over)
        labels = [row.label for row in joined.rows]
        whole = [label for label in labels if all(label in own for own in columns.values())]
        most = max(most, len(columns))
        if len(columns) >= LEAST and len(whole) > 1:
            rows = [row for row in joined.rows if row.label in whole]
            reference = reference_row(
                joined, rows, against if against in labels else None, references
            )
            scores = np.array([[own[label] for label in whole] for own in columns.values()])
            found.append(
                _ranked(joined, over, tuple(columns), whole, scores, reference, rope, alpha)
            )
    if not found:
        other = " (or --rank-over targets, which are not independent)"
        raise UserError(
            f"--rank-over {over}: {most} {_ONE[over]}{'' if most == 1 else 's'} in a table; ranks "
            f"need two methods with results on {LEAST} or more; run more"
            f"{other if over == 'datasets' else ''}"
        )
    return found


_SAME = tuple(field for field in FIELDS if field not in Datasets.varies)


def _columns(
    joined: Table, members: Sequence[Table], over: RankOver
) -> dict[str, dict[str, float]]:
    """Return scores by label for each block."""
    if over == "datasets":
        columns = {
            name: {row.label: row.cells[i].mean for row in joined.rows}
            for i, name in enumerate(joined.domains)
        }
    else:
        columns = {
            f"{table.key['dataset']}/{name}": {row.label: row.cells[i].mean for row in table.rows}
            for table in members
            for i, name in enumerate(table.domains)
        }
    known = {
        name: {label: mean for label, mean in own.items() if mean is not None}
        for name, own in columns.items()
    }
    return {name: own for name, own in known.items() if own}


def _ranked(
    joined: Table,
    over: RankOver,
    blocks: tuple[str, ...],
    labels: Sequence[str],
    scores: Floats,
    reference: str | None,
    rope: float,
    alpha: float,
) -> Ranks:
    ranks = ranks_of(scores)
    against: dict[str, AgainstReference] = {}
    if reference is not None:
        others = [label for label in labels if label != reference]
        theirs = scores[:, labels.index(reference)]
        gains = [scores[:, labels.index(label)] - theirs for label in others]
        p = holm([paired_test(own, "wilcoxon").p for own in gains])
        against = {
            label: AgainstReference(float(own.mean()), q, signed_rank_posterior(own, rope))
            for label, own, q in zip(others, gains, p, strict=True)
        }
    rows = [
        RankRow(label, float(rank), against.get(label))
        for label, rank in zip(labels, ranks.mean(axis=0), strict=True)
    ]
    return Ranks(
        key=joined.key,
        about=title_text(joined),
        over=over,
        blocks=blocks,
        rows=tuple(sorted(rows, key=lambda row: row.rank)),
        left_out=tuple(row.label for row in joined.rows if row.label not in labels),
        friedman=friedman(ranks),
        cd=critical_difference(len(labels), len(blocks), alpha),
        alpha=alpha,
        reference=reference,
        rope=rope,
    )
