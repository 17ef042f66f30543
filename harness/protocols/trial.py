"""A trial of a search within another protocol: its training, and nothing of what it tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, SerializeAsAny

from harness.dataset import Dataset
from harness.errors import unknown_name
from harness.protocols.base import Protocol
from harness.protocols.domain_shift import DomainShift
from harness.protocols.splits import Parts, Samples

_SHARED = ("holdout_fraction", "shots", "fixed_splits", "test_resize")
"""What the engine asks every protocol."""


def _read(values: Any) -> Any:
    if not isinstance(values, Mapping):
        return values
    known = {str(cls.model_fields["name"].default): cls for cls in Protocol.__subclasses__()}
    name = str(values.get("name"))
    if name not in known:
        raise unknown_name("protocol.of", name, known)
    return known[name].model_validate(values)


class Trial(Protocol):
    """What trains in the other protocol trains; its validation parts are scored once more.

    A sweep with `tune` makes it; `domain_shift` has a form of its own, for it knows more rules.
    """

    name: Literal["trial"] = "trial"
    of: Annotated[SerializeAsAny[Protocol], BeforeValidator(_read)] = DomainShift()
    """The protocol of the final runs."""
    title = "trial of a search"
    measures = ("accuracy",)
    headline_measure = "accuracy"
    published: ClassVar = {}

    @classmethod
    def within(cls, protocol: Protocol) -> Self:
        """Return the trial of a protocol."""
        return cls(of=protocol, **protocol.model_dump(include=set(_SHARED)))

    def completed(self, dataset: Dataset) -> Self:
        """Complete the other protocol."""
        return self.model_copy(update={"of": self.of.completed(dataset)})

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise what the other protocol raises."""
        self.of.check(dataset, target)

    def targets_of(self, dataset: Dataset, asked: Sequence[str]) -> list[str]:
        """Return the other protocol's targets."""
        return self.of.targets_of(dataset, asked)

    def trained_classes(self, dataset: Dataset) -> tuple[int, ...]:
        """Return the classes that the other protocol trains."""
        return self.of.trained_classes(dataset)

    def source_domains(self, dataset: Dataset, target: str) -> tuple[str, ...]:
        """Return the domains that it trains."""
        return self.of.source_domains(dataset, target)

    def parts(self, dataset: Dataset, domain: str, data_seed: int) -> Parts:
        """Return its parts of a source domain."""
        return self.of.parts(dataset, domain, data_seed)

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return the validation parts."""
        domains = self.source_domains(dataset, target)
        val = (self.parts(dataset, domain, data_seed).val for domain in domains)
        return {"validation": (sum(val, ()), self.trained_classes(dataset))}

    def test_set(self, target: str, measure: str) -> str:
        """Return the one test set."""
        return "validation"

    def only_tested(self) -> bool:
        """Tell that nothing else may be opened."""
        return True

    def score_words(self) -> str:
        """Return that it is no test."""
        return "validation"

    def setting_words(self) -> list[str]:
        """Return which protocol it is within, and its words."""
        return [f"within {self.of.name}", *self.of.setting_words()]

    def tested_words(self) -> str:
        """Return that nothing of the test images is read."""
        return "scored on the validation parts of what trains, no test image read"

    def validated_words(self) -> str:
        """Return the other protocol's words."""
        return self.of.validated_words()
