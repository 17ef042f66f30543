"""The options of the verbs, in groups."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def where(parser: argparse.ArgumentParser, store: str | None) -> None:
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
    log(group)


def log(parser: Any) -> None:
    """Add the option that turns on curves."""
    parser.add_argument(
        "--log", action="append", default=[], metavar="LOGGER",
        help="curves of every run: tensorboard[:DIR] or wandb[:PROJECT] (none)",
    )  # fmt: skip


def what(parser: argparse.ArgumentParser) -> None:
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


def cluster_actions(actions: Any, common: argparse.ArgumentParser) -> None:
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
    log(jobs)
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


def data_actions(actions: Any, common: argparse.ArgumentParser) -> None:
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


def maps(parser: argparse.ArgumentParser) -> None:
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


def cost(parser: argparse.ArgumentParser) -> None:
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
