"""How long runs take, from records of earlier ones."""

from __future__ import annotations

import itertools
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from harness import registry
from harness.data.chosen import chosen
from harness.dataset import Dataset, DatasetSpec, Sample
from harness.errors import UserError
from harness.specs import RunSpec
from harness.store.records import RunRecord
from harness.sweep.plan import Outline, open_dataset

PUBLISHED_STEP = "CLIPood's published step on a V100 (ViT-B/16, 36 images, 0.19 s)"
"""AlignCLIP's rebuttal, W2: see results/published/."""
_IMAGE_S = 0.19 / 36
_FORWARD_SHARE = 1 / 3
"""Share of the forward pass in a training step: the backward pass counts double."""
_FROZEN_SHARE = 2 / 3
"""The same of forward and backward pass through a tower that gets no gradients of its own."""
_TOKEN_SHARE = 37.7 / 17_600
"""A token through the text tower (12 layers of width 512) beside an image, in multiplications."""
_BATCH = ("batch_per_domain", "batch_size", "micro_batch")
_NAME_TOKENS = 10
"""Of a prompt beside its context: the longest name, start, full stop, end."""


class Counts(NamedTuple):
    """Of a run's images."""

    sources: int
    """Domains that train."""
    trained: int
    tested: int


_COUNTS: dict[tuple[str, ...], Counts | None] = {}


class Durations:
    """Mean seconds of earlier runs of the same method, data set and model, scaled by steps.

    Of runs that shared a GPU, as records say, it is their share of its time that counts.
    """

    def __init__(self, records: Iterable[RunRecord] = ()) -> None:
        self.devices: set[str] = set()
        self._memory: dict[tuple[str, ...], float] = {}
        self._times: dict[tuple[str, ...], list[tuple[int, float]]] = defaultdict(list)
        for record in records:
            self.devices.add(record.provenance.device)
            made = record.provenance
            self.add(record.spec, made.wall_s / made.runs_per_gpu)
            kind = _memory_kind(record.spec)
            self._memory[kind] = max(self._memory.get(kind, 0.0), made.peak_memory_mb)

    @property
    def count(self) -> int:
        """Return how many runs were noted."""
        return sum(map(len, self._times.values()))

    def add(self, spec: RunSpec, seconds: float) -> None:
        """Note how long a run took."""
        self._times[_kind(spec)].append((_steps(spec), seconds))

    def memory_mb(self, spec: RunSpec) -> float | None:
        """Return the peak of earlier runs of the same kind and batch, if there were any."""
        return self._memory.get(_memory_kind(spec))

    def seconds(self, spec: RunSpec) -> float | None:
        """Return how long a run takes; None when no such run was ever noted."""
        times, steps = self._times.get(_kind(spec)), _steps(spec)
        if not times:
            return None
        same = [seconds for n, seconds in times if n == steps]
        if same:
            return statistics.fmean(same)
        return sum(seconds for _, seconds in times) / sum(n for n, _ in times) * steps

    def left(
        self, waiting: Sequence[RunSpec], running: Sequence[tuple[RunSpec, float]], workers: int
    ) -> float | None:
        """Return seconds left, or None before anything has finished.

        Args:
            waiting: Runs not started.
            running: Runs under way, each with the seconds it has taken.
            workers: How many share the work.
        """
        if not self._times:
            return None
        usual = statistics.fmean(s for times in self._times.values() for _, s in times)

        def whole(spec: RunSpec) -> float:
            seconds = self.seconds(spec)
            return usual if seconds is None else seconds

        total = sum(whole(spec) for spec in waiting)
        total += sum(max(whole(spec) - spent, 0.0) for spec, spent in running)
        return total / workers


def _kind(spec: RunSpec) -> tuple[str, ...]:
    # what corruptions take is many times the run's own time, by kinds and severities
    tested = f"{spec.target} {spec.protocol.model_dump_json()}" if _corrupts(spec) else ""
    return spec.method, spec.dataset.name, spec.model.title(), spec.model.numerics, tested


def _corrupts(spec: RunSpec) -> bool:
    return spec.protocol.name == "corruptions"


def _memory_kind(spec: RunSpec) -> tuple[str, ...]:
    batch = (str(spec.config.get(name)) for name in _BATCH)
    return (*_kind(spec), *batch)


def _steps(spec: RunSpec) -> int:
    return int(spec.config.get("steps") or 1)


def published_seconds(specs: Sequence[RunSpec]) -> list[float | None]:
    """Guess how long ViT-B/16 runs take on one GPU where no record tells; None for others.

    Images seen times the published time per image, and tokens of learned prompts by what a token
    costs beside an image; data loading and the larger classes' losses are not in it. Image
    features that one run computes for others, too, count once, in the first.
    """
    seen: set[tuple[object, ...]] = set()
    return [_published(spec, seen) for spec in specs]


def _published(spec: RunSpec, seen: set[tuple[object, ...]]) -> float | None:
    cls, steps = registry.method_class(spec.method), int(spec.config.get("steps") or 0)
    dataset = registry.dataset_class(spec.dataset.name)
    unknown_classes = bool(cls.trained_prompts) and not dataset.expected_classes
    # what corruptions take is the CPU's time
    unknown = unknown_classes or _corrupts(spec)
    if not spec.model.name.startswith("ViT-B-16") or unknown:
        return None
    counts = counts_of(spec)
    if counts is None:
        return None
    tested = counts.tested
    per_domain = int(spec.config.get("batch_per_domain") or 0)
    batch = int(spec.config.get("batch_size") or per_domain * counts.sources)
    forward = _FORWARD_SHARE * _IMAGE_S
    # what the pretrained model says of the tested images is kept of every run
    shared = {_shared(spec, ""): tested}
    seconds = 0.0
    if cls.frozen_image_tower and cls.trains:
        views = max(1, int(spec.config.get("feature_views") or 0))
        shared[_shared(spec, f"{views} views")] = views * counts.trained
    elif cls.trains:
        seconds = _IMAGE_S * steps * batch + forward * tested
    elif not cls.frozen_image_tower:
        shared[_shared(spec, f"{spec.method} {spec.config}")] = tested
    seconds += forward * sum(n for key, n in shared.items() if key not in seen)
    seen.update(shared)
    return seconds + _IMAGE_S * _TOKEN_SHARE * _tokens(spec, steps * batch, tested)


def _tokens(spec: RunSpec, trained: int, tested: int) -> float:
    """Return how many tokens of learned prompts a run trains on, tested ones by what they cost."""
    cls = registry.method_class(spec.method)
    if not cls.trained_prompts:
        return 0.0
    dataset = registry.dataset_class(spec.dataset.name)
    outline = Outline(dataset, dataset.Options())
    classes = len(spec.protocol.trained_classes(outline))
    each = cls.trained_prompts == "class and image"
    prompts = classes * (trained if each else int(spec.config.get("steps") or 0)) * _FROZEN_SHARE
    prompts += _FORWARD_SHARE * dataset.expected_classes * (tested if each else 1)
    return prompts * (int(spec.config.get("n_ctx") or 0) + _NAME_TOKENS)


def counts_of(spec: RunSpec) -> Counts | None:
    """Return what a run trains on and tests, by its own protocol; None where nobody knows.

    Runs that differ in seeds are one: their splits are as large, halves of the classes nearly.
    """
    alike = spec.protocol.model_dump_json(), spec.dataset.model_dump_json(), spec.target
    if alike not in _COUNTS:
        _COUNTS[alike] = _counted(spec)
    return _COUNTS[alike]


def _counted(spec: RunSpec) -> Counts | None:
    try:
        opened = _imagined(spec.dataset)
        others = {data.name: _imagined(data) for data in spec.protocol.other_data(spec.target)}
        train = spec.protocol.sources(opened, spec.target, 0).train
        tests = spec.protocol.test_sets(opened, spec.target, 0, others)
    except UserError:
        return None
    images = sum(len(samples) for samples in train.values())
    return Counts(len(train), images, sum(len(test.samples) for test in tests))


def _imagined(data: DatasetSpec) -> Dataset:
    """Return a data set as large as it is known to be, or as it is where it needs no files.

    Raises:
        UserError: If its size is not known, or its options name what only its files have.
    """
    cls = registry.dataset_class(data.name)
    if not cls.needs_root:
        return open_dataset(data, None)
    if not cls.expected:
        raise UserError(f"nobody knows how many images '{data.name}' has")
    return chosen(_Imagined(cls, cls.Options.model_validate(data.options)))


class _Imagined(Outline):
    """As many images as a public data set has, of its classes in turn."""

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's."""
        return _samples(self.name, domain)


@cache
def _samples(name: str, domain: str) -> tuple[Sample, ...]:
    cls = registry.dataset_class(name)
    numbers = itertools.count()
    return tuple(
        Sample(f"{domain}/{i}", i % cls.expected_classes, domain, "", split)
        for split, images in cls.expected[domain].items()
        for i in itertools.islice(numbers, images)
    )


def _shared(spec: RunSpec, own: str) -> tuple[object, ...]:
    """Return what image features depend on that runs share: `own` beside model and data."""
    cls = registry.method_class(spec.method)
    resize = spec.protocol.test_resize
    if resize == "authors":
        resize = cls.authors_resize
    images = (spec.target,) if spec.protocol.same_images() else (
        spec.target, spec.protocol.model_dump_json(), spec.data_seed,
    )  # fmt: skip
    return own, resize, spec.model.model_dump_json(), spec.dataset.model_dump_json(), images
