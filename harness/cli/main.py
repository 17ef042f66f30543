"""The command line: verbs and their options."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import __version__
from harness.cli import options
from harness.console.command_name import FROM_CHECKOUT, command_name, program
from harness.errors import UserError

EXAMPLES = """\
examples:
  python run_benchmark.py quickstart                    five methods x four domains x three seeds
  python run_benchmark.py run clipood[lr=1e-4] --target noto --seeds 0
  python run_benchmark.py run finetune coop --dataset folder --data-root ~/pictures --target all
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


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog=program(),
        description="Benchmark methods that adapt CLIP to data whose domain differs from training.",
        epilog=EXAMPLES.replace(FROM_CHECKOUT, command_name()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"clip-benchmark-harness {__version__}"
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--plugin", action="append", default=[], metavar="FILE", help="load a plugin file of yours"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    verbs.add_parser("list", parents=[common], help="methods, data sets, sweeps")
    info = verbs.add_parser(
        "info", parents=[common], help="a method's parameters, a data set's domains, a model"
    )
    info.add_argument("name", help="method, data set or model")
    info.add_argument("--data-root", type=Path)
    info.add_argument("--pretrained", default="")

    run = verbs.add_parser("run", parents=[common], help="run methods on held-out domains")
    options.what(run)
    options.where(run, "results/runs")
    run.add_argument(
        "--keep-weights", action="store_true", help="leave the tested weights in the store (maps)"
    )

    sweep = verbs.add_parser("sweep", help="run a sweep file, here or on a Slurm cluster")
    actions = sweep.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, text in (("plan", "print the runs and what is missing"), ("run", "run it here")):
        part = actions.add_parser(action, parents=[common], help=text)
        part.add_argument(
            "file", nargs="+", help="YAML file, or the name of one in sweeps/; several, one by one"
        )
        part.add_argument(
            "--records", action="append", type=Path, default=[], metavar="STORE",
            help="estimate lengths from this store's records, too",
        )  # fmt: skip
        options.where(part, None)
    options.cluster_actions(actions, common)

    data = verbs.add_parser("data", help="where to get data sets, verify and import them")
    options.data_actions(
        data.add_subparsers(dest="action", metavar="ACTION", required=True), common
    )

    report = verbs.add_parser("report", help="tables and figures from a store")
    from harness.cli.report import add_arguments

    add_arguments(report)

    board = verbs.add_parser("leaderboard", help="hand results on, check and take in others'")
    from harness.cli import leaderboard

    leaderboard.add_actions(board.add_subparsers(dest="action", metavar="ACTION", required=True))

    options.maps(
        verbs.add_parser("maps", parents=[common], help="where finished runs look, in pictures")
    )

    options.cost(
        verbs.add_parser(
            "cost", parents=[common], help="parameters, GFLOPs, time and memory of methods"
        )
    )

    verbs.add_parser("doctor", parents=[common], help="check this installation")

    new = verbs.add_parser("new-method", parents=[common], help="write a starting file")
    new.add_argument("name", help="of the method, e.g. my_method")
    new.add_argument("--dir", type=Path, help="where to (./methods, where it is found by itself)")

    check = verbs.add_parser(
        "check", parents=[common], help="try a plugin: what to change before others can trust it"
    )
    check.add_argument("plugins", nargs="+", metavar="FILE|NAME", help="...[param=value] to set")
    check.add_argument("--data-root", type=Path, help="where a data set's files are")
    check.add_argument("--json", action="store_true", help="all results, for scripts")

    quick = verbs.add_parser(
        "quickstart", parents=[common], help="five methods on the embedded data, table and figure"
    )
    quick.add_argument("--fast", action="store_true", help="one seed, few steps: under 2 minutes")
    options.where(quick, "results/quickstart")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb; return the exit status (0 done, 1 some runs failed, 2 user error, 130 Ctrl-C)."""
    args = build_parser().parse_args(argv)
    try:
        return _dispatch(args)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _dispatch(args: argparse.Namespace) -> int:
    if args.verb == "report":
        from harness.cli.report import run_report

        return run_report(args)
    if args.verb == "leaderboard":
        from harness.cli import leaderboard

        return {
            "submit": leaderboard.submit,
            "verify": leaderboard.verify,
            "merge": leaderboard.merge,
        }[args.action](args)
    if args.verb == "sweep" and args.action in ("status", "logs", "cancel"):
        # From any shell, at once: no plugin is loaded and no torch.
        from harness.cli import cluster

        return {"status": cluster.status, "logs": cluster.logs, "cancel": cluster.cancel}[
            args.action
        ](args)
    from harness import registry
    from harness.cli import author, cluster, cost, data, look, prepare, work

    registry.add_own_plugins()
    for path in args.plugin:
        registry.add_plugin_file(path)
    if args.verb == "maps":  # torch and the models: not for the verbs that do without
        from harness.cli.maps import maps

        return maps(args)
    verb = f"{args.verb}_{args.action}" if args.verb in ("sweep", "data") else args.verb
    handlers = {
        "list": look.list_all,
        "info": look.info,
        "run": work.run,
        "sweep_plan": work.sweep_plan,
        "sweep_run": work.sweep_run,
        "sweep_submit": cluster.submit,
        "sweep_retry": cluster.retry,
        "sweep_prepare": prepare.prepare,
        "data_list": data.list_all,
        "data_info": data.info,
        "data_verify": data.verify,
        "data_import": data.import_files,
        "cost": cost.cost,
        "doctor": look.doctor,
        "quickstart": work.quickstart,
        "new-method": author.new_method,
        "check": author.check,
    }
    return handlers[verb](args)
