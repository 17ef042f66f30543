"""The suite for a data set plugin: smaller, and only on what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from harness.check.result import Result, Wrong
from harness.check.suite import Check, file_of, run_checks
from harness.data.images import decode
from harness.dataset import Dataset
from harness.errors import UserError
from harness.specs import DatasetSpec
from harness.sweep import plan


@dataclass
class DataSubject:
    """A data set under test."""

    cls: type[Dataset]
    root: Path | None
    options: dict[str, Any] = field(default_factory=dict)

    def open(self) -> Dataset:
        """Open it afresh."""
        return plan.open_dataset(DatasetSpec(name=self.cls.name, options=self.options), self.root)


def _described(subject: DataSubject) -> None:
    for name in ("summary", "licence", "source"):
        text = getattr(subject.cls, name)
        if not text.strip() or "\n" in text:
            raise Wrong(f"write `{name}` as one line", "`info` shows it", "one line", repr(text))


def _opens(subject: DataSubject) -> None:
    try:
        data = subject.open()
    except UserError as error:
        raise Wrong(str(error), "", "a data set that opens", "the error above") from None
    domains = tuple(data.domains)
    if list(domains) != sorted(set(domains)) or len(domains) < 2:
        raise Wrong(
            "set `domains` to two or more names, sorted, each once",
            "splits are seeded by a domain's place in the sorted list",
            "sorted distinct names",
            str(domains),
        )
    if len(set(data.class_names)) < len(data.class_names) or len(data.class_names) < 2:
        raise Wrong(
            "set `class_names` to two or more distinct names",
            "a class is known by its prompt",
            "distinct names",
            str(tuple(data.class_names)[:10]),
        )
    if data.template.count("{}") != 1:
        raise Wrong("write one {} in `template`", "the class name", "one {}", repr(data.template))


def _samples(subject: DataSubject) -> None:
    data, again = subject.open(), subject.open()
    seen: set[str] = set()
    for domain in data.domains:
        samples = data.samples(domain)
        if len(samples) < 5:
            raise Wrong(
                f"give domain '{domain}' more images, or leave it out",
                "a fifth of a domain is kept for validation",
                "five or more",
                str(len(samples)),
            )
        if samples != again.samples(domain):
            raise Wrong(
                "return samples() in a fixed order (sort by class, then by name)",
                "splits are drawn over positions",
                "the same order each time",
                f"another order of '{domain}'",
            )
        for sample in samples:
            if PurePosixPath(sample.key).is_absolute() or "\\" in sample.key:
                raise Wrong(
                    "make Sample.key relative to the data set, with /",
                    "a run is known by the data, wherever they lie",
                    "domain/class/name.jpg",
                    sample.key,
                )
            if sample.key in seen:
                raise Wrong("give each Sample a key of its own", "", "distinct keys", sample.key)
            seen.add(sample.key)
            if sample.domain != domain or not 0 <= sample.label < len(data.class_names):
                raise Wrong(
                    f"set domain and label of '{sample.key}' rightly in samples('{domain}')",
                    "the lock on the held-out domain goes by Sample.domain",
                    f"domain '{domain}', label 0 to {len(data.class_names) - 1}",
                    f"domain '{sample.domain}', label {sample.label}",
                )


def _images(subject: DataSubject) -> None:
    data = subject.open()
    for domain in data.domains:
        for sample in (data.samples(domain)[0], data.samples(domain)[-1]):
            content = data.read(sample)
            decode(content, data.where(sample))
            if data.size(sample) != len(content):
                raise Wrong(
                    "return from size() the number of bytes that read() returns",
                    "the fingerprint is made of names and sizes",
                    f"{len(content)} for '{sample.key}'",
                    str(data.size(sample)),
                )


def _fingerprint(subject: DataSubject) -> None:
    one, two = subject.open().fingerprint(), subject.open().fingerprint()
    if one != two or not re.fullmatch("[0-9a-f]{16}", one):
        raise Wrong(
            "leave fingerprint() to the base class, or make it 16 hex digits of the content",
            "a run is refused when the data are not those it was planned for",
            "the same 16 hex digits each time",
            f"{one}, {two}",
        )


DATASET_CHECKS: tuple[Check[DataSubject], ...] = (
    Check("described", _described),
    Check("opens", _opens),
    Check("samples", _samples, ("opens",)),
    Check("images", _images, ("samples",)),
    Check("fingerprint", _fingerprint, ("samples",)),
)
"""All checks of a data set, in the order in which they run."""


def check_dataset(
    cls: type[Dataset], root: Path | None, options: dict[str, Any] | None = None
) -> Iterator[Result]:
    """Yield the result of each check of a data set.

    Args:
        cls: The data set, as the registry has it.
        root: Where its files are.
        options: Of the data set.
    """
    subject = DataSubject(cls, root, options or {})
    yield from run_checks(cls.name, file_of(cls), DATASET_CHECKS, subject, frozenset())
