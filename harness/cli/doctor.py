"""``doctor``: check what runs depend on."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import registry
from harness.cli import options
from harness.errors import error_line
from harness.execution.context import default_cache
from harness.specs import DatasetSpec, ModelSpec
from harness.store.leftovers import leftovers, size
from harness.store.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `doctor`."""
    options.plugin(parser)
    options.as_json(parser)
    parser.add_argument("--store", type=Path, help="also look for what killed runs left there")


def run(args: argparse.Namespace) -> int:
    """Print a line for each check; 1 if something is wrong."""
    results = []
    for name, check in _checks(args.store):
        try:
            ok, said = True, check()
        except Exception as error:  # whatever is wrong is what the user wants to see
            ok, said = False, error_line(error)
        results.append({"check": name, "ok": ok, "said": said})
        if not args.json:
            print(f"{'ok   ' if ok else 'FAIL '} {name}: {said}")
    if args.json:
        print(json.dumps(results, indent=1))
    return 0 if all(result["ok"] for result in results) else 1


def _checks(store: Path | None) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", lambda: sys.version.split()[0]
    yield "torch", _torch
    yield "open_clip and torchvision", _open_clip
    for module in ("pandas", "matplotlib", "jinja2", "submitit"):
        yield module, lambda module=module: importlib.import_module(module).__version__  # type: ignore[misc]
    yield "plugins", _plugins
    yield "embedded data", _data
    yield "embedded model", _model
    yield "cache", _cache
    yield "leftovers", lambda: _leftovers(store)


def _torch() -> str:
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU only"
    return f"{torch.__version__}, {device}, {torch.get_num_threads()} threads"


def _open_clip() -> str:
    from harness.clip.compat import ensure_torchvision

    ensure_torchvision()
    import open_clip
    import torchvision

    return f"{open_clip.__version__}, {torchvision.__version__}"


def _plugins() -> str:
    methods, datasets = registry.discover("methods"), registry.discover("datasets")
    broken = registry.not_loaded()
    if broken:
        raise RuntimeError("; ".join(f"{origin}: {why}" for origin, why in broken.items()))
    return f"{len(methods.plugins)} methods, {len(datasets.plugins)} data sets"


def _data() -> str:
    from harness.sweep import plan

    dataset = plan.open_dataset(DatasetSpec(name="emoji"), None)
    counts = ", ".join(f"{domain} {len(dataset.samples(domain))}" for domain in dataset.domains)
    return f"{len(dataset.class_names)} classes; {counts}"


def _model() -> str:
    from harness.clip.load import load_backbone

    backbone = load_backbone(ModelSpec(name="tiny-emoji"))
    features = backbone.text_features(("dog", "violin"), "a photo of a {}.")
    return f"{backbone.fingerprint}, {features.shape[1]}-dimensional embedding"


def _cache() -> str:
    path = default_cache()
    path.mkdir(parents=True, exist_ok=True)
    (path / ".writable").touch()
    return f"{path} is writable"


def _leftovers(store: Path | None) -> str:
    roots = [default_cache()] if store is None else [default_cache(), Store(store).root]
    found = leftovers(*roots)
    places = " and ".join(str(root) for root in roots)
    if not found:
        return f"none in {places}"
    names = ", ".join(str(path) for path in found[:5]) + (" ..." if len(found) > 5 else "")
    mib = sum(map(size, found)) / 2**20
    return f"{len(found)} of killed processes, {mib:.1f} MiB, deleted by the next run: {names}"
