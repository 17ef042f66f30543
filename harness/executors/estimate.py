"""How long runs take, from records of earlier ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from harness.specs import RunSpec
from harness.store import RunRecord


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
