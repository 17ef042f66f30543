"""``check FILE|NAME ...``: run the conformance suite on plugins."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import registry
from harness.cli import options
from harness.errors import UserError, unknown_name
from harness.sweep.calls import parse_call

if TYPE_CHECKING:
    from harness.check.bench import Bench
    from harness.check.result import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `check`."""
    options.plugin(parser)
    parser.add_argument("plugins", nargs="+", metavar="FILE|NAME", help="...[param=value] to set")
    options.data_root(parser)
    parser.add_argument("--json", action="store_true", help="all results, for scripts")


def run(args: argparse.Namespace) -> int:
    """Print the results; 1 if something failed."""
    from harness.check import show
    from harness.check.bench import Bench

    bench = Bench()
    results: list[Result] = []
    targets = [(text, *_split(text)) for text in args.plugins]  # all files are known first
    for text, name, given in targets:
        if not args.json:
            print(text, flush=True)
        part: list[Result] = []
        for result in _quietly(_check_one(name, given, bench, args.data_root)):
            part.append(result)
            if not args.json:
                print("\n".join(show.lines(result)), flush=True)
        results += part
        if not args.json:
            print(f"  {show.summary(part)}")
    if args.json:
        print(show.as_json(results))
    return 1 if any(result.status == "FAIL" for result in results) else 0


def _quietly(results: Iterator[Result]) -> Iterator[Result]:
    """Yield what `results` yields; what plugins print meanwhile does not reach our output."""
    while True:
        with contextlib.redirect_stdout(sys.stderr):
            result = next(results, None)
        if result is None:
            return
        yield result


def _split(text: str) -> tuple[str, dict[str, Any]]:
    """Split ``FILE|NAME[param=value]`` and load the file."""
    bare, bracket, inside = text.partition("[")
    if not (bare.endswith(".py") or Path(bare).is_file()):
        return parse_call(text)
    if not Path(bare).is_file():
        raise UserError(f"check {bare}: no such file; give a plugin's file or its name")
    registry.add_plugin_file(bare)
    given = parse_call(f"file{bracket}{inside}")[1]
    return str(Path(bare).resolve()), given


def _check_one(
    name: str, given: dict[str, Any], bench: Bench, data_root: Path | None
) -> Iterator[Result]:
    from harness.check.data import check_dataset
    from harness.check.method import check_method
    from harness.check.result import Result

    methods, datasets = registry.discover("methods"), registry.discover("datasets")
    chosen = [key for key, origin in methods.origins.items() if name in (key, origin)]
    data = [key for key, origin in datasets.origins.items() if name in (key, origin)]
    broken = (methods.broken | datasets.broken).get(name, "")
    if broken or not (chosen or data):
        if not Path(name).is_absolute():
            known = {**methods.plugins, **datasets.plugins}
            raise unknown_name("method or data set", name, known)
        message = broken or (
            "define a class derived from harness.method.Method (or harness.dataset.Dataset)"
        )
        yield Result(name, "found", "FAIL", message, "the registry finds a plugin by its class")
    for key in chosen:
        yield Result(key, "found", "ok")
        yield from check_method(methods.plugins[key], bench, given)
    for key in data:
        yield Result(key, "found", "ok")
        yield from check_dataset(datasets.plugins[key], data_root, given)
