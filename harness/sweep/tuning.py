"""The search that a sweep file asks for, expanded to trials and to what runs with their choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic.fields import FieldInfo

from harness import registry
from harness.dataset import Dataset
from harness.errors import UserError, unknown_name
from harness.protocols import Protocol
from harness.protocols.domain_shift import DomainShift
from harness.protocols.trial import Trial
from harness.specs import RunSpec, Selection
from harness.store.records import Candidate, Rule, Search
from harness.sweep.plan import MethodChoice
from harness.tune.space import Distribution, Space, draw, grid
from harness.tune.words import about, trial_label, tuned_label
from harness.validation import Seed, Written, in_words, validated

TRIALS = 8


class TuneSpec(Written):
    """`tune` of a sweep file: the same search for every row."""

    trials: int = Field(TRIALS, ge=2)
    """Of each row and target (the held-out domain); the first has the row's own values. A grid has
    its own number."""
    search: Literal["random", "grid"] = "random"
    select: list[Rule] = Field(default=["training-domain"], min_length=1)
    """What the best trial is chosen by; for each rule the final runs are made. `oracle` reads a
    part of the held-out domain."""
    seed: Seed = 0
    """Of the draws."""
    data_seeds: list[Seed] = Field(default=[100], min_length=1)
    """Of the trials' splits, and of their runs; the final runs have others."""
    space: dict[str, Distribution | None] = Field(default_factory=dict)
    """For every method that trains and has the parameter, in place of its class's; null: keep."""
    defaults: bool = True
    """Also run every row with its own values."""

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.search == "grid" and "trials" in self.model_fields_set:
            raise ValueError("'trials' is the number of a random search; a grid has its own")
        if len(set(self.select)) < len(self.select):
            raise ValueError("'select' names a rule twice; leave one out")
        return self

    def space_of(self, method: str, own: Mapping[str, Distribution | None]) -> Space:
        """Return what a row's parameters are drawn from; empty: there is nothing to tune.

        Args:
            method: The row's.
            own: What the row says; it beats the file, which beats the class.

        Raises:
            UserError: For a parameter that the method has not, or a class's bad distribution.
        """
        cls = registry.method_class(method)
        fields = cls.Config.model_fields
        for key in own:
            if key not in fields:
                raise unknown_name(f"parameter of method '{method}'", key, fields, "in its space")
        shared = {key: d for key, d in self.space.items() if cls.trains and key in fields}
        where = f"method '{method}', search_space"
        declared = {
            key: validated(Distribution, d, f"{where}.{key}") for key, d in cls.search_space.items()
        }
        space = {key: d for key, d in {**declared, **shared, **own}.items() if d is not None}
        for key, distribution in space.items():
            _check(method, key, fields[key], distribution)
        return space

    def values(self, method: str, space: Space) -> list[dict[str, Any]]:
        """Return the values of every trial of a row.

        Raises:
            UserError: If a grid has a parameter that is no choice.
        """
        if self.search == "grid":
            try:
                return grid(space)
            except ValueError as error:
                raise UserError(f"tune, method '{method}': {error}") from None
        return [draw(space, self.seed, method, number) for number in range(self.trials)]

    def final_protocol(self, protocol: Protocol) -> Protocol:
        """Return the protocol of the final runs: nothing that an oracle read is tested.

        Raises:
            UserError: For a rule that the protocol does not offer, or an oracle without a part of
                its own.
        """
        more = [rule for rule in self.select if rule != "training-domain"]
        if more and not isinstance(protocol, DomainShift):
            raise UserError(
                f"tune.select {more[0]}: protocol {protocol.name} offers training-domain alone; "
                "domain_shift has the others"
            )
        if "oracle" not in self.select:
            return protocol
        if protocol.test_on != "all":
            raise UserError(
                f"tune.select oracle: protocol.test_on is '{protocol.test_on}'; leave it out, so "
                "that the final runs test all but the oracle's part"
            )
        return protocol.model_copy(update={"test_on": "rest"})

    def check_fresh(self, selection: Selection, finals: Sequence[RunSpec]) -> None:
        """Refuse splits that trials and final runs share, and steps chosen beside an oracle.

        Raises:
            UserError: Naming the data seed, or the selection.
        """
        shared = sorted({run.data_seed for run in finals} & set(self.data_seeds))
        if shared:
            raise UserError(
                f"tune.data_seeds: {shared[0]} is a data seed of the final runs, whose splits must "
                "be fresh; give others"
            )
        if "oracle" in self.select and selection == "best":
            raise UserError("tune.select oracle reads the last step; selection 'best' has others")


@dataclass(frozen=True)
class TunedRow:
    """A row of the table that has something to tune."""

    label: str
    order: int
    """Place among the plan's runs."""
    choices: list[MethodChoice]
    """Configured for every trial."""
    values: list[dict[str, Any]]
    """Of every trial."""

    def labels(self, rules: Sequence[Rule]) -> list[str]:
        """Return what tables will call its rows."""
        return [tuned_label(self.label, rule, len(self.choices)) for rule in rules]


def _check(method: str, key: str, field: FieldInfo, distribution: Distribution) -> None:
    """Raise UserError if the method's parameter cannot have a value of its space."""
    form: Any = Annotated[field.annotation, field]
    takes: TypeAdapter[Any] = TypeAdapter(form)
    for value in distribution.ends():
        try:
            takes.validate_python(value)
        except ValidationError as error:
            why = in_words(error.errors()[0])
            raise UserError(
                f"tune: space.{key} of method '{method}' holds {value!r}: {why}"
            ) from None


def searches(
    tune: TuneSpec,
    rows: Sequence[TunedRow],
    protocol: Protocol,
    opened: Dataset,
    targets: Sequence[str],
    expand: Callable[..., list[RunSpec]],
    seeds: Sequence[int],
    data_seed: int | None,
) -> list[Search]:
    """Return the searches of all rows on one data set and backbone.

    Args:
        tune: What the file says.
        rows: To be tuned.
        protocol: Of the final runs.
        opened: The data set.
        targets: Of the final runs.
        expand: `harness.sweep.plan.expand` for this data set and backbone.
        seeds: Of the final runs.
        data_seed: Of their splits; None: their seeds.
    """
    flat = [(row, choice) for row in rows for choice in row.choices]
    found = []
    for target in targets:
        last = expand(
            [choice for _, choice in flat],
            protocol=protocol,
            targets=[target],
            seeds=seeds,
            data_seed=data_seed,
        )
        for rule in tune.select:
            trial, places, shared = _trial(rule, tune.select, protocol, opened, target)
            named = [replace(c, label=trial_label(row.label, shared)) for row, c in flat]
            runs = [
                run
                for seed in tune.data_seeds
                for run in expand(
                    named, protocol=trial, targets=places, seeds=[seed], data_seed=seed
                )
            ]
            own = [(runs[i :: len(flat)], last[i :: len(flat)]) for i in range(len(flat))]
            for row in rows:
                found.append(_search(tune, row, rule, own[: len(row.choices)]))
                own = own[len(row.choices) :]
    return found


def _trial(
    rule: Rule, rules: Sequence[Rule], protocol: Protocol, opened: Dataset, target: str
) -> tuple[Protocol, list[str], list[Rule]]:
    """Return a trial's protocol, its targets, and the rules that read it."""
    if not isinstance(protocol, DomainShift):
        return Trial.within(protocol), [target], [rule]
    if rule == "leave-one-source-out":
        changes = {"left_out": target, "test_on": "all"}
        places = [domain for domain in opened.domains if domain != target]
        return protocol.model_copy(update=changes), places, [rule]
    # One training serves both: the oracle's score is beside the sources' in its record.
    shared: list[Rule] = [r for r in rules if r != "leave-one-source-out"]
    tested = "oracle" if "oracle" in rules else "nothing"
    return protocol.model_copy(update={"test_on": tested}), [target], shared


def _search(
    tune: TuneSpec,
    row: TunedRow,
    rule: Rule,
    runs: Sequence[tuple[list[RunSpec], list[RunSpec]]],
) -> Search:
    """Return a search from each candidate's trials and final runs."""
    n = len(row.choices)
    drawn = f"{n - 1} drawn with search seed {tune.seed}"
    if tune.search == "grid":
        drawn = "all of a grid"
    label = tuned_label(row.label, rule, n)
    return Search(
        row=row.label,
        rule=rule,
        about=about(rule, n, drawn, tune.data_seeds),
        order=row.order,
        candidates=tuple(
            Candidate(values=values, config=last[0].config, runs=tuple(own))
            for values, (own, last) in zip(row.values, runs, strict=True)
        ),
        finals=tuple(run.model_copy(update={"label": label}) for run in runs[0][1]),
    )
