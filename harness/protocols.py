"""Protocols: what trains, what is tested, over which classes.

`domain_shift` leaves one domain out. What a run may touch while it trains and selects comes as a
`Sources` value that holds the source domains' samples and nothing else; the target's samples come
from a separate call that the engine makes after the weights are fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.dataset import Dataset, Sample, check_target
from harness.errors import UserError
from harness.seeding import derive, domainbed_seed
from harness.specs import ProtocolSpec


@dataclass(frozen=True)
class Sources:
    """The source domains, split: all that training and selection ever see."""

    train: dict[str, tuple[Sample, ...]]
    """By source domain, sorted: the ``in`` part (80 %)."""
    val: dict[str, tuple[Sample, ...]]
    """By source domain: the ``out`` part (20 %)."""
    class_names: tuple[str, ...]


def split(
    samples: tuple[Sample, ...], fraction: float, seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Split into (in, out) as DomainBed does, each part in the data set's order.

    The first ``int(n * fraction)`` of a permutation are `out`; the permutation comes from
    ``numpy.random.RandomState(seed).shuffle`` (DomainBed, lib/misc.py, ``split_dataset``).
    """
    order = list(range(len(samples)))
    np.random.RandomState(seed).shuffle(order)
    cut = int(len(samples) * fraction)
    out, kept = sorted(order[:cut]), sorted(order[cut:])
    return tuple(samples[i] for i in kept), tuple(samples[i] for i in out)


def _parts(
    dataset: Dataset, protocol: ProtocolSpec, domain: str, data_seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    # Seeded by DomainBed's hash of (trial seed, index of the domain in sorted order): the split
    # depends on neither the method nor the target, so runs of one data seed are paired.
    seed = domainbed_seed(data_seed, dataset.domains.index(domain))
    return split(dataset.samples(domain), protocol.holdout_fraction, seed)


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


def sources(dataset: Dataset, protocol: ProtocolSpec, target: str, data_seed: int) -> Sources:
    """Return the source domains' training and validation samples.

    Raises:
        UserError: If `target` is no domain of the data set, or the data set has only one.
    """
    check_target(dataset, target)
    groups = _training_groups(dataset, data_seed) if protocol.disjoint_groups else None
    train, val = {}, {}
    for domain in dataset.domains:
        if domain != target:
            kept, out = _parts(dataset, protocol, domain, data_seed)
            train[domain] = tuple(s for s in kept if groups is None or s.group in groups)
            val[domain] = tuple(s for s in out if groups is None or s.group in groups)
            if not train[domain] or not val[domain]:
                raise UserError(
                    f"data set '{dataset.name}': domain '{domain}' is too small to split "
                    f"({len(train[domain])} to train, {len(val[domain])} to validate)"
                )
    return Sources(train, val, dataset.class_names)


def target_samples(
    dataset: Dataset, protocol: ProtocolSpec, target: str, data_seed: int
) -> tuple[Sample, ...]:
    """Return the held-out domain's samples that are tested; call it when training is over."""
    check_target(dataset, target)
    kept, out = _parts(dataset, protocol, target, data_seed)
    chosen = {"all": dataset.samples(target), "in": kept, "out": out}[protocol.test_on]
    if protocol.disjoint_groups:
        seen = _training_groups(dataset, data_seed)
        chosen = tuple(sample for sample in chosen if sample.group not in seen)
    return chosen
