"""The contract between the engine and a data set plugin (a file in datasets/)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, field_validator, model_validator

from harness.errors import UserError
from harness.prompts import NAMED, Prompts, Template
from harness.validation import Strict, Written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class DatasetOptions(Written):
    """Base of a data set's options: frozen, unknown keys refused.

    What every data set takes: its prompts, its classes' names, and which part of it is used.
    """

    template: str = ""
    """Prompt with one ``{}`` for the class's name, instead of the data set's own."""
    templates: tuple[str, ...] | str = ()
    """Several, or the name of a list (`openai-80`, `openai-7`): a class's text feature is then the
    mean of its prompts' features, each and the mean of unit norm."""
    truncate: bool = False
    """Cut prompts that are too long for the model; otherwise they are an error."""
    class_names: tuple[str, ...] | dict[str, str] = ()
    """What prompts call the classes: all names in the classes' order, or some by the data set's
    own. A path to a file stands for what is in it: JSON, or a name in each line."""
    domains: tuple[str, ...] = ()
    """Of all domains these; the part is then a data set of its own."""
    classes: tuple[str, ...] = ()
    """Of all classes these, by the data set's own names and in its order."""

    splits: str = ""
    """JSON file of the images' keys by part, ``{"train": [...], "val": [...], "test": [...]}``,
    instead of the official split; images in no part are left out."""
    splits_sha256: str = ""
    """What the file holds, filled in when a run is planned: its identity, wherever the file is."""

    @field_validator("class_names", mode="before")
    @classmethod
    def _of_a_file(cls, names: Any) -> Any:
        return _names_in(Path(names)) if isinstance(names, str) else names

    @model_validator(mode="after")
    def _one_place_for_the_name(self) -> DatasetOptions:
        if self.template and self.templates:
            raise ValueError("give 'template' or 'templates', not both")
        if isinstance(self.templates, str) and self.templates not in NAMED:
            raise ValueError(
                f"templates '{self.templates}' are unknown; use {', '.join(NAMED)}, or a list"
            )
        several = () if isinstance(self.templates, str) else self.templates
        for text in (*filter(None, [self.template]), *several):
            if text.count("{}") != 1:
                raise ValueError(f"template {text!r} must hold one {{}} for the class's name")
        return self


PROMPT_OPTIONS = {"template", "templates", "truncate", "class_names"}
"""Which change texts and no image."""


def _names_in(file: Path) -> list[str] | dict[str, str]:
    """Return the names that a file gives.

    Raises:
        ValueError: If it cannot be read, or gives no texts.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        found = json.loads(text) if file.suffix == ".json" else text.splitlines()
    except (OSError, ValueError) as error:  # of JSON or of UTF-8
        why = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"{file} cannot be read ({why}); give a JSON or a text file") from None
    if isinstance(found, list) and file.suffix != ".json":
        found = [line.strip() for line in found if line.strip()]
    values = found.values() if isinstance(found, dict) else found
    if not isinstance(found, list | dict) or not all(isinstance(name, str) for name in values):
        raise ValueError(f"{file} must hold a list of names, or new names by the old")
    if not found:
        raise ValueError(f"{file} holds no names; write them, or leave the option out")
    return found


class DatasetSpec(Strict):
    """A data set plugin by name and its options; never where its files are."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)
    fingerprint: str = ""
    """Only of small ones: hash of the files listed, since the name does not say which they are."""


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
    corruption: str = ""
    """Kind and severity of what a protocol does to the prepared test image, ``fog 3``."""

    @property
    def image(self) -> str:
        """The key of the image as it is tested."""
        return f"{self.key} {self.corruption}" if self.corruption else self.key


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
    options: DatasetOptions

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

    @property
    def prompts(self) -> Template:
        """What is written around the classes' names: as the options say, else `template`."""
        asked = self.options
        if isinstance(asked.templates, str):
            return Prompts(NAMED[asked.templates], asked.truncate, asked.templates)
        template = asked.template or self.template
        if asked.templates or asked.truncate:
            return Prompts(asked.templates or (template,), asked.truncate)
        return template

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
