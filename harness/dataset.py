"""The contract between the engine and a data set plugin (a file in datasets/)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from harness.errors import UserError
from harness.validation import Written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class DatasetOptions(Written):
    """Base of a data set's options: frozen, unknown keys refused."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image: where it is and what it shows."""

    key: str
    """Name relative to the data set, unique, with ``/``; never an absolute path."""
    label: int
    """Index into the data set's ``class_names``."""
    domain: str
    group: str = ""
    """What is pictured, where the same thing appears in several domains; else empty."""
    split: str = ""
    """``train``, ``val`` or ``test`` where the data set has an official split; empty where the
    protocol makes one."""


class Dataset:
    """Base of the plugins.

    A plugin sets ``name``, ``summary``, ``licence``, ``source`` (where to get it) and ``Options``,
    and in ``__init__`` fills ``domains`` (sorted), ``class_names`` and what ``samples`` returns.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    licence: ClassVar[str]
    source: ClassVar[str]
    template: ClassVar[str] = "a photo of a {}."
    Options: ClassVar[type[DatasetOptions]] = DatasetOptions
    needs_root: ClassVar[bool] = True
    """False for data that comes with the repository."""
    layout: ClassVar[str] = ""
    """How the folder must look below ``--data-root``, for `data info` and for errors."""
    expected_classes: ClassVar[int] = 0
    """Classes of the complete data set; 0 where nobody can know (the user's own images)."""
    expected: ClassVar[Mapping[str, Mapping[str, int]]] = {}
    """Images of the complete data set by domain and split (``""`` without an official split);
    empty where nobody can know."""
    counts_source: ClassVar[str] = ""
    """Where ``expected`` comes from."""
    counts_certain: ClassVar[bool] = True
    """False: builds differ or no source gives the counts by domain; `data verify` then says
    'about' and lets 5 % pass."""
    known_miscounts: ClassVar[Mapping[tuple[str, int], str]] = {}
    """(domain, count) of copies known to differ: why, and the fix."""
    source_domain: ClassVar[str] = ""
    """The domain that the protocol distribution_shift trains on, where the field agrees on one."""
    trained_within: ClassVar[str] = ""
    """Of a data set of test images alone: the one that has it as a domain, beside one to train."""
    small: ClassVar[bool] = False
    """True: listing it is instant, and its fingerprint becomes part of every run's identity."""

    domains: tuple[str, ...]
    class_names: tuple[str, ...]

    def __init__(self, options: DatasetOptions, root: Path | None) -> None:
        self.options = options
        self.root = root

    @classmethod
    def problems(cls, root: Path) -> list[str]:
        """Return what is wrong with the folder `root` beyond counts of images, for `data verify`.

        A line each, with the fix, after ``missing: ``, ``wrong: ``, ``extra: `` or ``note: `` (the
        last two do not make a data set incomplete). Never raises for a half-downloaded folder, nor
        for one that ``__init__`` refuses.
        """
        return []

    @classmethod
    def as_found(cls, root: Path | None) -> Dataset:
        """Open what is there for `data verify`, complete or not.

        Raises:
            UserError: Where a plugin cannot list an incomplete folder (the default).
        """
        return cls(cls.Options(), root)

    @classmethod
    def import_folder(cls, root: Path) -> Path | None:
        """Return where `data import` writes <domain>/<class>/<file>; None in other layouts."""
        return None

    def notes(self) -> list[str]:
        """Return what a user should know before trusting a number, a line each; most have none.

        Said before runs and by `data verify`: files that were left out, classes that a domain
        lacks.
        """
        return []

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's images in a fixed order (by class, then by name)."""
        raise NotImplementedError(f"{type(self).__name__}.samples")

    def classes_of(self, domain: str) -> tuple[int, ...]:
        """Return the indices of the classes that the domain has images of and is scored over.

        All of them unless a plugin says otherwise (ImageNet-A and -R have 200 of 1,000).
        """
        return tuple(range(len(self.class_names)))

    def read(self, sample: Sample) -> bytes:
        """Return the encoded image (PNG, JPEG, WebP ...)."""
        raise NotImplementedError(f"{type(self).__name__}.read")

    def size(self, sample: Sample) -> int:
        """Return the encoded image's size in bytes, for the fingerprint."""
        raise NotImplementedError(f"{type(self).__name__}.size")

    def mask(self, sample: Sample) -> NDArray[np.uint8] | None:
        """Return which pixels show the object: [H, W] of the image as read, 0 to 255 (all of it).

        None where nobody knows (the default). Only `maps` asks: no method sees it.
        """
        return None

    def where(self, sample: Sample) -> str:
        """Return how an error message names the image's file."""
        return str(self.root / sample.key) if self.root else f"{self.name}:{sample.key}"

    def fingerprint(self) -> str:
        """Hash the sorted keys and sizes to 16 hex digits: the same wherever the data lie."""
        return fingerprint(
            (sample.key, self.size(sample))
            for domain in self.domains
            for sample in self.samples(domain)
        )


def fingerprint(files: Iterable[tuple[str, int]]) -> str:
    """Hash names and sizes, in sorted order, to 16 hex digits."""
    digest = hashlib.sha256()
    for key, size in sorted(files):
        digest.update(f"{key}\0{size}\n".encode())
    return digest.hexdigest()[:16]


def check_target(dataset: Dataset, target: str) -> None:
    """Raise UserError unless `target` is a domain and something is left to train on."""
    if len(dataset.domains) < 2:
        place = f" at {dataset.root}" if dataset.root else ""
        raise UserError(
            f"data set '{dataset.name}'{place} has one domain ({', '.join(dataset.domains)}); "
            "leaving one out needs at least two: add a folder <root>/<domain>/<class>/"
        )
    if target not in dataset.domains:
        raise UserError(
            f"target '{target}' is no domain of '{dataset.name}': "
            f"use one of {', '.join(dataset.domains)}, or all"
        )
