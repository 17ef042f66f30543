"""The numbers of a figure of trials: how each row's fell, and what more would give."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.runs.blocks import words_apart
from harness.report.tuning.expected import expected_best
from harness.report.tuning.trials import Searched
from harness.store.records import Rule
from harness.store.store import Store
from harness.tune.words import NAMES


@dataclass(frozen=True)
class TrialsOfRow:
    """One row's trials, each the mean over held-out domains; in percent."""

    row: str
    scores: tuple[float, ...]
    """In the order of the trials, of which the first has the row's own values; a failed one
    counts as 0."""
    failed: int
    curve: tuple[float, ...]
    """The best to be expected of 1, 2 ... trials for each domain, averaged over them."""
    tested: float | None
    """Accuracy of the final runs with the values chosen."""

    @property
    def best(self) -> float:
        """The best of the trials."""
        return max(self.scores)

    @property
    def median(self) -> float:
        """Of the trials."""
        return statistics.median(self.scores)


@dataclass(frozen=True)
class Panel:
    """What one figure shows: all rows of a sweep on one data set and backbone, by one rule."""

    name: str
    """The end of its files' names."""
    rule: Rule
    about: str
    where: str
    """Data set and backbone."""
    rows: tuple[TrialsOfRow, ...]
    apart: str = ""
    """Sweep and setting, where there are several."""

    @property
    def title(self) -> str:
        """What stands above the figure."""
        return f"Trials and what they choose: {NAMES[self.rule]}{self.apart}"

    @property
    def alt(self) -> str:
        """The figure in words."""
        each = (
            f"{row.row}: median {row.median:.1f} %, best {row.best:.1f} % of {len(row.scores)}"
            + ("" if row.tested is None else f", tested {row.tested:.1f} %")
            for row in self.rows
        )
        return f"{self.where}. {'; '.join(each)}."


def panels(found: Sequence[Searched], store: Store) -> list[Panel]:
    """Return a figure for each sweep, setting and rule whose trials are there."""
    out = []
    settings = _settings(found)
    for setting in sorted(set(settings)):
        here = [one for one, own in zip(found, settings, strict=True) if own == setting]
        for rule in dict.fromkeys(one.search.rule for one in here):
            mine = [one for one in here if one.search.rule == rule]
            rows = [
                _row(row, [one for one in mine if one.search.row == row], store)
                for row in dict.fromkeys(one.search.row for one in mine)
            ]
            known = tuple(row for row in rows if row is not None)
            if known:
                several = list(filter(None, setting)) if len(set(settings)) > 1 else []
                apart = f" ({', '.join(several)})" if several else ""
                parts = ["trials", NAMES[rule], *several]
                name = "-".join("".join(c if c.isalnum() else "-" for c in p) for p in parts)
                where = f"{setting[1]}, {setting[2]}"
                out.append(Panel(name, rule, mine[0].search.about, where, known, apart))
    return out


def _settings(found: Sequence[Searched]) -> list[tuple[str, str, str, str]]:
    """Return each one's sweep, data set, backbone, and words for what else differs among them."""
    keys = [dict(one.key) | {"dataset": "", "model": ""} for one in found]
    words = [words_apart(key, keys) for key in keys]
    return [(o.sweep, o.dataset, o.model, own) for o, own in zip(found, words, strict=True)]


def _row(row: str, found: Sequence[Searched], store: Store) -> TrialsOfRow | None:
    """Return a row's numbers over its held-out domains; None while a trial is missing."""
    if any(trial.status == "missing" for one in found for trial in one.trials):
        return None
    by_domain = [[100 * (trial.score or 0.0) for trial in one.trials] for one in found]
    tested = [100 * score for one in found if (score := one.tested(store)) is not None]
    budgets = range(1, len(by_domain[0]) + 1)
    return TrialsOfRow(
        row,
        tuple(statistics.fmean(own) for own in zip(*by_domain, strict=True)),
        sum(trial.status == "failed" for one in found for trial in one.trials),
        tuple(statistics.fmean(expected_best(own, n) for own in by_domain) for n in budgets),
        statistics.fmean(tested) if len(tested) == len(found) else None,
    )
