"""A data set under other class names, or a part of it, as the options of every data set ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.data.names import clashes
from harness.dataset import Dataset, Sample
from harness.errors import UserError, unknown_name

_KEPT = ("name", "template", "small", "source_domain", "trained_within", "needs_root")


def chosen(whole: Dataset) -> Dataset:
    """Return the data set as its options ask for it.

    Raises:
        UserError: For a domain or a class that it does not have, or names that do not fit.
    """
    asked = whole.options
    return Chosen(whole) if asked.domains or asked.classes or asked.class_names else whole


class Chosen(Dataset):
    """What is left keeps the data set's order; files and fingerprint are those of the whole."""

    def __init__(self, whole: Dataset) -> None:
        super().__init__(whole.options, whole.root)
        for attribute in _KEPT:
            setattr(self, attribute, getattr(whole, attribute))
        self._whole = whole
        asked, place = whole.options, f"data set '{whole.name}': option"
        for domain in asked.domains:
            if domain not in whole.domains:
                raise unknown_name(f"domain of data set '{whole.name}'", domain, whole.domains)
        for name in asked.classes:
            if name not in whole.class_names:
                raise unknown_name(f"class of data set '{whole.name}'", name, whole.class_names)
        self.domains = tuple(d for d in whole.domains if d in asked.domains or not asked.domains)
        kept = [
            label
            for label, name in enumerate(whole.class_names)
            if name in asked.classes or not asked.classes
        ]
        if len(kept) < 2:
            raise UserError(f"{place} classes leaves {len(kept)}; name two or more")
        self._labels = {label: i for i, label in enumerate(kept)}
        own = tuple(whole.class_names[label] for label in kept)
        self.class_names = _renamed(own, asked.class_names, f"{place} class_names")
        if self.source_domain not in self.domains:
            self.source_domain = ""  # type: ignore[misc]
        self._samples: dict[str, tuple[Sample, ...]] = {}

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's images of the chosen classes."""
        if domain not in self._samples:
            self._samples[domain] = tuple(
                sample
                if self._labels[sample.label] == sample.label
                else replace(sample, label=self._labels[sample.label])
                for sample in self._whole.samples(domain)
                if sample.label in self._labels
            )
        return self._samples[domain]

    def classes_of(self, domain: str) -> tuple[int, ...]:
        """Return those of the whole's that were chosen."""
        every = self._whole.classes_of(domain)
        return tuple(self._labels[label] for label in every if label in self._labels)

    def read(self, sample: Sample) -> bytes:
        """Return the encoded image."""
        return self._whole.read(sample)

    def size(self, sample: Sample) -> int:
        """Return its size in bytes."""
        return self._whole.size(sample)

    def mask(self, sample: Sample) -> Any:
        """Return which pixels show the object."""
        return self._whole.mask(sample)

    def where(self, sample: Sample) -> str:
        """Return how an error names the file."""
        return self._whole.where(sample)

    def notes(self) -> list[str]:
        """Return what is to know of the whole."""
        return self._whole.notes()

    def fingerprint(self) -> str:
        """Return the whole's; the options in a run's identity say which part it is."""
        return self._whole.fingerprint()


def _renamed(
    own: tuple[str, ...], given: tuple[str, ...] | dict[str, str], place: str
) -> tuple[str, ...]:
    """Return the classes' names as they are given, all in order or some by their own.

    Raises:
        UserError: If they do not fit the classes, or a prompt could not tell two apart.
    """
    if isinstance(given, dict):
        for name in given:
            if name not in own:
                raise unknown_name(f"class in {place}", name, own)
        names = tuple(given.get(name, name) for name in own)
    else:
        if given and len(given) != len(own):
            raise UserError(f"{place}: {len(given)} names for {len(own)} classes; give as many")
        names = given or own
    if given:
        twice = ((name, name) for name in names if names.count(name) > 1)
        for one, other in (*twice, *clashes(names)):
            raise UserError(f"{place}: a prompt cannot tell '{one}' and '{other}' apart; reword")
    return names
