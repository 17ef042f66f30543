"""Train on one data set, test on others under their own names: CoOp's and CoCoOp's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import field_validator

from harness.dataset import Dataset, DatasetSpec
from harness.errors import UserError, unknown_name
from harness.protocols.base import TARGETS, Protocol
from harness.protocols.splits import Samples, TestSet, official_test


class CrossDataset(Protocol):
    """All domains and classes of the data set train, 16 images a class.

    The test images of other data sets test, over their own class names and in their own prompts,
    and the training data set's own beside them.
    """

    name: Literal["cross_dataset"] = "cross_dataset"
    tests: tuple[DatasetSpec, ...] = ()
    """The data sets that are tested: names, or names and options."""
    title = "trained on one data set, tested on others"
    measures = ("accuracy", "source")
    headline_measure = "accuracy"
    options = frozenset({"source"})
    few_shot = True
    published: ClassVar = {}

    @field_validator("tests", mode="before")
    @classmethod
    def _by_name(cls, tests: Any) -> Any:
        if isinstance(tests, list | tuple):
            return [{"name": test} if isinstance(test, str) else test for test in tests]
        return tests

    @field_validator("tests")
    @classmethod
    def _each_once(cls, tests: tuple[DatasetSpec, ...]) -> tuple[DatasetSpec, ...]:
        names = [test.name for test in tests]
        twice = next((name for name in names if names.count(name) > 1), "")
        if twice:
            raise ValueError(f"data set '{twice}' is given twice; a table would show them as one")
        return tests

    def completed(self, dataset: Dataset) -> Self:
        """Fill in the name of the data set that trains.

        Raises:
            UserError: If another one is given, or nothing to test on.
        """
        if self.source not in ("", dataset.name):
            raise UserError(
                f"protocol cross_dataset: source '{self.source}' is not the data set that trains, "
                f"'{dataset.name}'; leave it out"
            )
        if not self.tests:
            raise UserError(
                "protocol cross_dataset: give the data sets to test on, as "
                "cross_dataset[tests=[Caltech101, OxfordPets]]"
            )
        return self.model_copy(update={"source": dataset.name})

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError for what is not among `tests`, or the data set that trains."""
        names = [test.name for test in self.tests]
        for name in target.split(TARGETS):
            if name == dataset.name:
                raise UserError(
                    f"protocol cross_dataset: '{name}' is what trains; its own test images are "
                    "tested anyway"
                )
            if name not in names:
                raise unknown_name("data set among `tests` of protocol cross_dataset", name, names)

    def targets_of(self, dataset: Dataset, asked: Sequence[str]) -> list[str]:
        """Return the one target of a run that tests all that is asked for, in `tests`' order.

        Raises:
            UserError: As `check`.
        """
        names = [test.name for test in self.tests]
        chosen = names if list(asked) == ["all"] else TARGETS.join(asked).split(TARGETS)
        self.check(dataset, TARGETS.join(chosen))
        return [TARGETS.join(name for name in names if name in chosen)]

    def other_data(self, target: str) -> tuple[DatasetSpec, ...]:
        """Return the target's data sets."""
        return tuple(test for test in self.tests if test.name in target.split(TARGETS))

    def with_other_data(self, found: Mapping[str, DatasetSpec]) -> Self:
        """Return the protocol with the test data sets as they were found."""
        tests = tuple(found.get(test.name, test) for test in self.tests)
        return self.model_copy(update={"tests": tests})

    def source_domains(self, dataset: Dataset, target: str) -> tuple[str, ...]:
        """Return all domains."""
        return dataset.domains

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return the test images of the data set that trains."""
        parts = (self.parts(dataset, domain, data_seed).test for domain in dataset.domains)
        return {dataset.name: (sum(parts, ()), self.trained_classes(dataset))}

    def test_sets(
        self,
        dataset: Dataset,
        target: str,
        data_seed: int,
        others: Mapping[str, Dataset] | None = None,
    ) -> tuple[TestSet, ...]:
        """Return the test images of the target's data sets, then of the one that trains.

        Raises:
            UserError: As `sources`, if a set is empty, or without the other data sets.
        """
        own = super().test_sets(dataset, target, data_seed)
        if others is None:
            raise UserError("protocol cross_dataset tests images of other data sets")
        return (*(_whole(others[name]) for name in target.split(TARGETS)), *own)

    def cells(self, target: str) -> list[tuple[str, str]]:
        """Return the other data sets' accuracies, then that of the one that trains."""
        return [*((one, "accuracy") for one in target.split(TARGETS)), (self.source, "source")]

    def test_set(self, target: str, measure: str) -> str:
        """Return the data set: its test set has its name."""
        return target


def _whole(other: Dataset) -> TestSet:
    """Return a data set's test images over all of its names."""
    samples: Samples = sum((official_test(other, domain) for domain in other.domains), ())
    if not samples:
        raise UserError(f"data set '{other.name}' has no image to test")
    every = tuple(range(len(other.class_names)))
    return TestSet(other.name, samples, other.class_names, every, other.name, other.prompts)
