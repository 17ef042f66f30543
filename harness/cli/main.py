"""The verbs, and how one is called: its module is imported when it is asked for, and no other.

A verb's module has ``add_arguments(parser)`` and ``run(args)``, which returns the exit status: 0
done, 1 something failed, 2 a user's mistake, 130 Ctrl-C. It imports what is heavy inside ``run``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.cli.parser import Parser
from harness.command_name import FROM_CHECKOUT, command_name, program
from harness.console import notes
from harness.console.output import print_anywhere
from harness.errors import UserError
from harness.store.secrets import redacted
from harness.version import __version__

EXAMPLES = """\
examples:
  python run_benchmark.py quickstart                    five methods x four domains x three seeds
  python run_benchmark.py run clipood[lr=1e-4] --target noto --seeds 0
  python run_benchmark.py run finetune coop --dataset folder --data-root ~/pictures --target all
  python run_benchmark.py evaluate best.pt --architecture ViT-B-16 --dataset PACS --data-root ~/data
  python run_benchmark.py data verify PACS --data-root ~/data
  python run_benchmark.py sweep plan quickstart
  python run_benchmark.py sweep run quickstart --store results/mine
  python run_benchmark.py sweep submit quickstart --cluster academic --dry-run
  python run_benchmark.py sweep status quickstart --watch
  python run_benchmark.py report --store results/mine
  python run_benchmark.py maps --store results/emoji-maps
  python run_benchmark.py leaderboard submit --store results/mine --out mine.tar.gz
  python run_benchmark.py new-method my_method
  python run_benchmark.py check methods/my_method.py
  python run_benchmark.py cost --model ViT-B-16 --random-weights --batch 8
"""


@dataclass(frozen=True)
class Verb:
    """One verb: what `--help` says of it, and its module in this package."""

    help: str
    module: str


@dataclass(frozen=True)
class Family:
    """A verb that has verbs of its own."""

    help: str
    verbs: Mapping[str, Verb]


VERBS: Mapping[str, Verb | Family] = {
    "list": Verb("methods, data sets, sweeps", "listing"),
    "info": Verb("a method's parameters, a data set's domains, a model", "info"),
    "run": Verb("run methods on held-out domains", "run"),
    "evaluate": Verb("test weights that were trained elsewhere", "evaluate"),
    "sweep": Family(
        "run a sweep file, here or on a Slurm cluster",
        {
            "plan": Verb("print the runs and what is missing", "sweep.plan"),
            "power": Verb("how many seeds to run, from a pilot's store", "sweep.power"),
            "run": Verb("run it here", "sweep.run"),
            "submit": Verb("give what is missing to Slurm", "sweep.submit"),
            "retry": Verb("submit failed and lost runs again", "sweep.retry"),
            "status": Verb("where every run is, and why", "sweep.status"),
            "logs": Verb("a run's log", "sweep.logs"),
            "cancel": Verb("cancel what waits or runs", "sweep.cancel"),
            "prepare": Verb(
                "on the login node: fetch weights, verify the data; compute nodes are offline",
                "sweep.prepare",
            ),
        },
    ),
    "data": Family(
        "where to get data sets, verify, import and split them",
        {
            "list": Verb("all data sets and their sizes", "data.listing"),
            "info": Verb("where to get it, and how its folder must look", "data.info"),
            "verify": Verb("what is missing, wrong or extra (exit 0 or 1)", "data.verify"),
            "split": Verb("write a protocol's split, for others to read", "data.split"),
            "import": Verb("make the folder from Hugging Face parquet files", "data.importing"),
        },
    ),
    "report": Verb("tables and figures from a store", "report"),
    "leaderboard": Family(
        "hand results on, check and take in others'",
        {
            "submit": Verb(
                "write one archive of a store's results, to hand on", "leaderboard.submit"
            ),
            "verify": Verb("what is wrong with archives (exit 0 or 1)", "leaderboard.verify"),
            "merge": Verb("add what is new in archives to a store", "leaderboard.merge"),
            "site": Verb("a static site from stores", "leaderboard.site"),
        },
    ),
    "export": Verb("a finished run as a folder that open_clip or transformers loads", "export"),
    "export-results": Verb("records and predictions as Parquet", "export_results"),
    "maps": Verb("where finished runs look, in pictures", "maps"),
    "bench": Verb("how fast the harness is on this machine", "bench"),
    "cost": Verb("parameters, GFLOPs, time and memory of methods", "cost"),
    "doctor": Verb("check this installation", "doctor"),
    "new-method": Verb("write a starting file", "new_method"),
    "check": Verb("try a plugin: what to change before others can trust it", "check"),
    "completion": Verb("print a shell's completion", "completion"),
    "quickstart": Verb("five methods on the embedded data, table and figure", "quickstart"),
}


def build_parser(argv: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """Return the parser, with the options of the verb that `argv` asks for.

    Args:
        argv: The command line; None builds the options of every verb.
    """
    parser = Parser(
        prog=program(),
        description="Benchmark methods that adapt CLIP to data whose domain differs from training.",
        epilog=EXAMPLES.replace(FROM_CHECKOUT, command_name()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"clip-benchmark-harness {__version__}"
    )
    words = None if argv is None else [word for word in argv if not word.startswith("-")][:2]
    _add(parser, VERBS, "VERB", words)
    return parser


def _add(
    parser: argparse.ArgumentParser,
    verbs: Mapping[str, Verb | Family],
    metavar: str,
    words: Sequence[str] | None,
) -> None:
    actions = parser.add_subparsers(metavar=metavar, required=True)
    for name, verb in verbs.items():
        own = actions.add_parser(name, help=verb.help)
        if words is not None and name not in words[:1]:
            continue
        if isinstance(verb, Family):
            _add(own, verb.verbs, "ACTION", words if words is None else words[1:])
        else:
            module = importlib.import_module(f"harness.cli.{verb.module}")
            module.add_arguments(own)
            _add_verbosity(own)
            own.set_defaults(handler=module.run)


def _add_verbosity(parser: argparse.ArgumentParser) -> None:
    """Add ``-q`` and ``-v``, which every verb has."""
    group = parser.add_mutually_exclusive_group()
    for flags, level, help in (
        (("-q", "--quiet"), -1, "print only results and what went wrong"),
        (("-v", "--verbose"), 1, "print the traceback of what went wrong, too"),
    ):
        group.add_argument(
            *flags, dest="level", action="store_const", const=level, default=0, help=help
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb; return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        args = parsed(argv)
        add_plugins(args)
        status: int = args.handler(args)
        sys.stdout.flush()  # a reader that has gone is noticed here, not at the interpreter's end
        return status
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (UserError, OSError) as error:
        said = refusal(error)
        if notes.verbose():
            print(redacted(traceback.format_exc()), file=sys.stderr)
        print(f"error: {_on_a_line(redacted(said))}", file=sys.stderr)
        return 2


def refusal(error: UserError | OSError) -> str:
    """Return what is said of a user's mistake, such as a path that no system takes.

    Raises:
        OSError: If it is of no path, and so none of the user's.
    """
    if isinstance(error, UserError):
        return str(error)
    if error.filename is None:
        raise error
    return f"{os.fsdecode(error.filename)}: {error.strerror}; give another path"


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options, `argv` among them, and be as quiet as they ask."""
    print_anywhere()
    args = build_parser(argv).parse_args(argv)
    args.argv = list(argv)
    notes.set_level(args.level)
    return args


def add_plugins(args: argparse.Namespace) -> None:
    """Register the user's plugin files.

    Raises:
        UserError: If one is not there.
    """
    if hasattr(args, "plugin"):  # a verb that does without plugins does without torch, too
        from harness import registry

        registry.add_own_plugins()
        for path in args.plugin:
            registry.add_plugin_file(path)


def _on_a_line(text: str) -> str:
    """Spell what a terminal would act on: names and values come from files of anybody's."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
