"""``sweep prepare FILE``, on the login node: what compute nodes cannot do, being offline."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.cli import options
from harness.console.items import track
from harness.dataset import Sample
from harness.errors import UserError
from harness.specs import DatasetSpec, RunSpec
from harness.store.files import write_atomically


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep prepare`."""
    options.plugin(parser)
    options.store(parser)
    options.data_root(parser)
    options.cache_dir(parser, shared=True)
    parser.add_argument("file", help="YAML file, or the name of one in sweeps/")


def run(args: argparse.Namespace) -> int:
    """Fetch and load the weights, decode every image, note both."""
    from harness.clip.load import load_backbone
    from harness.execution.context import default_cache
    from harness.sweep import file as sweeps

    sweep = sweeps.read_sweep(args.file)
    plan = sweeps.plan_sweep(sweep, args.data_root, args.file)
    specs = (*plan.runs, *plan.trials)
    root = args.store or Path("results") / sweep.name
    cache = (args.cache_dir or default_cache()).resolve()
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--cache-dir {cache}: {error.strerror}; give a shared folder") from None
    notes: dict[str, str] = {}
    for model in {s.model.model_dump_json(): s.model for s in specs}.values():
        backbone = load_backbone(model)
        notes[f"model {model.title()}"] = backbone.fingerprint
        print(f"model {model.title()}: weights in place, {backbone.fingerprint}")
    for data in {data.model_dump_json(): data for spec in specs for data in spec.data()}.values():
        n, fingerprint = _check_images(data, args.data_root, cache)
        notes[f"data set {data.name}"] = fingerprint
        print(f"data set {data.name}: {n} images decoded, {fingerprint}")
    file = _file(root)
    write_atomically(file, json.dumps({**_prepared(root), **notes}, indent=1).encode())
    print(f"cache: {cache}; noted in {file}")
    return 0


def _check_images(data: DatasetSpec, data_root: Path | None, cache: Path) -> tuple[int, str]:
    """Return how many images were decoded and the data set's fingerprint; runs then need not."""
    from harness.data.checked import mark_checked
    from harness.data.fingerprints import content_of, fingerprint_of
    from harness.data.images import decode
    from harness.sweep import plan

    opened = plan.open_dataset(data, data_root)
    samples = [sample for domain in opened.domains for sample in opened.samples(domain)]

    def look(sample: Sample) -> str:
        try:
            decode(opened.read(sample), opened.where(sample))
        except UserError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        parts = (samples[i : i + 4096] for i in range(0, len(samples), 4096))  # bounds the queue
        looks = (answer for part in parts for answer in pool.map(look, part))
        bad = [why for why in track(looks, len(samples), f"decoding {data.name}") if why]
    if bad:
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise UserError(f"data set '{data.name}': {bad[0]}{more}")
    fingerprint = fingerprint_of(opened, cache)
    mark_checked(cache, content_of(opened, fingerprint))
    return len(samples), fingerprint


def unprepared(root: Path, specs: Sequence[RunSpec]) -> list[str]:
    """Return what `sweep prepare` has not seen to for a store: weights and data sets.

    Nothing is asked of models that are files on this machine, and of data that come with a plugin.
    """
    from harness import registry

    known = _prepared(root)
    lacking: dict[str, None] = {}
    for spec in specs:
        if not spec.model.fingerprint and f"model {spec.model.title()}" not in known:
            lacking[f"weights of {spec.model.title()}"] = None
        for data in spec.data():
            if not registry.dataset_class(data.name).needs_root:
                continue
            key = f"data set {data.name}"
            if key not in known:
                lacking[key] = None
            elif data.fingerprint not in ("", known[key]):
                lacking[f"{key} as it is now"] = None
    return sorted(lacking)


def _file(root: Path) -> Path:
    return root / "slurm" / "prepared.json"


def _prepared(root: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(_file(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found
