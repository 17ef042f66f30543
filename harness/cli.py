"""The command line: verbs and their options."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import UserError

EXAMPLES = """\
examples:
  python run_benchmark.py quickstart                    five methods x four domains x three seeds
  python run_benchmark.py run clipood[lr=1e-4] --target noto --seeds 0
  python run_benchmark.py run finetune coop --dataset folder --data-root ~/pictures --target all
  python run_benchmark.py data verify PACS --data-root ~/data
  python run_benchmark.py sweep plan sweeps/quickstart.yaml
  python run_benchmark.py sweep run sweeps/quickstart.yaml --store results/mine
  python run_benchmark.py sweep submit sweeps/quickstart.yaml --cluster academic --dry-run
  python run_benchmark.py sweep status quickstart --watch
  python run_benchmark.py report --store results/mine
  python run_benchmark.py maps --store results/emoji-maps
  python run_benchmark.py new-method my_method
  python run_benchmark.py check methods/my_method.py
  python run_benchmark.py cost --model ViT-B-16 --random-weights --batch 8
"""


def _where(parser: argparse.ArgumentParser, store: str | None) -> None:
    """Add the options that say where runs happen; none of them changes a run's identity."""
    group = parser.add_argument_group("where (does not change a run's identity)")
    shown = store or "results/<the sweep's name>"
    group.add_argument("--store", type=Path, default=store, help=f"results ({shown})")
    group.add_argument("--data-root", type=Path, help="where the data set's files are")
    group.add_argument("--cache-dir", type=Path, help="frozen features (~/.cache/...)")
    group.add_argument(
        "--workers", type=int, help="processes at a time (one per core, or one per GPU)"
    )
    group.add_argument("--threads", type=int, default=1, help="of torch per worker (%(default)s)")
    group.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 (%(default)s)")
    group.add_argument("--fail-fast", action="store_true", help="stop at the first failure")
    group.add_argument(
        "--dry-run", action="store_true", help="say what would run, and what is done already"
    )
    group.add_argument("--limit", type=int, help="run only the first N that are missing")


def _what(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run` that make the spec."""
    group = parser.add_argument_group("what")
    group.add_argument("methods", nargs="+", metavar="METHOD", help="name or name[param=value,...]")
    group.add_argument("--model", default="tiny-emoji", help="open_clip name (%(default)s)")
    group.add_argument("--pretrained", default="", help="open_clip tag or checkpoint file")
    group.add_argument("--precision", default="fp32", choices=["fp32", "bf16", "fp16"])
    group.add_argument("--dataset", default="emoji", help="see `list` (%(default)s)")
    group.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="of the data set"
    )
    group.add_argument("--target", default="all", help="held-out domains, a,b or all (%(default)s)")
    group.add_argument("--seeds", default="0", help="0,1,2 or 0-2 (%(default)s)")
    group.add_argument("--data-seed", type=int, help="fix the splits (default: the run's seed)")
    group.add_argument("--selection", default="own", choices=["own", "last", "averaged", "best"])
    group.add_argument(
        "--protocol", default="domain_shift", metavar="NAME",
        help="domain_shift, distribution_shift, open_class, domain_and_class (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--protocol-preset", choices=["original"], help="as AlignCLIP's released code does it"
    )
    group.add_argument(
        "--shots", type=int, help="training images a class (16 for open_class and "
        "distribution_shift, else 0: all)",
    )  # fmt: skip
    group.add_argument("--source", help="distribution_shift: the domain that trains")
    group.add_argument(
        "--test-on", choices=["all", "in", "out"], help="part of the target domain (all)"
    )
    group.add_argument(
        "--disjoint-groups",
        action="store_true",
        help="train on half of the pictured things, test on the other half (emoji)",
    )


def _cluster_actions(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the actions of `sweep` that deal with Slurm."""
    store = argparse.ArgumentParser(add_help=False)
    store.add_argument("--store", type=Path, help="results (results/<the sweep's name>)")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-root", type=Path, help="where the data set's files are")
    shared.add_argument("--cache-dir", type=Path, help="frozen features (~/.cache/...); shared")
    jobs = argparse.ArgumentParser(add_help=False)
    jobs.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="change the cluster file: timeout_min=60, slurm_partition=gpu, alignclip.mem_gb=48",
    )  # fmt: skip
    jobs.add_argument("--runs-per-job", type=int, help="runs in a job (by their estimated length)")
    jobs.add_argument("--limit", type=int, help="submit only the first N runs")
    jobs.add_argument(
        "--records", action="append", type=Path, default=[], metavar="STORE",
        help="estimate lengths from this store's records, too",
    )  # fmt: skip
    jobs.add_argument(
        "--dry-run", action="store_true", help="print arrays, resources, scripts and GPU hours"
    )
    a = actions.add_parser(
        "submit", parents=[common, store, shared, jobs], help="give what is missing to Slurm"
    )
    a.add_argument("file", help="YAML file, or the name of one in sweeps/")
    a.add_argument(
        "--cluster", required=True, metavar="FILE|NAME", help="YAML file, or one in clusters/"
    )
    a = actions.add_parser(
        "retry", parents=[common, store, shared, jobs], help="submit failed and lost runs again"
    )
    a.add_argument("sweep", nargs="?", help="the sweep's file or name")
    a.add_argument("--failed", action="store_true", help="only those that failed")
    a.add_argument("--lost", action="store_true", help="only those whose job is gone")
    a.add_argument("--cluster", metavar="FILE|NAME", help="as the last submission if not given")
    a = actions.add_parser("status", parents=[store], help="where every run is, and why")
    a.add_argument("sweep", nargs="?", help="the sweep's file or name")
    a.add_argument("--watch", nargs="?", type=float, const=10.0, metavar="SECONDS",
                   help="refresh until nothing is left (%(const)s)")  # fmt: skip
    a.add_argument("--all", action="store_true", help="a row for every domain")
    a.add_argument("--json", action="store_true", help="a list of all runs, for scripts")
    a = actions.add_parser("logs", parents=[store], help="a run's log")
    a.add_argument("run", metavar="RUN", help="its id, or the first digits")
    a.add_argument("--job", action="store_true", help="what Slurm and submitit wrote, too")
    a = actions.add_parser("cancel", parents=[store], help="cancel what waits or runs")
    a.add_argument("sweep", nargs="?", help="the sweep's file or name")
    a = actions.add_parser(
        "prepare", parents=[common, store, shared],
        help="on the login node: fetch weights, verify the data; compute nodes are offline",
    )  # fmt: skip
    a.add_argument("file", help="YAML file, or the name of one in sweeps/")


def _data_actions(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the actions of `data`."""
    root = argparse.ArgumentParser(add_help=False)
    root.add_argument("--data-root", type=Path, help="the folder that holds the data sets")
    json = argparse.ArgumentParser(add_help=False)
    json.add_argument("--json", action="store_true", help="for scripts")
    actions.add_parser("list", parents=[common, json], help="all data sets and their sizes")
    a = actions.add_parser(
        "info", parents=[common, root], help="where to get it, and how its folder must look"
    )
    a.add_argument("name", help="data set")
    a = actions.add_parser(
        "verify", parents=[common, root, json], help="what is missing, wrong or extra (exit 0 or 1)"
    )
    a.add_argument("name", help="data set")
    a.add_argument("--decode", action="store_true", help="decode every image, not some headers")
    a = actions.add_parser(
        "import", parents=[common, root], help="make the folder from Hugging Face parquet files"
    )
    a.add_argument("name", help="data set")
    a.add_argument("--parquet", nargs="+", type=Path, required=True, metavar="FILE")
    for column in ("image", "label", "domain"):
        a.add_argument(f"--{column}-column", default=column, help="its name (%(default)s)")
    a.add_argument("--classes", type=Path, metavar="FILE", help="names of labels 0, 1, ...")
    a.add_argument("--domain", default="", help="of all rows, if there is no column for it")


def _maps(parser: argparse.ArgumentParser) -> None:
    """Add the options of `maps`."""
    parser.add_argument(
        "--store", type=Path, default=Path("results/emoji-maps"),
        help="results, of runs with weights (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--sweep", help="only the runs of this sweep, under its names")
    parser.add_argument("--target", help="only this held-out domain")
    parser.add_argument(
        "--row", action="append", default=[], metavar="NAME", help="only this row (repeatable)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the pictures (%(default)s)")
    parser.add_argument(
        "--images", default="6", metavar="N|KEYS",
        help="in a picture: the first of N evenly spread classes, or keys a,b (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--layers", type=int, metavar="K", help="of the means over blocks (5, at most half)"
    )
    parser.add_argument("--out", type=Path, help="where files go (<store>/maps)")
    parser.add_argument("--data-root", type=Path, help="where the data set's files are")
    parser.add_argument("--cache-dir", type=Path, help="frozen features (~/.cache/...)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (%(default)s)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 (%(default)s)")
    group = parser.add_argument_group("class matrix alone (no store is read)")
    group.add_argument(
        "--similarity", action="store_true", help="only the matrix of a model and a data set"
    )
    group.add_argument("--model", default="tiny-emoji", help="open_clip name (%(default)s)")
    group.add_argument("--pretrained", default="", help="open_clip tag or checkpoint file")
    group.add_argument("--dataset", default="emoji", help="see `list` (%(default)s)")
    group.add_argument("--kappa", type=float, help="of the smoothing distribution (as run, or 35)")
    parser.set_defaults(workers=1)


def _cost(parser: argparse.ArgumentParser) -> None:
    """Add the options of `cost`."""
    parser.add_argument(
        "methods", nargs="*", metavar="METHOD",
        help="name or name[param=value,...] (all methods, with every form of the branch)",
    )  # fmt: skip
    parser.add_argument("--model", default="tiny-emoji", help="open_clip name (%(default)s)")
    parser.add_argument("--pretrained", default="", help="open_clip tag or checkpoint file")
    parser.add_argument(
        "--random-weights", action="store_true",
        help="the architecture alone, without a download: cost does not depend on the weights",
    )  # fmt: skip
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16", "fp16"])
    parser.add_argument("--classes", type=int, default=65, help="how many (%(default)s)")
    parser.add_argument("--batch", type=int, default=36, help="images in a step (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="over all methods (%(default)s)")
    parser.add_argument("--reference", metavar="METHOD", help="what ratios refer to (clipood)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 (%(default)s)")
    parser.add_argument("--threads", type=int, help="of torch (its own choice: all cores)")
    parser.add_argument(
        "--out", type=Path, default=Path("results/cost"), help="where files go (%(default)s)"
    )
    parser.add_argument(
        "--format", default="term,md,csv,tex", metavar="A,B",
        help="some of %(default)s; cost.json is always written",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="say what would be measured")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="run_benchmark.py",
        description="Benchmark methods that adapt CLIP to data whose domain differs from training.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
    _what(run)
    _where(run, "results/runs")
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
        _where(part, None)
    _cluster_actions(actions, common)

    data = verbs.add_parser("data", help="where to get data sets, verify and import them")
    _data_actions(data.add_subparsers(dest="action", metavar="ACTION", required=True), common)

    report = verbs.add_parser("report", help="tables and figures from a store")
    from harness.report.command import add_arguments

    add_arguments(report)

    _maps(verbs.add_parser("maps", parents=[common], help="where finished runs look, in pictures"))

    _cost(
        verbs.add_parser(
            "cost", parents=[common], help="parameters, GFLOPs, time and memory of methods"
        )
    )

    verbs.add_parser("doctor", parents=[common], help="check this installation")

    new = verbs.add_parser("new-method", parents=[common], help="write a starting file")
    new.add_argument("name", help="of the method, e.g. my_method")
    new.add_argument("--dir", type=Path, help="where to (methods/, where it is found by itself)")

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
    _where(quick, "results/quickstart")
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
        from harness.report.command import run_report

        return run_report(args)
    if args.verb == "sweep" and args.action in ("status", "logs", "cancel"):
        # From any shell, at once: no plugin is loaded and no torch.
        from harness.commands import cluster

        return {"status": cluster.status, "logs": cluster.logs, "cancel": cluster.cancel}[
            args.action
        ](args)
    from harness import registry
    from harness.commands import author, cluster, cost, data, look, prepare, work

    for path in args.plugin:
        registry.add_plugin_file(path)
    if args.verb == "maps":  # torch and the models: not for the verbs that do without
        from harness.commands.maps import maps

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
