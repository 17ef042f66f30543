"""Sweep files: validated YAML that expands to RunSpecs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from harness import registry, resources
from harness.command_name import command_name
from harness.errors import UserError, unknown_name
from harness.protocols import DEFAULT, PROTOCOLS, AnyProtocol
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec, RunSpec, Selection
from harness.store.records import Search, SweepPlan
from harness.sweep import plan
from harness.sweep.calls import canonical, parse_call, print_call
from harness.sweep.figures import FigureSpec, check_names
from harness.sweep.reading import read_yaml
from harness.sweep.tuning import TunedRow, TuneSpec, searches
from harness.tune.space import Distribution
from harness.tune.words import defaults_label
from harness.validation import Name, Seed, Written, refuse_truth_values, validated
from harness.version import __version__

Targets = Annotated[list[str], Field(min_length=1)]


class MethodEntry(Written):
    """A row of the table."""

    method: str
    """``name`` or ``name[param=value]``."""
    params: dict[str, Any] = Field(default_factory=dict)
    """``{grid: [a, b]}`` in place of a value makes a row of each; several grids are crossed."""
    label: str = ""
    space: dict[str, Distribution | None] = Field(default_factory=dict)
    """Of a sweep with `tune`: what this row's parameters are drawn from; null: not tuned."""

    def rows(self) -> list[MethodEntry]:
        """Return the entry, or one for each point of its grids, labelled by what varies.

        Raises:
            ValueError: If a grid is no list of values.
        """
        grids = {
            key: value["grid"]
            for key, value in self.params.items()
            if isinstance(value, dict) and "grid" in value
        }
        for key, values in grids.items():
            if not isinstance(values, list) or not values or len(self.params[key]) > 1:
                raise ValueError(f"params.{key} is {self.params[key]}: write {{grid: [a, b]}}")
        entries = []
        for point in itertools.product(*grids.values()):
            varied = dict(zip(grids, point, strict=True))
            label = print_call(self.label, varied) if self.label else ""
            entries.append(
                self.model_copy(update={"params": {**self.params, **varied}, "label": label})
            )
        return entries


class ModelEntry(ModelSpec):
    """One of a sweep's backbones, and what it needs changed."""

    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Parameters on this backbone by method or row label; they beat everything."""


class DatasetEntry(DatasetSpec):
    """One of a sweep's data sets, and what its recipe changes."""

    targets: Targets | str | None = None
    """Instead of the sweep's."""
    defaults: dict[str, Any] = Field(default_factory=dict)
    """Recipe values on this data set for every method that has the field; they beat the sweep's
    `defaults`, a method's own `params` beat them."""
    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Parameters on this data set by method or row label; they beat everything."""


class ShotsEntry(Written):
    """One of a sweep's numbers of training images a class, and what its recipe changes."""

    shots: int = Field(ge=1)
    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Parameters at this number by method or row label; a data set's and a backbone's beat them."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.shots} shots"


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
    shots: list[ShotsEntry] = Field(default_factory=list)
    """Training images a class, one number after the other in place of the protocol's: curves."""
    selection: Selection = "own"
    targets: Targets | str = "all"
    seeds: list[Seed] = Field(default=[0, 1, 2], min_length=1)
    data_seed: Seed | None = None
    """Fix the splits for all seeds (the original code's 0); by default they vary with the seed."""
    defaults: dict[str, Any] = Field(default_factory=dict)
    """Recipe values for every method that has the field; a method's own `params` win."""
    methods: list[MethodEntry] = Field(min_length=1)
    """The table's rows; a text is a method without more to say, a grid is multiplied out."""
    tune: TuneSpec | None = None
    """The search for the rows' hyperparameters; see `harness.sweep.tuning`."""
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
        for many, one in (("methods", "method"), ("shots", "shots")):
            if isinstance(values.get(many), list):
                values[many] = [v if isinstance(v, dict) else {one: v} for v in values[many]]
        if isinstance(values.get("figures"), list):  # without a kind it is an ablation
            values["figures"] = [
                {"kind": "ablation"} | v if isinstance(v, dict) else v for v in values["figures"]
            ]
        if isinstance(values.get("protocol"), str):
            values["protocol"] = {"name": values["protocol"]}
        given = values.get("protocol")
        name = given.get("name", DEFAULT) if isinstance(given, dict) else None
        if isinstance(name, str) and name in PROTOCOLS:
            refuse_truth_values(PROTOCOLS[name], given)
        return values

    @model_validator(mode="after")
    def _spaces_are_for_a_search(self) -> Self:
        for entry in self.methods:
            if entry.space and self.tune is None:
                raise ValueError(f"'space' of {entry.method}: the sweep has no 'tune'; add it")
        return self

    @field_validator("methods")
    @classmethod
    def _grids(cls, methods: list[MethodEntry]) -> list[MethodEntry]:
        return [row for entry in methods for row in entry.rows()]


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


def plan_sweep(
    sweep: SweepSpec, root: Path | None, where: str = "", outline: bool = False
) -> SweepPlan:
    """Return all that a sweep asks for, which is also what the store keeps of it.

    Args:
        sweep: What the file says.
        root: Where the data are.
        where: The file, for messages.
        outline: Do without the files of public data sets when there is no `root`.

    Raises:
        UserError: For an unknown plugin, parameter, target or value; names `where`.
    """
    try:
        runs: list[RunSpec] = []
        found: list[Search] = []
        for one in _by_shots(sweep):
            more = _expanded(one, root, where, outline, len(runs))
            runs += more[0]
            found += more[1]
    except UserError as error:
        if where in str(error):
            raise
        raise UserError(f"{where}: {error}") from None
    return SweepPlan(
        written_by=__version__,
        name=sweep.name,
        source=sweep.model_dump(mode="json"),
        runs=tuple(runs),
        searches=tuple(found),
    )


def _by_shots(sweep: SweepSpec) -> list[SweepSpec]:
    """Return the sweep once for each number of shots that it asks for."""
    if not sweep.shots:
        return [sweep]
    numbers = {entry.shots: entry for entry in sweep.shots}
    protocols = {n: sweep.protocol.model_copy(update={"shots": n}) for n in numbers}
    return [
        sweep.model_copy(update={"protocol": protocols[n], "shots": [entry]})
        for n, entry in numbers.items()
    ]


def _expanded(
    sweep: SweepSpec, root: Path | None, where: str, outline: bool, first: int
) -> tuple[list[RunSpec], list[Search]]:
    """Return the runs whose values are given, and the searches; `first` runs come before them."""
    runs: list[RunSpec] = []
    found: list[Search] = []
    tune = sweep.tune
    protocol = tune.final_protocol(sweep.protocol) if tune else sweep.protocol
    for dataset in sweep.datasets:
        spec = DatasetSpec.model_validate(dataset.model_dump(include=set(DatasetSpec.model_fields)))
        opened = (plan.outline if outline else plan.open_dataset)(spec, root)
        asked = dataset.targets if dataset.targets is not None else sweep.targets
        targets = [asked] if isinstance(asked, str) else asked
        for model in sweep.models:
            given, tuned = _methods(sweep, dataset, model, where, first + len(runs))
            _check_figures(sweep, given, tuned, where)
            expand = partial(
                plan.expand,
                model=ModelSpec.model_validate(
                    model.model_dump(include=set(ModelSpec.model_fields))
                ),
                dataset=spec,
                opened=opened,
                selection=sweep.selection,
                root=root,
            )
            if tune:
                named = protocol.completed(opened).targets_of(opened, targets)
                more = (protocol, opened, named, expand, sweep.seeds, sweep.data_seed)
                found += searches(tune, tuned, *more)
            runs += expand(
                given,
                protocol=protocol,
                targets=targets,
                seeds=sweep.seeds,
                data_seed=sweep.data_seed,
            )
    if tune:
        tune.check_fresh(sweep.selection, [run for search in found for run in search.finals])
    return runs, found


def _methods(
    sweep: SweepSpec, dataset: DatasetEntry, model: ModelEntry, where: str, first: int
) -> tuple[list[plan.MethodChoice], list[TunedRow]]:
    """Return the rows on one data set and backbone: those with given values, those to be tuned.

    Args:
        sweep: What the file says, of one number of shots.
        dataset: One of its data sets.
        model: One of its backbones.
        where: The file, for messages.
        first: Place of the first row among the plan's runs.
    """
    _check_defaults(sweep, dataset, where)
    defaults = {**sweep.defaults, **dataset.defaults}
    places: list[ShotsEntry | DatasetEntry | ModelEntry] = [*sweep.shots, dataset, model]
    known: set[str] = set()
    given: list[plan.MethodChoice] = []
    tuned: list[TunedRow] = []
    for entry in sweep.methods:
        choice = _choice(entry, places, defaults, {}, where)
        known |= {choice.name, choice.label}
        space = sweep.tune.space_of(choice.name, entry.space) if sweep.tune else {}
        if sweep.tune and space:
            values = sweep.tune.values(choice.name, space)
            choices = [_choice(entry, places, defaults, drawn, where) for drawn in values]
            tuned.append(TunedRow(choice.label, first + len(given), choices, values))
            choice = replace(choice, label=defaults_label(choice.label))
        if not space or (sweep.tune and sweep.tune.defaults):
            given.append(choice)
    for place in places:
        for key in place.methods:
            if key not in known:
                fix = f"under '{place.name}' in {where or sweep.name}"
                raise unknown_name("method or row", key, known, fix)
    return given, tuned


def _choice(
    entry: MethodEntry,
    places: Sequence[ShotsEntry | DatasetEntry | ModelEntry],
    defaults: dict[str, Any],
    drawn: dict[str, Any],
    where: str,
) -> plan.MethodChoice:
    """Return a row's configuration at some places, with the values drawn for a trial."""
    name, inline = parse_call(entry.method)
    given = {**inline, **entry.params}
    choice = plan.resolve_method(name, given, defaults, entry.label, where)
    changes: dict[str, Any] = {}
    for place, key in itertools.product(places, (name, choice.label)):
        changes |= place.methods.get(key, {})
    if not changes and not drawn:
        return choice
    changed = {**given, **changes, **drawn}
    resolved = plan.resolve_method(name, changed, defaults, choice.label, where)
    # What the row is called and was given is the same on every data set and backbone.
    return replace(choice, config=resolved.config)


def _check_defaults(sweep: SweepSpec, dataset: DatasetEntry, where: str) -> None:
    """Refuse a default or a distribution that no method has: nobody would see it unused."""
    names = {parse_call(entry.method)[0] for entry in sweep.methods}
    known = {key for name in names for key in registry.method_class(name).Config.model_fields}
    for place, values in (
        ("the defaults", sweep.defaults),
        (f"the defaults of data set {dataset.name}", dataset.defaults),
        ("tune.space", sweep.tune.space if sweep.tune else {}),
    ):
        for key in values:
            if key not in known:
                fix = f"in {place} in {where or sweep.name}"
                raise unknown_name("parameter of these methods", key, known, fix)


def _check_figures(
    sweep: SweepSpec, given: Sequence[plan.MethodChoice], tuned: Sequence[TunedRow], where: str
) -> None:
    # Before anything runs: a figure that cannot be drawn must not be found out hours later.
    check_names([figure.name for figure in sweep.figures], f"{where or sweep.name}: figure")
    labels = [method.label for method in given]
    if sweep.tune:
        labels += [label for row in tuned for label in row.labels(sweep.tune.select)]
    calls = [print_call(method.name, method.given) for method in given]
    known = {canonical(name) for name in (*labels, *calls)}
    if sweep.reference and canonical(sweep.reference) not in known:
        raise unknown_name("row", sweep.reference, labels, f"as reference of {where or sweep.name}")
    for figure in sweep.figures:
        for row in figure.rows:
            if canonical(row) not in known:
                fix = f"in figure '{figure.name}' of {where or sweep.name}"
                raise unknown_name("row", row, labels, fix)
