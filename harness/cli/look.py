"""The verbs that only look: list, info, doctor."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

from harness import registry, resources
from harness.cli import data
from harness.errors import UserError, one_line, unknown_name
from harness.execution.context import default_cache
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep import file as sweeps
from harness.sweep import plan


def list_all(args: argparse.Namespace) -> int:
    """``list``: what is there, and what could not be loaded."""
    console = Console(highlight=False)
    titles: dict[registry.Kind, str] = {"methods": "Methods", "datasets": "Data sets"}
    for kind, title in titles.items():
        found = registry.discover(kind)
        table = Table(title=title, title_justify="left", box=None, show_header=False)
        for name, cls in sorted(found.plugins.items()):
            table.add_row(name, getattr(cls, "summary", ""))
        console.print(table)
    for origin, why in registry.not_loaded().items():
        text = f"not loaded: {origin}: {why}"
        console.print(text, style="red", markup=False, soft_wrap=True)
    table = Table(title="Sweeps", title_justify="left", box=None, show_header=False)
    for name in resources.named("sweeps"):
        try:
            table.add_row(name, sweeps.read_sweep(name).description.strip())
        except UserError as error:
            console.print(f"not loaded: {error}", style="red", markup=False, soft_wrap=True)
    console.print(table)
    console.print(
        "Models: tiny-emoji, tiny-emoji-early (embedded), and any open_clip model "
        "(open_clip.list_models())"
    )
    return 0


def info(args: argparse.Namespace) -> int:
    """``info NAME``: a method's parameters, a data set's domains and classes, or a model."""
    methods = registry.discover("methods").plugins
    datasets = registry.discover("datasets").plugins
    if args.name in methods:
        _method_info(args.name)
    elif args.name in datasets:
        data.describe(args.name, args.data_root)
    else:
        _model_info(args, [*methods, *datasets, "tiny-emoji"])
    return 0


def _method_info(name: str) -> None:
    cls = registry.method_class(name)
    console = Console(highlight=False)
    console.print(f"{name}: {cls.summary}", markup=False)
    console.print(f"source: {cls.citation}", markup=False)
    where = f"tested weights: {cls.own_selection}; file: {_origin('methods', name)}"
    console.print(where, markup=False, soft_wrap=True)
    table = Table("parameter", "default", "meaning", box=None)
    for key, field in cls.Config.model_fields.items():
        table.add_row(key, repr(field.default), " ".join((field.description or "").split()))
    console.print(table)
    for preset, values in cls.presets.items():
        console.print(f"preset={preset}: {dict(values) or 'the defaults'}", markup=False)


def _origin(kind: registry.Kind, name: str) -> str:
    return registry.discover(kind).origins[name]


def _model_info(args: argparse.Namespace, known: list[str]) -> None:
    from harness.clip.load import model_info

    try:
        found = model_info(ModelSpec(name=args.name, pretrained=args.pretrained))
    except UserError as error:
        if ":" in args.name or args.pretrained:
            raise
        raise unknown_name("method, data set or model", args.name, known, str(error)) from None
    for key, value in found.items():
        print(f"{key}: {value}")


def doctor(args: argparse.Namespace) -> int:
    """``doctor``: check what runs depend on; exit 1 if something is wrong."""
    failed = 0
    for name, check in _checks():
        try:
            print(f"ok    {name}: {check()}")
        except Exception as error:  # whatever is wrong is what the user wants to see
            failed += 1
            print(f"FAIL  {name}: {one_line(error)}")
    return 1 if failed else 0


def _checks() -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", lambda: sys.version.split()[0]
    yield "torch", _torch
    yield "open_clip and torchvision", _open_clip
    for module in ("pandas", "matplotlib", "jinja2", "submitit"):
        yield module, lambda module=module: importlib.import_module(module).__version__  # type: ignore[misc]
    yield "plugins", _plugins
    yield "embedded data", _data
    yield "embedded model", _model
    yield "cache", _cache


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
