"""Parts of a data set: DomainBed's split, CoOp's shots, halves of the classes.

Labels of the samples returned here are indices into the class list that stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from harness.dataset import Dataset, Sample
from harness.errors import UserError, unknown_name
from harness.prompts import Template
from harness.protocols.draws import VAL_SHOTS, few_shot
from harness.seeding import derive, domainbed_seed

Samples = tuple[Sample, ...]


class Parts(NamedTuple):
    """What a source domain is split into."""

    train: Samples
    val: Samples
    test: Samples = ()
    """Empty where another domain is tested."""


@dataclass(frozen=True)
class Sources:
    """All that training and selection ever see."""

    train: dict[str, Samples]
    """By source domain, sorted."""
    val: dict[str, Samples]
    """By source domain."""
    class_names: tuple[str, ...]
    """The classes trained on."""


@dataclass(frozen=True)
class TestSet:
    """Images that are tested together, over one list of classes."""

    __test__ = False  # pytest: no class of tests

    name: str
    """What the record calls it; see the protocol's ``measured``."""
    samples: Samples
    class_names: tuple[str, ...]
    classes: tuple[int, ...]
    """What each of `class_names` is in the data set's own list."""
    data: str = ""
    """The data set, if it is not the one that trains."""
    prompts: Template | None = None
    """Its own, in place of those trained with."""


def split(samples: Samples, fraction: float, seed: int) -> tuple[Samples, Samples]:
    """Split into (in, out) as DomainBed does, each part in the data set's order.

    The first ``int(n * fraction)`` of a permutation are `out`; the permutation comes from
    ``numpy.random.RandomState(seed).shuffle`` (DomainBed, lib/misc.py, ``split_dataset``).
    """
    order = list(range(len(samples)))
    _shuffle(order, seed)
    cut = int(len(samples) * fraction)
    out, kept = sorted(order[:cut]), sorted(order[cut:])
    return tuple(samples[i] for i in kept), tuple(samples[i] for i in out)


def _shuffle(items: list[Any], seed: int) -> None:
    import numpy as np  # not where runs are only listed

    np.random.RandomState(seed).shuffle(items)


def split_seed(dataset: Dataset, domain: str, data_seed: int, *more: object) -> int:
    """Return DomainBed's hash of (trial seed, index of the domain in sorted order).

    A split depends on neither the method nor the target, so runs of one data seed are paired.
    """
    return domainbed_seed(data_seed, dataset.domains.index(domain), *more)


def relabelled(samples: Iterable[Sample], classes: tuple[int, ...]) -> Samples:
    """Keep the samples of `classes`; their labels become indices into it."""
    place = {c: i for i, c in enumerate(classes)}
    return tuple(
        s if place[s.label] == s.label else replace(s, label=place[s.label])
        for s in samples
        if s.label in place
    )


def official_test(dataset: Dataset, domain: str) -> Samples:
    """Return the test split, or all images where there is none: nothing of them was trained on."""
    samples = dataset.samples(domain)
    official = tuple(s for s in samples if s.split == "test")
    return official or samples


def official_parts(
    dataset: Dataset, domain: str, fraction: float, shots: int, data_seed: int
) -> Parts:
    """Return a domain's official parts, or DomainBed's split where it has none.

    Few shots are drawn from all classes before half of them are left out, as CoOp does it, so that
    base classes have the same images whatever the other half is.

    Args:
        dataset: The data set.
        domain: One of its domains.
        fraction: Share that is tested, and again validated, where there is no official part.
        shots: Training images a class; 0 is all.
        data_seed: Seed of the draws.
    """
    samples = dataset.samples(domain)
    if any(s.split for s in samples):
        train, val, test = (
            tuple(s for s in samples if s.split == name) for name in ("train", "val", "test")
        )
    else:
        train, test = split(samples, fraction, split_seed(dataset, domain, data_seed))
        val = ()
    if shots and val:
        train, val = few_shot(train, val, shots, data_seed)
    elif shots:  # no validation images (ImageNet): so many more of the training images
        drawn = few_shot(train, (), shots, data_seed)[0]
        keys = {s.key for s in drawn}
        rest = tuple(s for s in train if s.key not in keys)
        train, val = drawn, few_shot(rest, (), min(shots, VAL_SHOTS), data_seed)[0]
    elif not val:
        train, val = split(train, fraction, split_seed(dataset, domain, data_seed, "val"))
    return Parts(train, val, test)


def domainbed_parts(
    dataset: Dataset, domain: str, fraction: float, shots: int, data_seed: int
) -> Parts:
    """Return DomainBed's split of a domain: a share validates, all or few of the rest train.

    Args:
        dataset: The data set.
        domain: One of its domains.
        fraction: Share that validates.
        shots: Training images a class; 0 is all.
        data_seed: Seed of the draws.
    """
    seed = split_seed(dataset, domain, data_seed)
    train, val = split(dataset.samples(domain), fraction, seed)
    return Parts(few_shot(train, (), shots, data_seed)[0] if shots else train, val)


def training_groups(dataset: Dataset, data_seed: int) -> frozenset[str]:
    """Return the half of the groups that may be trained on, stratified by class.

    Raises:
        UserError: If the data set names no groups.
    """
    by_class: dict[int, set[str]] = {}
    for domain in dataset.domains:
        for sample in dataset.samples(domain):
            if not sample.group:
                raise UserError(
                    f"protocol option disjoint_groups: data set '{dataset.name}' names no groups; "
                    "leave the option out"
                )
            by_class.setdefault(sample.label, set()).add(sample.group)
    chosen: set[str] = set()
    for label, groups in sorted(by_class.items()):
        order = sorted(groups)
        _shuffle(order, derive("groups", data_seed, label) % 2**32)
        chosen.update(order[: (len(order) + 1) // 2])
    return frozenset(chosen)


def check_domains(dataset: Dataset, domains: Iterable[str]) -> None:
    """Raise UserError for a name that is no domain of the data set."""
    for domain in domains:
        if domain not in dataset.domains:
            raise unknown_name(f"domain of data set '{dataset.name}'", domain, dataset.domains)


def check_halves(dataset: Dataset, protocol: str) -> None:
    """Raise UserError if the classes are too few to leave half of them out."""
    if len(dataset.class_names) < 4:
        raise UserError(
            f"protocol {protocol}: data set '{dataset.name}' has "
            f"{len(dataset.class_names)} classes; halves of at least two need four"
        )
