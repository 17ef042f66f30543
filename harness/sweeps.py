"""Sweep files: validated YAML that expands to RunSpecs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from harness import plan
from harness.errors import UserError, unknown_name
from harness.report.figures import FigureSpec
from harness.report.names import canonical, method_call
from harness.specs import DatasetSpec, ModelSpec, ProtocolSpec, RunSpec, Selection, validated
from harness.store import SweepPlan


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MethodEntry(_Part):
    """A row of the table."""

    method: str
    """``name`` or ``name[param=value]``."""
    params: dict[str, Any] = Field(default_factory=dict)
    label: str = ""


class SweepSpec(_Part):
    """What a sweep file may say."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    """Letters, digits, ``.``, ``_``, ``-``: also the name of the plan's file in the store."""
    description: str = ""
    model: ModelSpec = ModelSpec(name="tiny-emoji")
    dataset: DatasetSpec = DatasetSpec(name="emoji")
    protocol: ProtocolSpec = ProtocolSpec()
    selection: Selection = "own"
    targets: list[str] | str = "all"
    seeds: list[int] = Field(default=[0, 1, 2], min_length=1)
    data_seed: int | None = None
    """Fix the splits for all seeds (the original code's 0); by default they vary with the seed."""
    defaults: dict[str, Any] = Field(default_factory=dict)
    """Recipe values for every method that has the field; a method's own `params` win."""
    methods: list[MethodEntry | str] = Field(min_length=1)
    figures: list[FigureSpec] = Field(default_factory=list)
    """Figures of the report; see harness/report/figures.py."""


def read_sweep(path: str | Path) -> SweepSpec:
    """Read and validate a sweep file; a bare name means one in sweeps/.

    Raises:
        UserError: Naming the file and the field.
    """
    file = Path(path)
    if not file.is_file() and not file.suffix:
        file = Path(__file__).resolve().parent.parent / "sweeps" / f"{path}.yaml"
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such sweep file; see sweeps/ for examples") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); give a YAML file") from None
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise UserError(f"{path}: not valid YAML ({line}); mend the file") from None
    if isinstance(values, dict):
        for key in ("model", "dataset", "protocol"):
            if isinstance(values.get(key), str):
                values[key] = {"name": values[key]}
    spec: SweepSpec = validated(SweepSpec, values, str(path))
    return spec


def expand_sweep(sweep: SweepSpec, root: Path | None, where: str = "") -> list[RunSpec]:
    """Return the sweep's runs.

    Raises:
        UserError: For an unknown plugin, parameter, target or value.
    """
    entries = [MethodEntry(method=e) if isinstance(e, str) else e for e in sweep.methods]
    methods = []
    for entry in entries:
        name, inline = plan.parse_method(entry.method)
        given = {**inline, **entry.params}
        methods.append(plan.resolve_method(name, given, sweep.defaults, entry.label, where))
    _check_figures(sweep, methods, where)
    targets = [sweep.targets] if isinstance(sweep.targets, str) else sweep.targets
    opened = plan.open_dataset(sweep.dataset, root)
    return plan.expand(
        methods,
        sweep.model,
        sweep.dataset,
        sweep.protocol,
        targets,
        sweep.seeds,
        opened,
        sweep.selection,
        sweep.data_seed,
    )


def _check_figures(sweep: SweepSpec, methods: list[plan.MethodChoice], where: str) -> None:
    # Before anything runs: a figure that cannot be drawn must not be found out hours later.
    labels = [method.label for method in methods]
    calls = [method_call(method.name, method.given) for method in methods]
    known = {canonical(name) for name in (*labels, *calls)}
    for figure in sweep.figures:
        for bar in figure.bars:
            if canonical(bar.row) not in known:
                fix = f"in figure '{figure.name}' of {where or sweep.name}"
                raise unknown_name("row", bar.row, labels, fix)


def plan_of(sweep: SweepSpec, runs: list[RunSpec]) -> SweepPlan:
    """Return what the store keeps of a sweep."""
    return SweepPlan(name=sweep.name, source=sweep.model_dump(mode="json"), runs=tuple(runs))
