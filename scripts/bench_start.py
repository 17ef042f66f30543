"""Measure what a large data set costs before the first step, and an evaluation of 10,000 images.

    python scripts/stand_in.py DomainNet DIR
    python scripts/bench_start.py DomainNet DIR            # twice: the second time finds the caches
    python scripts/bench_start.py DomainNet DIR --verify   # `data verify`, and nothing else
    python scripts/bench_start.py DomainNet DIR --mark     # first note all images as `prepare` does

With the embedded model, whose own work is small, so that the figures are those of the data.
"""

from __future__ import annotations

import time

BEGAN = time.perf_counter()

import argparse  # noqa: E402  (the imports are part of what is measured)
import resource  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from tempfile import TemporaryDirectory  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.data.checked import mark_checked  # noqa: E402
from harness.data.fingerprints import content_of  # noqa: E402
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


def say(what: str, since: float, whose: int = resource.RUSAGE_SELF, cpu_before: float = 0) -> None:
    """Print how long something took, and the memory so far."""
    used = resource.getrusage(whose)
    cpu = used.ru_utime + used.ru_stime - cpu_before
    print(
        f"{what}: {time.perf_counter() - since:.1f} s, {cpu:.1f} s of CPU time, "
        f"peak {used.ru_maxrss / 2**20:.2f} GiB",
        flush=True,
    )


def verify(name: str, root: Path) -> None:
    """Run `data verify` in a process of its own."""
    start = time.perf_counter()
    command = ["run_benchmark.py", "data", "verify", name, "--data-root", str(root)]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
    say("data verify", start, resource.RUSAGE_CHILDREN)


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
    parser.add_argument("--verify", action="store_true", help="measure `data verify` alone")
    parser.add_argument("--mark", action="store_true", help="take all images for looked at")
    args = parser.parse_args()
    if args.verify:
        verify(args.name, args.root)
        return
    spec = planned(args.name, args.root)
    say("planned", BEGAN)
    with TemporaryDirectory() as store:  # a new one each time: its checkpoint would be continued
        context, _ = place(Path(store), args.root, args.root / "cache", "cpu", workers=1)
        shared = Shared(context)
        if args.mark:
            bank = shared.bank(spec)
            mark_checked(args.root / "cache", content_of(bank.dataset, bank.fingerprint))
        first_step(spec, shared)
    bank = shared.bank(spec)
    domain = bank.dataset.domains[-1]
    samples = bank.dataset.samples(domain)[-IMAGES:]
    start, cpu = time.perf_counter(), time.process_time()
    count = sum(len(shared.backbone(spec.model).image_features(images)) for images in
                bank.test_batches(samples))  # fmt: skip
    say(f"evaluation of {count:,} images", start, cpu_before=cpu)


if __name__ == "__main__":
    main()
