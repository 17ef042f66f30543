"""Sweep files: validated YAML that expands to RunSpecs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from harness import registry, resources
from harness.command_name import command_name
from harness.errors import UserError, unknown_name
from harness.protocols import AnyProtocol
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec, RunSpec, Selection
from harness.store.records import SweepPlan
from harness.sweep import plan
from harness.sweep.calls import canonical, parse_call, print_call
from harness.sweep.figures import FigureSpec, check_names
from harness.sweep.reading import read_yaml
from harness.validation import Name, Seed, Written, validated


class MethodEntry(Written):
    """A row of the table."""

    method: str
    """``name`` or ``name[param=value]``."""
    params: dict[str, Any] = Field(default_factory=dict)
    label: str = ""


class ModelEntry(ModelSpec):
    """One of a sweep's backbones, and what it needs changed."""

    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Parameters on this backbone by method or row label; they beat everything."""


class DatasetEntry(DatasetSpec):
    """One of a sweep's data sets, and what its recipe changes."""

    targets: list[str] | str | None = None
    """Instead of the sweep's."""
    defaults: dict[str, Any] = Field(default_factory=dict)
    """Recipe values on this data set for every method that has the field; they beat the sweep's
    `defaults`, a method's own `params` beat them."""
    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Parameters on this data set by method or row label; they beat everything."""


class SweepSpec(Written):
    """What a sweep file may say."""

    name: Name
    """Also the name of the plan's file in the store."""
    description: str = ""
    models: list[ModelEntry] = Field(default=[ModelEntry(name="tiny-emoji")], min_length=1)
    """Also `model`, for one."""
    datasets: list[DatasetEntry] = Field(default=[DatasetEntry(name="emoji")], min_length=1)
    """Also `dataset`, for one."""
    protocol: AnyProtocol = DomainShift()
    shots: list[Annotated[int, Field(ge=1)]] = Field(default_factory=list)
    """Training images a class, one number after the other in place of the protocol's: curves."""
    selection: Selection = "own"
    targets: list[str] | str = "all"
    seeds: list[Seed] = Field(default=[0, 1, 2], min_length=1)
    data_seed: Seed | None = None
    """Fix the splits for all seeds (the original code's 0); by default they vary with the seed."""
    defaults: dict[str, Any] = Field(default_factory=dict)
    """Recipe values for every method that has the field; a method's own `params` win."""
    methods: list[MethodEntry | str] = Field(min_length=1)
    reference: str = ""
    """The row that reports compare the others with: its label, or its ``method[param=value]``."""
    keep_weights: bool = False
    """Leave the tested weights beside every record, for `maps`. No part of a run's identity."""
    figures: list[FigureSpec] = Field(default_factory=list)
    """Figures of the report; see `harness.sweep.figures`."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, values: Any) -> Any:
        """Take ``model: NAME`` for a list of one, and a name for all there is to say."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        for one, many in (("model", "models"), ("dataset", "datasets")):
            if one in values:
                if many in values:
                    raise ValueError(f"give '{one}' or '{many}', not both")
                values[many] = [values.pop(one)]
            if isinstance(values.get(many), list):
                values[many] = [{"name": v} if isinstance(v, str) else v for v in values[many]]
        if isinstance(values.get("figures"), list):  # without a kind it is an ablation
            values["figures"] = [
                {"kind": "ablation"} | v if isinstance(v, dict) else v for v in values["figures"]
            ]
        if isinstance(values.get("protocol"), str):
            values["protocol"] = {"name": values["protocol"]}
        return values


def read_sweep(path: str | Path) -> SweepSpec:
    """Read and validate a sweep file; a bare name means one in sweeps/, ours or the user's.

    Raises:
        UserError: Naming the file and the field.
    """
    file = Path(path)
    if not file.is_file() and not file.suffix:
        file = resources.find("sweeps", str(path)) or file
    if not file.exists():
        raise UserError(f"{path}: no such sweep file; see `{command_name()} list`")
    spec: SweepSpec = validated(SweepSpec, read_yaml(file, str(path)), str(path))
    return spec


def expand_sweep(
    sweep: SweepSpec, root: Path | None, where: str = "", outline: bool = False
) -> list[RunSpec]:
    """Return the sweep's runs.

    Args:
        sweep: What the file says.
        root: Where the data are.
        where: The file, for messages.
        outline: Do without the files of public data sets when there is no `root`.

    Raises:
        UserError: For an unknown plugin, parameter, target or value; names `where`.
    """
    try:
        return [run for one in _by_shots(sweep) for run in _expanded(one, root, where, outline)]
    except UserError as error:
        if where in str(error):
            raise
        raise UserError(f"{where}: {error}") from None


def _by_shots(sweep: SweepSpec) -> list[SweepSpec]:
    """Return the sweep once for each number of shots that it asks for."""
    numbers = dict.fromkeys(sweep.shots) or [sweep.protocol.shots]
    protocols = [sweep.protocol.model_copy(update={"shots": number}) for number in numbers]
    return [sweep.model_copy(update={"protocol": protocol}) for protocol in protocols]


def _expanded(sweep: SweepSpec, root: Path | None, where: str, outline: bool) -> list[RunSpec]:
    entries = [MethodEntry(method=e) if isinstance(e, str) else e for e in sweep.methods]
    runs: list[RunSpec] = []
    for dataset in sweep.datasets:
        spec = DatasetSpec.model_validate(dataset.model_dump(include=set(DatasetSpec.model_fields)))
        opened = (plan.outline if outline else plan.open_dataset)(spec, root)
        asked = dataset.targets if dataset.targets is not None else sweep.targets
        for model in sweep.models:
            methods = _methods(sweep, entries, dataset, model, where)
            _check_figures(sweep, methods, where)
            runs += plan.expand(
                methods,
                ModelSpec.model_validate(model.model_dump(include=set(ModelSpec.model_fields))),
                spec,
                sweep.protocol,
                [asked] if isinstance(asked, str) else asked,
                sweep.seeds,
                opened,
                sweep.selection,
                sweep.data_seed,
                root,
            )
    return runs


def _methods(
    sweep: SweepSpec,
    entries: Sequence[MethodEntry],
    dataset: DatasetEntry,
    model: ModelEntry,
    where: str,
) -> list[plan.MethodChoice]:
    """Return the rows' configurations on one data set and backbone."""
    _check_defaults(sweep, entries, dataset, where)
    defaults = {**sweep.defaults, **dataset.defaults}
    places: tuple[DatasetEntry | ModelEntry, ...] = (dataset, model)
    unused = {key: place for place in places for key in place.methods}
    methods = []
    for entry in entries:
        name, inline = parse_call(entry.method)
        given = {**inline, **entry.params}
        choice = plan.resolve_method(name, given, defaults, entry.label, where)
        changes: dict[str, Any] = {}
        for place, key in itertools.product(places, (name, choice.label)):
            if key in place.methods:
                changes |= place.methods[key]
                unused.pop(key, None)
        if changes:
            changed = plan.resolve_method(name, {**given, **changes}, defaults, choice.label, where)
            # What the row is called and was given is the same on every data set and backbone.
            choice = replace(choice, config=changed.config)
        methods.append(choice)
    for key, place in unused.items():
        known = {name for m in methods for name in (m.name, m.label)}
        fix = f"under '{place.name}' in {where or sweep.name}"
        raise unknown_name("method or row", key, known, fix)
    return methods


def _check_defaults(
    sweep: SweepSpec, entries: Sequence[MethodEntry], dataset: DatasetEntry, where: str
) -> None:
    """Refuse a default that no method of the sweep has: it would be passed over unseen."""
    names = {parse_call(entry.method)[0] for entry in entries}
    known = {key for name in names for key in registry.method_class(name).Config.model_fields}
    for place, defaults in (("defaults", sweep.defaults), (dataset.name, dataset.defaults)):
        for key in defaults:
            if key not in known:
                at = "" if place == "defaults" else f" of data set {place}"
                fix = f"in the defaults{at} in {where or sweep.name}"
                raise unknown_name("parameter of these methods", key, known, fix)


def _check_figures(sweep: SweepSpec, methods: list[plan.MethodChoice], where: str) -> None:
    # Before anything runs: a figure that cannot be drawn must not be found out hours later.
    check_names([figure.name for figure in sweep.figures], f"{where or sweep.name}: figure")
    labels = [method.label for method in methods]
    calls = [print_call(method.name, method.given) for method in methods]
    known = {canonical(name) for name in (*labels, *calls)}
    if sweep.reference and canonical(sweep.reference) not in known:
        raise unknown_name("row", sweep.reference, labels, f"as reference of {where or sweep.name}")
    for figure in sweep.figures:
        for row in figure.rows:
            if canonical(row) not in known:
                fix = f"in figure '{figure.name}' of {where or sweep.name}"
                raise unknown_name("row", row, labels, fix)


def plan_of(sweep: SweepSpec, runs: list[RunSpec]) -> SweepPlan:
    """Return what the store keeps of a sweep."""
    return SweepPlan(name=sweep.name, source=sweep.model_dump(mode="json"), runs=tuple(runs))
