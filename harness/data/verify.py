"""What a data set's folder lacks, holds too much of, or cannot be read: for every plugin."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import ExifTags, Image

from harness.console.items import track
from harness.data.images import decode
from harness.dataset import Dataset, Sample
from harness.errors import UserError
from harness.validation import validated

ProblemKind = Literal["missing", "wrong", "extra", "note"]
TOLERANCE = 0.05
"""Share by which a count may differ that no source gives for certain."""
HEADERS = 500
"""Files in a domain whose beginning is read unless all are decoded."""
SHOWN = 20
"""Unreadable files named, at most."""


@dataclass(frozen=True)
class Problem:
    """One finding; `extra` and `note` leave a data set complete."""

    kind: ProblemKind
    text: str


@dataclass(frozen=True)
class Count:
    """Images of a domain, and of its split where there are official ones."""

    domain: str
    split: str
    found: int
    expected: int | None


@dataclass(frozen=True)
class FolderReport:
    """All that `verify` found."""

    dataset: str
    root: str
    classes: int
    expected_classes: int
    counts_certain: bool
    counts: tuple[Count, ...]
    checked: str
    """Which files were looked at, and how closely."""
    problems: tuple[Problem, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing, wrong or unreadable."""
        return not any(p.kind in ("missing", "wrong") for p in self.problems)

    def as_json(self) -> dict[str, Any]:
        """Return the fields and ``complete`` as JSON's types."""
        return {"complete": self.complete, **asdict(self)}


def verify(
    cls: type[Dataset],
    root: Path | None,
    every_pixel: bool = False,
    given: Mapping[str, Any] | None = None,
) -> FolderReport:
    """Compare a folder with what the complete data set holds.

    Args:
        cls: The data set's class.
        root: ``--data-root``; None for data that comes with the repository.
        every_pixel: Decode all images; else look at all sizes and some headers.
        given: Options of the data set. Without any, what is there may be incomplete.

    Raises:
        UserError: Only if the data set needs a root and none is given, or for a wrong option.
    """
    if root is None and cls.needs_root:
        raise UserError(f"data set '{cls.name}' needs --data-root DIR; {cls.layout or cls.source}")
    options = validated(cls.Options, dict(given), f"data set '{cls.name}'") if given else None
    problems: list[Problem] = []
    if root is not None and not root.is_dir():
        problems.append(Problem("missing", f"--data-root {root}: no such folder"))
    else:
        problems += _folder_problems(cls, root)
    dataset: Dataset | None = None
    samples: dict[str, tuple[Sample, ...]] = {}
    if root is None or root.is_dir():
        try:
            dataset = cls.as_found(root) if options is None else cls(options, root)
            samples = {domain: dataset.samples(domain) for domain in dataset.domains}
        except (UserError, OSError) as error:
            if all(p.kind in ("extra", "note") for p in problems):
                problems.append(Problem("wrong", str(error)))
    counts = tuple(_counts(cls, samples))
    if any(samples.values()) or not problems:
        problems += _compare(cls, counts)
    checked = "nothing"
    classes = 0
    if dataset is not None:
        classes = len(getattr(dataset, "class_names", ()))
        if cls.expected_classes and classes != cls.expected_classes and not problems:
            text = f"{classes} classes, expected {cls.expected_classes}"
            problems.append(Problem("wrong", text))
        problems += _empty_classes(dataset, samples)
        problems += [Problem("note", line) for line in dataset.notes()]
        every = [sample for domain in samples.values() for sample in domain]
        if every:
            checked, bad = _check_files(dataset, every, every_pixel)
            problems += bad
    if not any(samples.values()) and not problems:
        problems.append(Problem("missing", f"no image in {root}; {cls.layout or cls.source}"))
    return FolderReport(
        cls.name, str(root or ""), classes, cls.expected_classes, cls.counts_certain, counts,
        checked, tuple(problems),
    )  # fmt: skip


def _folder_problems(cls: type[Dataset], root: Path | None) -> list[Problem]:
    try:
        return [_problem(line) for line in (cls.problems(root) if root else ())]
    except OSError as error:
        return [Problem("wrong", f"{error.filename}: {error.strerror}; make it readable")]


def _problem(line: str) -> Problem:
    for kind in ("missing", "wrong", "extra", "note"):
        if line.startswith(f"{kind}: "):
            return Problem(kind, line.removeprefix(f"{kind}: "))
    return Problem("wrong", line)


def _counts(cls: type[Dataset], samples: Mapping[str, tuple[Sample, ...]]) -> Iterator[Count]:
    for domain in sorted({*cls.expected, *samples}):
        found = Counter(sample.split for sample in samples.get(domain, ()))
        wanted = cls.expected.get(domain)
        order = ("train", "val", "test", "")
        for split in sorted({*(wanted or ()), *found}, key=order.index):
            expected = wanted.get(split, 0) if wanted is not None else None
            yield Count(domain, split, found[split], expected)


def _compare(cls: type[Dataset], counts: tuple[Count, ...]) -> Iterator[Problem]:
    about = "" if cls.counts_certain else "about "
    explained: dict[str, list[str]] = {}
    for count in counts:
        place = f"{count.domain} {count.split}".strip()
        if count.expected is None:
            if cls.expected:
                yield Problem("extra", f"domain {place} with {count.found:,} images")
            continue
        difference = count.found - count.expected
        if difference == 0:
            continue
        text = f"{place}: {count.found:,} images, expected {about}{count.expected:,}"
        why = cls.known_miscounts.get((count.domain, count.found))
        if why:
            explained.setdefault(why, []).append(text)
        elif not cls.counts_certain and abs(difference) <= TOLERANCE * count.expected:
            yield Problem("note", f"{text} ({cls.counts_source})")
        else:
            side = "missing" if difference < 0 else "too many"
            kind: ProblemKind = "missing" if difference < 0 else "wrong"
            yield Problem(kind, f"{text}: {abs(difference):,} {side}")
    for why, texts in explained.items():
        yield Problem("wrong", f"{'; '.join(texts)}: {why}")


def _empty_classes(
    dataset: Dataset, samples: Mapping[str, tuple[Sample, ...]]
) -> Iterator[Problem]:
    for domain, found in samples.items():
        seen = {sample.label for sample in found}
        names = [dataset.class_names[c] for c in dataset.classes_of(domain) if c not in seen]
        if names and found:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            text = f"{domain}: no image of {', '.join(names[:SHOWN])}{more}"
            yield Problem("missing", text)


def _check_files(
    dataset: Dataset, samples: list[Sample], every_pixel: bool
) -> tuple[str, list[Problem]]:
    """Return what was looked at, and a problem for each file that is broken."""
    chosen = set() if every_pixel else {sample.key for sample in _spread(samples)}
    if every_pixel:
        checked = f"all {len(samples):,} images decoded"
    else:
        checked = (
            f"sizes of all {len(samples):,} files, headers of {len(chosen):,}; "
            "--decode reads every pixel"
        )

    looked_at = len(chosen) or len(samples)
    turned: list[str] = []

    def look(sample: Sample) -> str:
        try:
            if dataset.size(sample) == 0:
                return "empty file"
            if every_pixel or sample.key in chosen:
                data = dataset.read(sample)
                with Image.open(io.BytesIO(data)) as image:
                    if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
                        turned.append(dataset.where(sample))
                if every_pixel:
                    decode(data, dataset.where(sample), whole=True)
        except UserError as error:
            return str(error)
        except Exception as error:  # Pillow raises many kinds
            return f"not a readable image ({type(error).__name__})"
        return ""

    def look_at(start: int) -> tuple[int, list[tuple[Sample, str]]]:
        part = samples[start : start + each]
        return len(part), [(sample, why) for sample in part if (why := look(sample))]

    what, each = ("decoding", 16) if every_pixel else ("checking files", 1024)
    failed = []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        looks = pool.map(look_at, range(0, len(samples), each))
        for _, bad in track(looks, len(samples), what, lambda done: done[0]):
            failed += bad
    problems, early = [], []
    for sample, why in failed:
        if every_pixel and why != "empty file" and _decodes(dataset, sample):
            early.append(sample)  # DomainBed reads these, too
        else:
            where = dataset.where(sample)
            problems.append(Problem("wrong", why if where in why else f"{where}: {why}"))
    if len(problems) > SHOWN:
        rest = len(problems) - SHOWN
        problems = [*problems[:SHOWN], Problem("wrong", f"{rest:,} more unreadable files")]
    if early:
        names = ", ".join(dataset.where(sample) for sample in early[:SHOWN])
        text = f"{len(early):,} damaged image(s), read as far as they go, the rest grey: {names}"
        problems.append(Problem("note", text))
    if turned:
        text = (
            f"{len(turned):,} of {looked_at:,} images ask to be turned (EXIF), which is ignored "
            f"as DomainBed ignores it; data set 'folder' turns them with exif=true: {min(turned)}"
        )
        problems.append(Problem("note", text))
    return checked, problems


def _spread(samples: list[Sample]) -> Iterator[Sample]:
    by_domain: dict[str, list[Sample]] = {}
    for sample in samples:
        by_domain.setdefault(sample.domain, []).append(sample)
    for found in by_domain.values():
        step = max(len(found) / HEADERS, 1.0)
        yield from (found[int(i * step)] for i in range(min(len(found), HEADERS)))


def _decodes(dataset: Dataset, sample: Sample) -> bool:
    try:
        decode(dataset.read(sample), dataset.where(sample))
    except (UserError, OSError):
        return False
    return True
