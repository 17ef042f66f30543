"""Protocols: what trains, what is tested, over which classes.

`domain_shift` leaves one domain out. `domain_and_class` leaves one domain and half of the classes
out. `open_class` trains on half of the classes of one domain. `distribution_shift` trains on one
domain and tests on others. What a run may touch while it trains and selects comes as a `Sources`
value that holds nothing else; the tested samples come from a separate call that the engine makes
after the weights are fixed.

Labels of the samples returned here are indices into the class list that stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.data.fewshot import VAL_SHOTS, few_shot
from harness.dataset import Dataset, Sample, check_target
from harness.errors import UserError, unknown_name
from harness.protocols.measures import TARGETS
from harness.seeding import derive, domainbed_seed
from harness.specs import ProtocolSpec

Samples = tuple[Sample, ...]


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
class HeldOut:
    """Images that are tested together, over one list of classes."""

    name: str
    """See `harness.protocols.measures.measured`."""
    samples: Samples
    class_names: tuple[str, ...]
    classes: tuple[int, ...]
    """What each of `class_names` is in the data set's own list."""


def split(samples: Samples, fraction: float, seed: int) -> tuple[Samples, Samples]:
    """Split into (in, out) as DomainBed does, each part in the data set's order.

    The first ``int(n * fraction)`` of a permutation are `out`; the permutation comes from
    ``numpy.random.RandomState(seed).shuffle`` (DomainBed, lib/misc.py, ``split_dataset``).
    """
    order = list(range(len(samples)))
    np.random.RandomState(seed).shuffle(order)
    cut = int(len(samples) * fraction)
    out, kept = sorted(order[:cut]), sorted(order[cut:])
    return tuple(samples[i] for i in kept), tuple(samples[i] for i in out)


def base_classes(dataset: Dataset, protocol: ProtocolSpec) -> tuple[int, ...]:
    """Return the classes that are trained on, in label order.

    All of them, but for open_class the first half rounded up (CoOp) and for domain_and_class the
    first half rounded down (CLIPood). For distribution_shift those of the source domain.
    """
    n = len(dataset.class_names)
    if protocol.name == "open_class":
        return tuple(range((n + 1) // 2))
    if protocol.name == "domain_and_class":
        return tuple(range(n // 2))
    if protocol.name == "distribution_shift":
        return dataset.classes_of(protocol.source)
    return tuple(range(n))


def check(dataset: Dataset, protocol: ProtocolSpec, target: str) -> None:
    """Raise UserError unless the protocol can be run on the data set with this target."""
    if protocol.name in ("domain_shift", "domain_and_class"):
        check_target(dataset, target)
    wanted = [target] if protocol.name == "open_class" else []
    if protocol.name == "distribution_shift":
        wanted = [protocol.source, *target.split(TARGETS)]
        if protocol.source in target.split(TARGETS):
            raise UserError(
                f"protocol distribution_shift: '{protocol.source}' is the source domain; "
                "test on the others"
            )
    for domain in wanted:
        if domain not in dataset.domains:
            raise unknown_name(f"domain of data set '{dataset.name}'", domain, dataset.domains)
    if protocol.name in ("open_class", "domain_and_class") and len(dataset.class_names) < 4:
        raise UserError(
            f"protocol {protocol.name}: data set '{dataset.name}' has "
            f"{len(dataset.class_names)} classes; halves of at least two need four"
        )


def targets_of(dataset: Dataset, protocol: ProtocolSpec, asked: Sequence[str]) -> list[str]:
    """Return the `target` of each run that the user's list (or ``["all"]``) stands for.

    Raises:
        UserError: For a name that is no domain, or a protocol that does not fit the data set.
    """
    chosen = list(dataset.domains) if list(asked) == ["all"] else list(asked)
    if protocol.name == "distribution_shift":
        if list(asked) == ["all"]:
            chosen = [domain for domain in chosen if domain != protocol.source]
        chosen = [TARGETS.join(sorted(set(chosen)))]
    for target in chosen:
        check(dataset, protocol, target)
    return chosen


def sources(dataset: Dataset, protocol: ProtocolSpec, target: str, data_seed: int) -> Sources:
    """Return the training and validation samples.

    Raises:
        UserError: If the protocol cannot be run on the data set with this target.
    """
    check(dataset, protocol, target)
    base = base_classes(dataset, protocol)
    if protocol.name == "open_class":
        domains: tuple[str, ...] = (target,)
    elif protocol.name == "distribution_shift":
        domains = (protocol.source,)
    else:
        domains = tuple(domain for domain in dataset.domains if domain != target)
    groups = _training_groups(dataset, data_seed) if protocol.disjoint_groups else None
    train, val = {}, {}
    for domain in domains:
        parts = _parts(dataset, protocol, domain, data_seed)
        kept, held = (
            tuple(s for s in part if groups is None or s.group in groups) for part in parts[:2]
        )
        train[domain], val[domain] = _relabelled(kept, base), _relabelled(held, base)
        if not train[domain] or not val[domain]:
            raise UserError(
                f"data set '{dataset.name}': domain '{domain}' is too small to split "
                f"({len(train[domain])} to train, {len(val[domain])} to validate)"
            )
    return Sources(train, val, tuple(dataset.class_names[c] for c in base))


def held_out(
    dataset: Dataset, protocol: ProtocolSpec, target: str, data_seed: int
) -> tuple[HeldOut, ...]:
    """Return what is tested; call it when training is over.

    Raises:
        UserError: As `sources`, or if a part is empty.
    """
    check(dataset, protocol, target)
    base = base_classes(dataset, protocol)
    every = tuple(range(len(dataset.class_names)))
    other = tuple(c for c in every if c not in set(base))
    found: Mapping[str, tuple[Samples, tuple[int, ...]]]
    if protocol.name == "domain_shift":
        found = {"target": (_tested_part(dataset, protocol, target, data_seed), every)}
    elif protocol.name == "domain_and_class":
        known = set(base)
        samples = dataset.samples(target)
        found = {
            "base": (tuple(s for s in samples if s.label in known), every),
            "open": (tuple(s for s in samples if s.label not in known), every),
        }
    elif protocol.name == "open_class":
        held = _parts(dataset, protocol, target, data_seed)[2]
        found = {"base": (held, base), "new": (_official_test(dataset, target), other)}
    else:
        found = {
            domain: (_official_test(dataset, domain), dataset.classes_of(domain))
            for domain in target.split(TARGETS)
        }
        held = _parts(dataset, protocol, protocol.source, data_seed)[2]
        found[protocol.source] = (held, base)
    sets = tuple(_test_set(dataset, name, *part) for name, part in found.items())
    for part in sets:
        if not part.samples:
            raise UserError(
                f"data set '{dataset.name}', protocol {protocol.name}: no image to test "
                f"'{part.name}' on for target '{target}'"
            )
    return sets


def _test_set(
    dataset: Dataset, name: str, samples: Iterable[Sample], classes: tuple[int, ...]
) -> HeldOut:
    names = tuple(dataset.class_names[c] for c in classes)
    return HeldOut(name, _relabelled(samples, classes), names, classes)


def _relabelled(samples: Iterable[Sample], classes: tuple[int, ...]) -> Samples:
    """Keep the samples of `classes`; their labels become indices into it."""
    place = {c: i for i, c in enumerate(classes)}
    return tuple(
        s if place[s.label] == s.label else replace(s, label=place[s.label])
        for s in samples
        if s.label in place
    )


def _tested_part(dataset: Dataset, protocol: ProtocolSpec, target: str, data_seed: int) -> Samples:
    kept, out = split(
        dataset.samples(target), protocol.holdout_fraction, _seed(dataset, target, data_seed)
    )
    chosen = {"all": dataset.samples(target), "in": kept, "out": out}[protocol.test_on]
    if protocol.disjoint_groups:
        seen = _training_groups(dataset, data_seed)
        chosen = tuple(sample for sample in chosen if sample.group not in seen)
    return chosen


def _official_test(dataset: Dataset, domain: str) -> Samples:
    """Return the test split, or all images where there is none: nothing of them was trained on."""
    samples = dataset.samples(domain)
    official = tuple(s for s in samples if s.split == "test")
    return official or samples


def _seed(dataset: Dataset, domain: str, data_seed: int, *more: object) -> int:
    # DomainBed's hash of (trial seed, index of the domain in sorted order): a split depends on
    # neither the method nor the target, so runs of one data seed are paired.
    return domainbed_seed(data_seed, dataset.domains.index(domain), *more)


def _parts(
    dataset: Dataset, protocol: ProtocolSpec, domain: str, data_seed: int
) -> tuple[Samples, Samples, Samples]:
    """Return a source domain's (train, val, test); test is empty where another domain is tested.

    Few shots are drawn from all classes before half of them are left out, as CoOp does it, so that
    base classes have the same images whatever the other half is.
    """
    samples = dataset.samples(domain)
    fraction, shots = protocol.holdout_fraction, protocol.shots
    if protocol.name in ("domain_shift", "domain_and_class"):
        more: tuple[str, ...] = ()
        if protocol.name == "domain_and_class":
            # CLIPood splits after the choice of classes, with a seed of its own.
            base, more = set(base_classes(dataset, protocol)), ("base",)
            samples = tuple(s for s in samples if s.label in base)
        train, val = split(samples, fraction, _seed(dataset, domain, data_seed, *more))
        return (few_shot(train, (), shots, data_seed)[0] if shots else train), val, ()
    if any(s.split for s in samples):
        train, val, test = (
            tuple(s for s in samples if s.split == name) for name in ("train", "val", "test")
        )
    else:
        train, test = split(samples, fraction, _seed(dataset, domain, data_seed))
        val = ()
    if shots and val:
        train, val = few_shot(train, val, shots, data_seed)
    elif shots:  # no validation images (ImageNet): so many more of the training images
        drawn = few_shot(train, (), shots, data_seed)[0]
        keys = {s.key for s in drawn}
        rest = tuple(s for s in train if s.key not in keys)
        train, val = drawn, few_shot(rest, (), min(shots, VAL_SHOTS), data_seed)[0]
    elif not val:
        train, val = split(train, fraction, _seed(dataset, domain, data_seed, "val"))
    return train, val, test


def _training_groups(dataset: Dataset, data_seed: int) -> frozenset[str]:
    """Return the half of the groups that may be trained on, stratified by class."""
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
        np.random.RandomState(derive("groups", data_seed, label) % 2**32).shuffle(order)
        chosen.update(order[: (len(order) + 1) // 2])
    return frozenset(chosen)
