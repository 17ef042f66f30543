"""How long runs take, from records of earlier ones."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence

from harness import registry
from harness.protocols.base import TARGETS
from harness.specs import RunSpec
from harness.store.records import RunRecord
from harness.sweep.plan import Outline

PUBLISHED_STEP = "CLIPood's published step on a V100 (ViT-B/16, 36 images, 0.19 s)"
"""AlignCLIP's rebuttal, W2: see results/published/."""
_IMAGE_S = 0.19 / 36
_FORWARD_SHARE = 1 / 3
"""Share of the forward pass in a training step: the backward pass counts double."""


class Durations:
    """Mean seconds of earlier runs of the same method, data set and model, scaled by steps.

    Of runs that shared a GPU, as records say, it is their share of its time that counts.
    """

    def __init__(self, records: Iterable[RunRecord] = ()) -> None:
        self.devices: set[str] = set()
        self._times: dict[tuple[str, ...], list[tuple[int, float]]] = defaultdict(list)
        for record in records:
            self.devices.add(record.provenance.device)
            made = record.provenance
            self.add(record.spec, made.wall_s / made.runs_per_gpu)

    @property
    def count(self) -> int:
        """Return how many runs were noted."""
        return sum(map(len, self._times.values()))

    def add(self, spec: RunSpec, seconds: float) -> None:
        """Note how long a run took."""
        self._times[_kind(spec)].append((_steps(spec), seconds))

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
    return spec.method, spec.dataset.name, spec.model.title(), spec.model.numerics


def _steps(spec: RunSpec) -> int:
    return int(spec.config.get("steps") or 1)


def published_seconds(specs: Sequence[RunSpec]) -> tuple[int, float]:
    """Guess how long ViT-B/16 runs take on one GPU where no record tells.

    Images seen times the published time per image; text towers, data loading and the larger
    classes' losses are not in it. So nothing is said of methods that train on frozen image
    features: their time is the text tower's, hours with a thousand classes. Images that one run
    computes the features of for others, too, count once.

    Returns:
        Of how many runs something can be said, and the seconds of these together.
    """
    known, seconds = 0, 0.0
    seen: set[tuple[object, ...]] = set()
    for spec in specs:
        cls = registry.method_class(spec.method)
        steps = int(spec.config.get("steps") or 0)
        if not spec.model.name.startswith("ViT-B-16") or (steps and cls.frozen_image_tower):
            continue
        known += 1
        shared = None if cls.trains else _shared(spec)
        if shared is None or shared not in seen:
            seconds += _IMAGE_S * _images(spec)
        if shared is not None:
            seen.add(shared)
    return known, seconds


def _shared(spec: RunSpec) -> tuple[object, ...]:
    """Return what an untrained run's image features depend on."""
    cls = registry.method_class(spec.method)
    own = "" if cls.frozen_image_tower else f"{spec.method} {spec.config}"
    resize = spec.protocol.test_resize
    if resize == "authors":
        resize = cls.authors_resize
    images = (spec.target,) if spec.protocol.same_images() else (
        spec.target, spec.protocol.model_dump_json(), spec.data_seed,
    )  # fmt: skip
    return own, resize, spec.model.model_dump_json(), spec.dataset.model_dump_json(), images


def _images(spec: RunSpec) -> float:
    """Return how many images a run trains on, and the tested ones by what they cost."""
    cls, config = registry.dataset_class(spec.dataset.name), spec.config
    counts = {domain: sum(splits.values()) for domain, splits in cls.expected.items()}
    sources = spec.protocol.source_domains(Outline(cls, cls.Options()), spec.target)
    batch = int(config.get("batch_per_domain") or 0) * max(len(sources), 1)
    tested = sum(counts.get(domain, 0) for domain in spec.target.split(TARGETS))
    return int(config.get("steps") or 0) * batch + _FORWARD_SHARE * tested
