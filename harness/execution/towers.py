"""Whether models are there and methods fit them, found out before any worker starts."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path

from harness import registry
from harness.source import room_hash
from harness.specs import RunSpec
from harness.store.files import write_atomically
from harness.store.provenance import versions
from harness.validation import validated


def check_models(specs: Sequence[RunSpec], cache: Path) -> None:
    """Find a wrong model, or a method that it cannot have, now and not in every worker.

    What went together before is not looked at again: it would import open_clip, for seconds.

    Raises:
        UserError: For an unknown name or tag, missing files, or a configuration beyond the tower.
    """
    chosen = {(s.model.model_dump_json(), s.method, str(s.config)): s for s in specs}
    sources = registry.method_sources(s.method for s in specs)
    said = [sorted(chosen), sorted(sources.items()), versions(), room_hash("clip")]
    seen = cache / "towers" / hashlib.sha256(repr(said).encode()).hexdigest()[:24]
    if seen.is_file() and all(sources.values()):
        return
    _look(list(chosen.values()))
    with contextlib.suppress(OSError):  # a cache that cannot be written: looked at again next time
        write_atomically(seen, b"")


def _look(specs: Sequence[RunSpec]) -> None:
    from harness.clip import names
    from harness.clip.info import outline

    outlines = {}
    for spec in specs:
        key = spec.model.model_dump_json()
        if key not in outlines:
            resolved = names.check(spec.model)
            # of a model on the hub nothing is known here; its run looks at the towers first
            outlines[key] = None if resolved.startswith("hf-hub:") else outline(spec.model)
        known = outlines[key]
        if known is not None:
            cls = registry.method_class(spec.method)
            config = validated(cls.Config, spec.config, f"method '{spec.method}'")
            cls.check_tower(config, known)
