"""Measure what a large data set costs before the first step, and an evaluation of 10,000 images.

    python scripts/stand_in.py DomainNet DIR
    python scripts/bench_start.py DomainNet DIR       # twice: the second time finds the caches

With the embedded model, whose own work is small, so that the figures are those of the data.
"""

from __future__ import annotations

import time

BEGAN = time.perf_counter()

import argparse  # noqa: E402  (the imports are part of what is measured)
import resource  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from tempfile import TemporaryDirectory  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.errors import Interrupted  # noqa: E402
from harness.execution.place import place  # noqa: E402
from harness.execution.run import Shared, execute  # noqa: E402
from harness.protocols import read_protocol  # noqa: E402
from harness.specs import DatasetSpec, ModelSpec, RunSpec  # noqa: E402
from harness.sweep import plan  # noqa: E402

IMAGES = 10_000
SETTINGS = {
    "DomainNet": ("domain_shift", "clipart", {"steps": 10}),
    "ImageNet": ("open_class", "ImageNet", {"steps": 10}),
}


def say(what: str, since: float) -> None:
    """Print how long something took, and the memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what}: {time.perf_counter() - since:.1f} s, peak {peak:.2f} GiB", flush=True)


def planned(name: str, root: Path) -> RunSpec:
    """Return a run of full fine-tuning."""
    protocol, target, given = SETTINGS[name]
    dataset = DatasetSpec(name=name)
    (spec,) = plan.expand(
        [plan.resolve_method("finetune", given)],
        ModelSpec(name="tiny-emoji"),
        dataset,
        read_protocol(protocol),
        [target],
        [0],
        plan.open_dataset(dataset, root),
    )
    return spec


def first_step(spec: RunSpec, shared: Shared) -> None:
    """Run until the first step is done."""
    done = [False]

    def progress(step: int, steps: int) -> None:
        if not done[0]:
            say("from command to the end of the first step", BEGAN)
        done[0] = True

    try:
        execute(spec, shared, progress, lambda: done[0])
    except Interrupted:
        return


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("name", choices=list(SETTINGS))
    parser.add_argument("root", type=Path)
    args = parser.parse_args()
    spec = planned(args.name, args.root)
    say("planned", BEGAN)
    with TemporaryDirectory() as store:  # a new one each time: its checkpoint would be continued
        context, _ = place(Path(store), args.root, args.root / "cache", "cpu", workers=1)
        shared = Shared(context)
        first_step(spec, shared)
    bank = shared.bank(spec)
    domain = bank.dataset.domains[-1]
    samples = bank.dataset.samples(domain)[-IMAGES:]
    start = time.perf_counter()
    count = sum(len(shared.backbone(spec.model).image_features(images)) for images in
                bank.test_batches(samples))  # fmt: skip
    say(f"evaluation of {count:,} images", start)


if __name__ == "__main__":
    main()
