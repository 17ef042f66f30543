"""A data set under other class names, or a part of it, as the options of every data set ask."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.data.names import clashes
from harness.dataset import Dataset, DatasetOptions, Sample
from harness.errors import UserError, unknown_name

SPLITS = ("train", "val", "test")
_KEPT = ("name", "template", "small", "source_domain", "trained_within", "needs_root")


def chosen(whole: Dataset) -> Dataset:
    """Return the data set as its options ask for it.

    Raises:
        UserError: For a domain or a class that it does not have, or names that do not fit.
    """
    asked = whole.options
    if asked.domains or asked.classes or asked.class_names or asked.splits:
        return Chosen(whole)
    return whole


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
        self._known: frozenset[str] = frozenset()
        self._split = _read_split(asked) if asked.splits else None
        self._samples: dict[str, tuple[Sample, ...]] = {}

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's images of the chosen classes."""
        if domain not in self._samples:
            self._samples[domain] = tuple(
                sample
                if self._labels[sample.label] == sample.label
                else replace(sample, label=self._labels[sample.label])
                for sample in self._listed(domain)
                if sample.label in self._labels
            )
        return self._samples[domain]

    def _listed(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's images, with a split of the user's in its file's order."""
        samples = self._whole.samples(domain)
        if self._split is None:
            return samples
        by_key = {sample.key: sample for sample in samples}
        if not self._known:
            everywhere = (s.key for d in self._whole.domains for s in self._whole.samples(d))
            self._known = frozenset(everywhere)
        for key in self._split:
            if key not in self._known:
                raise UserError(
                    f"{self.options.splits}: '{key}' is no image of data set '{self.name}'; "
                    "give a split of its images"
                )
        return tuple(
            replace(by_key[key], split=part) for key, part in self._split.items() if key in by_key
        )

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


def _read_split(asked: DatasetOptions) -> dict[str, str]:
    """Return the part of each key, in the file's order.

    Raises:
        UserError: If it is no such file, another one than was planned with, or names a key twice.
    """
    file = Path(asked.splits)
    if asked.splits_sha256 not in ("", split_digest(file)):
        raise UserError(f"{file} changed since the run was planned; plan again")
    try:
        found = json.loads(file.read_bytes())
    except ValueError as error:
        raise UserError(f"{file}: not JSON ({error}); write it again") from None
    parts: dict[str, str] = {}
    if not isinstance(found, dict) or not found or not set(found) <= set(SPLITS):
        raise UserError(f"{file}: needs lists of keys called {', '.join(SPLITS)}")
    for part in SPLITS:
        for key in found.get(part, []):
            if not isinstance(key, str):
                raise UserError(f"{file}: {key!r} in '{part}' is no key; write texts")
            if key in parts:
                raise UserError(f"{file}: '{key}' is in '{parts[key]}' and '{part}'; list it once")
            parts[key] = part
    return parts


def split_digest(file: Path) -> str:
    """Return a split file's SHA-256, 16 hex digits.

    Raises:
        UserError: If it cannot be read.
    """
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise UserError(f"splits {file}: cannot be read ({error.strerror}); give a file") from None


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
