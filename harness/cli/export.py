"""``export RUN --out DIR``: a finished run as a folder that open_clip, or transformers, loads."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import options
from harness.console.notes import note
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.export.folder import Exported

FORMATS = ("open_clip", "transformers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `export`."""
    options.plugin(parser)
    parser.add_argument(
        "run",
        metavar="RUN",
        help="a run's id or its first digits; or a folder of transformers' to convert",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder")
    parser.add_argument(
        "--format", default="open_clip", choices=FORMATS, help="whose layout (%(default)s)"
    )
    parser.add_argument("--push-to-hub", metavar="OWNER/NAME", help="upload the folder, too")
    options.store(parser, "all in results/")
    options.data_root(parser)
    options.cache_dir(parser)


def run(args: argparse.Namespace) -> int:
    """Write the folder, upload it if asked."""
    from harness.console.output import writing
    from harness.export import folder, hub

    if args.out.is_dir() and any(args.out.iterdir()):
        raise UserError(f"--out {args.out}: is not empty; give a new folder")
    source = Path(args.run)
    if (source / "config.json").is_file():
        exported = folder.from_transformers_folder(source)
    else:
        exported = _of_run(args)
    with writing(args.out):
        exported.write(args.out)
    note(f"{args.out}: {', '.join(exported.files)}")
    if args.push_to_hub:
        note(hub.push(args.out, args.push_to_hub))
    return 0


def _of_run(args: argparse.Namespace) -> Exported:
    from harness.execution.place import place
    from harness.execution.run import Shared, rebuild
    from harness.export import folder
    from harness.store.store import Store

    store, run_id = _found(args)
    record = Store(store).read(run_id)
    shared = Shared(place(store, args.data_root, args.cache_dir, "cpu", workers=1)[0])
    built = rebuild(record.spec, shared)
    bank = shared.bank(record.spec)
    exported = folder.open_clip_folder(record, built, bank.backbone, bank.dataset.prompts)
    if args.format == "transformers":
        return folder.transformers_folder(exported, built.backbone)
    return exported


def _found(args: argparse.Namespace) -> tuple[Path, str]:
    roots = [args.store] if args.store else [p.parent for p in Path("results").glob("*/runs")]
    found = [
        (root, folder.name)
        for root in roots
        for folder in _runs(root)
        if folder.name.startswith(args.run) and (folder / "record.json").is_file()
    ]
    if len(found) == 1:
        return found[0]
    where = ", ".join(map(str, roots)) or "results/"
    if found:
        raise UserError(f"run {args.run}: {len(found)} in {where} begin so; give more digits")
    raise UserError(
        f"run {args.run}: neither a finished run in {where} nor a folder with a config.json; "
        "`sweep status --json` has the ids"
    )


def _runs(root: Path) -> list[Path]:
    return sorted((root / "runs").iterdir()) if (root / "runs").is_dir() else []
