"""``evaluate MODEL``: weights that were trained elsewhere, on every test set of a protocol.

An evaluation is a run of the method that tests a model as it came. Its model says `elsewhere`, by
which tables keep it apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import options
from harness.cli import run as run_verb
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.dataset import Dataset
    from harness.specs import ModelSpec, RunSpec
    from harness.store.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate`."""
    options.plugin(parser)
    group = parser.add_argument_group("what")
    group.add_argument(
        "weights",
        metavar="MODEL",
        help="a folder of open_clip's, of transformers' or that `export` wrote; hf-hub:OWNER/NAME; "
        "or with --architecture a checkpoint file or a tag of open_clip's",
    )
    group.add_argument(
        "--architecture",
        metavar="NAME",
        help="of a file or tag: open_clip's name, or local-dir:DIR",
    )
    group.add_argument(
        "--base",
        default="",
        metavar="TAG",
        help="of a file with an image tower alone (CLIPood, WiSE-FT): the tag or file of the "
        "weights it was trained from, whose text tower completes it",
    )
    options.preprocess(group)
    group.add_argument("--name", metavar="LABEL", help="what tables call it (the file's name)")
    options.numerics(group)
    run_verb.asked(group)
    run_verb.where(parser)


def run(args: argparse.Namespace) -> int:
    """Test what is missing here and print the scores; 1 if something failed."""
    from harness import registry
    from harness.cli.running import carry_out, prepare
    from harness.console.notes import note
    from harness.specs import ELSEWHERE
    from harness.store.store import Store
    from harness.sweep import plan

    model, store = _model(args), Store(args.store)
    methods = registry.discover("methods").plugins.items()
    method = next(name for name, cls in methods if cls.as_it_came)
    label = Path(args.weights).name if args.name is None else args.name
    if not label.isprintable():
        raise UserError(f"--name {label!r}: give a name of visible letters")
    specs = run_verb.specs_of(args, [plan.resolve_method(method, {}, label=label)], model)
    if not all(store.has(spec.id) for spec in specs):
        _check(specs[0].model, plan.open_dataset(specs[0].dataset, args.data_root))
    status = carry_out(prepare(specs, args, args.store))
    if args.name is not None:
        _say_other_name(specs, store)
    if not args.dry_run:
        _say(specs, store)
        note(ELSEWHERE)
    return status


def _model(args: argparse.Namespace) -> ModelSpec:
    from harness.clip import checkpoint, names
    from harness.specs import ModelSpec

    place = Path(args.weights).expanduser()
    given = {
        "preprocess": args.preprocess,
        "precision": args.precision,
        "compile": args.compile,
        "channels_last": args.channels_last,
        "elsewhere": True,
    }
    if args.architecture is not None:
        if place.is_dir():
            raise UserError(f"{args.weights}: a folder says its architecture; leave it out")
        file, base = (
            str(Path(p).expanduser().resolve()) if Path(p).expanduser().is_file() else p
            for p in (args.weights, args.base)
        )
        return ModelSpec(name=args.architecture, pretrained=file, base=base, **given)
    if args.base:
        raise UserError(f"--base {args.base}: completes a file; give its --architecture")
    if place.is_dir():
        return ModelSpec(name=f"local-dir:{place.resolve()}", **given)
    if place.is_file():
        fit = checkpoint.fitting(checkpoint.shapes(checkpoint.read(place).state))
        which = f" {' or '.join(fit)}, which have its shapes" if fit else " its name"
        raise UserError(
            f"{args.weights}: a file does not say its model; give --architecture{which}"
        )
    if not names.has_schema(names.resolve(args.weights)):
        raise UserError(
            f"{args.weights}: no such file or folder; give one, or hf-hub:OWNER/NAME, or a tag of "
            "open_clip's with --architecture"
        )
    return ModelSpec(name=args.weights, **given)


def _check(model: ModelSpec, opened: Dataset) -> None:
    """Load the weights once here, where what is wrong with them is one line and no failed run."""
    from harness.clip.load import load_backbone

    backbone = load_backbone(model)
    if backbone.learned is not None:
        backbone.learned.of(opened.class_names)


def _say_other_name(specs: list[RunSpec], store: Store) -> None:
    """Say what tables call weights that were tested before under another name."""
    from harness.console.notes import warn

    names = {store.read(spec.id).spec.label for spec in specs if store.has(spec.id)}
    for name in sorted(names - {specs[0].label}):
        warn(
            f"--name {specs[0].label}: these weights were tested before as '{name}', which tables "
            "go on to say, for a record never changes; give another --store for another name"
        )


def _say(specs: list[RunSpec], store: Store) -> None:
    for spec in specs:
        if store.has(spec.id):
            for name, score in store.read(spec.id).metrics.tests.items():
                test = "" if name == "target" else f" {name}"
                share = f"{100 * score.accuracy:.1f} % ({score.correct} of {score.n})"
                print(f"{spec.title()}{test}: {share}")
