"""``cost``: what methods cost on one backbone, measured in one call."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from harness import registry
from harness.cli import options
from harness.clip import names
from harness.clip.attention import Branch
from harness.clip.backbone import Backbone
from harness.clip.load import check_architecture
from harness.console.notes import warn
from harness.console.output import table_console, writing
from harness.console.rounds import CostProgress
from harness.console.terminal import Terminal
from harness.cost import table
from harness.cost.attention import attention_products
from harness.cost.measure import Measurement
from harness.cost.record import Candidate, CostReport, CostSetting
from harness.cost.subject import Subject, prepare_backbone
from harness.errors import UserError, unknown_name
from harness.execution.place import resolve_device
from harness.specs import ModelSpec
from harness.store import provenance
from harness.store.files import write_atomically
from harness.store.timestamps import now
from harness.sweep import plan
from harness.sweep.calls import parse_call
from harness.sweep.plan import MethodChoice
from harness.validation import validated

FORMATS = ("term", "md", "csv", "tex")
_WRITERS: dict[str, Callable[[CostReport], str]] = {
    "md": table.to_markdown,
    "csv": table.to_csv,
    "tex": table.to_latex,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `cost`."""
    options.plugin(parser)
    parser.add_argument(
        "methods",
        nargs="*",
        metavar="METHOD",
        help="name or name[param=value,...] (all methods, with every form of the branch)",
    )
    options.model(parser)
    parser.add_argument(
        "--random-weights",
        action="store_true",
        help="the architecture alone, without a download: cost does not depend on the weights",
    )
    options.precision(parser)
    parser.add_argument("--classes", type=options.count, default=65, help="how many (%(default)s)")
    parser.add_argument(
        "--batch", type=options.count, default=36, help="images in a step (%(default)s)"
    )
    parser.add_argument(
        "--rounds", type=options.count, default=5, help="over all methods (%(default)s)"
    )
    parser.add_argument(
        "--reference",
        metavar="METHOD",
        help="what ratios refer to (the trained method that others are compared with)",
    )
    parser.add_argument(
        "--device", type=options.device_name, default="auto", help="cpu, cuda, cuda:1 (%(default)s)"
    )
    parser.add_argument(
        "--threads", type=options.count, help="threads of torch (its own choice: all cores)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("results/cost"), help="where files go (%(default)s)"
    )
    parser.add_argument(
        "--format",
        default="term,md,csv,tex",
        metavar="A,B",
        help="some of %(default)s; cost.json is always written",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be measured")


def run(args: argparse.Namespace) -> int:
    """Measure, print, write; 130 if interrupted."""
    formats = [part.strip() for part in args.format.split(",") if part.strip()]
    for name in formats:
        if name not in FORMATS:
            raise unknown_name("format", name, FORMATS)
    candidates = _candidates(args.methods)
    reference = _reference(args.reference, candidates)
    setting = _setting(args)
    if args.dry_run:
        _print_plan(candidates, setting, args.rounds, reference, args.out)
        return 0
    backbone = prepare_backbone(setting)
    candidates = _fitting(candidates, setting, backbone, strict=bool(args.methods))
    reference = _reference(args.reference, candidates)
    report = _measure(candidates, setting, backbone, args.rounds, reference)
    _write(report, args.out, formats)
    return 130 if report.stopped else 0


def _candidates(texts: Sequence[str]) -> list[Candidate]:
    """Return the methods asked for; without any, all there are, with every form of the branch."""
    if texts:
        choices = [plan.resolve_method(*parse_call(text)) for text in texts]
    else:
        choices = [choice for name in _all_methods() for choice in _with_branches(name)]
    found = {c.label: Candidate(label=c.label, method=c.name, config=c.config) for c in choices}
    return list(found.values())


def _all_methods() -> list[str]:
    plugins = registry.discover("methods").plugins
    return sorted(plugins, key=lambda name: (registry.method_class(name).trains, name))


def _with_branches(name: str) -> list[MethodChoice]:
    field = registry.method_class(name).Config.model_fields.get("branch")
    forms = get_args(Branch)
    if field is None or get_args(field.annotation) != forms:
        return [plan.resolve_method(name, {})]
    return [plan.resolve_method(name, {"branch": form}) for form in forms]


def _reference(asked: str | None, candidates: Sequence[Candidate]) -> str:
    if asked:
        for candidate in candidates:
            if asked in (candidate.label, candidate.method):
                return candidate.label
        raise unknown_name("reference", asked, [c.label for c in candidates])
    trained = [c for c in candidates if registry.method_class(c.method).trains]
    return max(trained or candidates, key=lambda c: registry.method_class(c.method).reference).label


def _setting(args: argparse.Namespace) -> CostSetting:
    import torch

    model = ModelSpec(
        name=args.model,
        pretrained=args.pretrained,
        preprocess=args.preprocess,
        precision=args.precision,
    )
    if args.random_weights:
        check_architecture(model)
    else:
        try:
            names.check(model)
        except UserError as error:
            if args.pretrained or names.has_schema(names.resolve(model.name)):
                raise
            raise UserError(f"{error}; or --random-weights, which cost the same") from None
    values = {
        "model": model,
        "random_weights": args.random_weights,
        "classes": args.classes,
        "batch": args.batch,
        "device": resolve_device(args.device),
        "threads": torch.get_num_threads() if args.threads is None else args.threads,
        "plugins": tuple(registry.plugin_files()),
    }
    setting: CostSetting = validated(CostSetting, values, "cost")
    return setting


def _print_plan(
    candidates: Sequence[Candidate], setting: CostSetting, rounds: int, reference: str, out: Path
) -> None:
    console = Terminal()
    for candidate in candidates:
        mark = " (reference)" if candidate.label == reference else ""
        console.print(f"{candidate.label}{mark}", markup=False, soft_wrap=True)
    memory = "" if setting.device.startswith("cuda") else ", then a fresh process each for memory"
    console.print(
        f"{len(candidates)} methods on {setting.model.title()} "
        f"({'random weights, ' if setting.random_weights else ''}batch {setting.batch}, "
        f"{setting.classes} classes, {setting.device}, {setting.threads} threads): "
        f"{rounds} rounds{memory}; files in {out}",
        markup=False,
        soft_wrap=True,
    )


def _fitting(
    candidates: Sequence[Candidate], setting: CostSetting, backbone: Backbone, strict: bool
) -> list[Candidate]:
    """Return the methods that this backbone can have; one that was asked for must be among them."""
    fitting = []
    for candidate in candidates:
        try:
            _ = Subject(candidate, setting, backbone)
        except UserError as error:
            if strict:
                raise
            warn(f"left out: {candidate.label}: {error}")
        else:
            fitting.append(candidate)
    return fitting


def _measure(
    candidates: Sequence[Candidate],
    setting: CostSetting,
    backbone: Backbone,
    rounds: int,
    reference: str,
) -> CostReport:
    started = now()
    attention = attention_products(backbone, setting.batch, rounds)
    cuda = setting.device.startswith("cuda")
    with CostProgress([c.label for c in candidates], rounds, memory=not cuda) as progress:
        measurement = Measurement(candidates, setting, backbone, progress)
        finished = measurement.measure(rounds)
    quick = any(type(m).__name__ == "QuickGELU" for m in backbone.model.modules())
    return CostReport(
        setting=setting,
        reference=reference,
        rounds=measurement.rounds,
        rows=tuple(measurement.rows[c.label] for c in candidates),
        attention=attention,
        activation="QuickGELU" if quick else "GELU",
        stopped=not finished,
        started=started,
        command=sys.argv,
        device_name=provenance.device_name(setting.device),
        host=provenance.host(),
        git=provenance.git_state(),
        versions=provenance.versions(),
    )


def _write(report: CostReport, out: Path, formats: Sequence[str]) -> None:
    if "term" in formats:
        console = table_console()
        for part in table.to_terminal(report):
            console.print(part)
    files = {"cost.json": report.model_dump_json(indent=1) + "\n"}
    files |= {f"cost.{kind}": _WRITERS[kind](report) for kind in formats if kind in _WRITERS}
    for name, text in files.items():
        with writing(out / name):
            write_atomically(out / name, text.encode())
        print(out / name)
