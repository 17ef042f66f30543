"""``new-method NAME``: write a commented starting file and say what to do next."""

from __future__ import annotations

import argparse
import keyword
import re
from pathlib import Path
from string import Template

from harness import registry, resources
from harness.cli import options
from harness.command_name import command_name
from harness.console.output import writing
from harness.errors import UserError
from harness.store.files import write_atomically


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `new-method`."""
    options.plugin(parser)
    parser.add_argument("name", help="name of the method, e.g. my_method")
    parser.add_argument(
        "--dir", type=Path, help="folder of the file (./methods, where it is found by itself)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    name, folder = args.name, args.dir
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(
            f"new-method {name}: a name is lower-case letters, digits and underscores, begins "
            "with a letter, and is no Python keyword, e.g. my_method"
        )
    for kind in ("methods", "datasets"):
        found = registry.discover(kind)
        if name in found.plugins:
            raise UserError(f"new-method {name}: taken by {found.origins[name]}; choose another")
    file = (folder or resources.new_plugins("methods")) / f"{name}.py"
    title = "".join(part.capitalize() for part in name.split("_"))
    template = Template(resources.template("method.py.txt").read_text(encoding="utf-8"))
    text = template.substitute(name=name, title=title)
    if file.exists():
        raise UserError(f"{file} exists; choose another name or --dir, or delete it")
    with writing(file, "--dir"):
        write_atomically(file, text.encode())
    if file.is_absolute() and file.is_relative_to(Path.cwd()):
        file = file.relative_to(Path.cwd())
    plugin = f" --plugin {file}" if folder else ""
    call = command_name()
    print(f"written: {file}\n\nIt trains as it stands. Edit losses(), then:")
    print(f"  {call} check {file}")
    print(f"  {call} run zero_shot {name}[steps=60,lr=1e-4]{plugin} --target noto")
    print(f"  {call} report --store results/runs")
    print(f"{resources.guide('add-a-method')} says what there is to override.")
    return 0
