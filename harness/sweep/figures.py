"""Figures and tables a sweep file asks for: which rows, in which kind of picture.

A sweep file names rows of its own table::

    figures:
      - kind: ablation
        name: ablation
        title: Attention alignment (AAL) and semantic label smoothing (SLS)
        baseline: neither                     # optional: what gains are over, else the lowest bar
        bars:
          - {label: neither, row: "alignclip without both"}
          - {label: SLS, row: "alignclip[alignment_weight=0]"}
        columns: [noto, twemoji, mean]        # optional: by default all columns and the mean
      - kind: line
        name: layers
        x_label: Aligned layers
        points:
          - {x: 0, row: "alignclip[aligned_layers=0]"}
          - {x: 5, row: AlignCLIP}
      - kind: curve                           # of a sweep with several `shots`: a line for each row
        name: curves
        rows: [zero_shot, CoOp]               # optional: by default all
      - kind: table
        name: table1
        over: datasets                        # a column for each data set, then their mean
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from harness.errors import UserError, unknown_name
from harness.store.records import SweepPlan
from harness.sweep.calls import canonical
from harness.validation import Name, Written, validated


class BarSpec(Written):
    """One bar of every group."""

    label: str
    """What the legend calls it."""
    row: str
    """A row of the sweep: its label, or its ``method[param=value]``."""


def bar_named(bars: Sequence[BarSpec], name: str) -> int | None:
    """Return which bar has this label or, in any spelling, this row; None if none has."""
    labels, rows = [bar.label for bar in bars], [canonical(bar.row) for bar in bars]
    if name in labels:
        return labels.index(name)
    return rows.index(canonical(name)) if name and canonical(name) in rows else None


class PointSpec(Written):
    """One place on a line's axis."""

    x: float
    """The parameter's value."""
    row: str
    """A row of the sweep: its label, or its ``method[param=value]``."""


class _Figure(Written):
    name: Name
    """Also the name of the file."""
    title: str = ""
    over: Literal["domains", "datasets", "models", "measures", "shots"] = "domains"
    """What the columns are: held-out domains, or data sets, models, measures or numbers of shots
    side by side."""
    measure: str | None = None
    """Only the tables of this measure (`base`, `new`, `H` ...); by default one figure for each."""
    columns: tuple[str, ...] | None = None
    """Some of the columns, and `mean`; all of them by default."""


class AblationSpec(_Figure):
    """Grouped bars, with the gain over the baseline, or over the lowest bar of each group."""

    kind: Literal["ablation"] = "ablation"
    bars: tuple[BarSpec, ...] = Field(min_length=1)
    baseline: str = ""
    """The bar without any of the parts, which gains are over: its label, or its row. By default
    the lowest bar of each group."""

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows that the figure shows."""
        return tuple(bar.row for bar in self.bars)

    @property
    def zero(self) -> int | None:
        """Which bar gains are over; None for the lowest."""
        return bar_named(self.bars, self.baseline)

    @field_validator("baseline")
    @classmethod
    def _is_a_bar(cls, name: str, read: ValidationInfo) -> str:
        bars = read.data.get("bars", ())
        if name and bars and bar_named(bars, name) is None:
            raise ValueError(f"no bar of the figure; use {', '.join(bar.label for bar in bars)}")
        return name


class LineSpec(_Figure):
    """Accuracy against a parameter: a line for each column, its band the spread over seeds."""

    kind: Literal["line"]
    x_label: str = ""
    """What the parameter is called."""
    points: tuple[PointSpec, ...] = Field(min_length=2)

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows that the figure shows."""
        return tuple(point.row for point in self.points)


class CurveSpec(_Figure):
    """Accuracy over shots: a line for each row, its band the spread over seeds."""

    kind: Literal["curve"]
    rows: tuple[str, ...] = ()
    """Some of the sweep's rows, in this order; all of them by default."""
    over: Literal["shots"] = "shots"
    columns: None = None
    x_label: str = "Training images per class"


class TableSpec(_Figure):
    """A table of its own: some rows, or data sets, backbones or measures as columns."""

    kind: Literal["table"]
    rows: tuple[str, ...] = ()
    """Some of the sweep's rows, in this order; all of them by default."""


AnyFigure = AblationSpec | LineSpec | CurveSpec | TableSpec
FigureSpec = Annotated[AnyFigure, Field(discriminator="kind")]
_KINDS: dict[Any, type[Written]] = {
    "ablation": AblationSpec, "line": LineSpec, "curve": CurveSpec, "table": TableSpec,
}  # fmt: skip


def figure_spec(value: Any, where: str) -> AnyFigure:
    """Validate one entry of a sweep's figures; without a `kind` it is an ablation.

    Raises:
        UserError: Naming the place, the field and the value.
    """
    kind = value.get("kind", "ablation") if isinstance(value, dict) else "ablation"
    if kind not in _KINDS:
        raise UserError(f"{where}: field 'kind' is {kind!r}; use {', '.join(_KINDS)}")
    spec: AnyFigure = validated(_KINDS[kind], value, where)
    return spec


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse two figures of one name: they would be one file.

    Raises:
        UserError: Naming the figure.
    """
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{where} '{name}' is there {names.count(name)} times; rename one")


def figures_of(plan: SweepPlan) -> list[AnyFigure]:
    """Return the figures a sweep asks for.

    Raises:
        UserError: Naming the sweep, the figure and the field.
    """
    found = plan.source.get("figures") or []
    if not isinstance(found, list):
        raise UserError(f"sweep '{plan.name}': 'figures' is {found!r}; give a list of figures")
    where = f"sweep '{plan.name}', figure"
    specs = [figure_spec(value, f"{where} {i + 1}") for i, value in enumerate(found)]
    check_names([spec.name for spec in specs], where)
    return specs


def check_baseline(name: str, plans: Iterable[SweepPlan]) -> None:
    """Raise UserError if no ablation of these sweeps has a bar of this name."""
    specs = [spec for plan in plans for spec in figures_of(plan)]
    bars = [bar for spec in specs if isinstance(spec, AblationSpec) for bar in spec.bars]
    if bar_named(bars, name) is None:
        raise unknown_name("bar", name, {b.label for b in bars}, "for --ablation-baseline")
