"""How long runs take, from records of earlier ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

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
    """Mean seconds of earlier runs of the same method, data set and model, scaled by steps."""

    def __init__(self, records: Iterable[RunRecord]) -> None:
        self.count = 0
        self.devices: set[str] = set()
        self._times: dict[tuple[str, ...], list[tuple[int, float]]] = defaultdict(list)
        for record in records:
            self.count += 1
            self.devices.add(record.provenance.device)
            steps = int(record.spec.config.get("steps") or 1)
            self._times[self._key(record.spec)].append((steps, record.provenance.wall_s))

    def _key(self, spec: RunSpec) -> tuple[str, ...]:
        return spec.method, spec.dataset.name, spec.model.title(), spec.model.precision

    def seconds(self, spec: RunSpec) -> float | None:
        """Return the estimate; None when no such run was ever recorded."""
        steps = int(spec.config.get("steps") or 1)
        times = self._times.get(self._key(spec))
        if not times:
            return None
        same = [seconds for n, seconds in times if n == steps]
        if same:
            return sum(same) / len(same)
        return sum(seconds for _, seconds in times) / sum(n for n, _ in times) * steps


def published_seconds(spec: RunSpec) -> float | None:
    """Guess a ViT-B/16 run's seconds on one GPU where no record tells; None for another model.

    Images seen times the published time per image; text towers, data loading and the larger
    classes' losses are not in it.
    """
    if not spec.model.name.startswith("ViT-B-16"):
        return None
    cls = registry.dataset_class(spec.dataset.name)
    counts = {domain: sum(splits.values()) for domain, splits in cls.expected.items()}
    config = spec.config
    sources = spec.protocol.source_domains(Outline(cls, cls.Options()), spec.target)
    steps = int(config.get("steps") or 0)
    images = steps * int(config.get("batch_per_domain") or 0) * max(len(sources), 1)
    tested = sum(counts.get(domain, 0) for domain in spec.target.split(TARGETS))
    if steps and registry.method_class(spec.method).frozen_image_tower:
        views = int(config.get("feature_views") or 0) or 1
        tested += views * sum(counts.get(domain, 0) for domain in sources)
        images = 0
    return _IMAGE_S * (images + _FORWARD_SHARE * tested)
