"""Options that several verbs share."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import get_args

from harness.execution.context import DEVICES, Context
from harness.specs import Precision

Group = argparse._ActionsContainer
"""What takes options: a parser, or a group of one."""


def plugin(parser: Group) -> None:
    """Add ``--plugin``; `main` loads the files before the verb runs."""
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="FILE", help="load a plugin file of yours"
    )


def data_root(parser: Group, help: str = "where the data set's files are") -> None:
    """Add ``--data-root``."""
    parser.add_argument("--data-root", type=Path, metavar="DIR", help=help)


def as_json(parser: Group) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="for scripts")


def cache_dir(parser: Group, shared: bool = False) -> None:
    """Add ``--cache-dir``."""
    more = "; shared by all nodes" if shared else ""
    parser.add_argument(
        "--cache-dir",
        type=Path,
        metavar="DIR",
        help=f"frozen features and prepared test images (~/.cache/...{more})",
    )


def limits(parser: Group) -> None:
    """Add what a run may take of disk, memory and time beside its work; see `Context`."""
    for name, help in (
        ("cache-gb", "GiB of features and prepared test images in the cache folder"),
        ("memory-gb", "GiB of decoded training images in each worker's memory"),
        ("checkpoint-seconds", "least time between two checkpoints, which take 2 %% at most"),
    ):
        default = Context.model_fields[name.replace("-", "_")].default
        parser.add_argument(
            f"--{name}", type=amount, default=default, metavar="N", help=f"{help} ({default:g})"
        )
    parser.add_argument(
        "--activation-checkpointing",
        action="store_true",
        help="compute activations again in the backward pass: less memory, the same numbers",
    )


def whole(text: str, least: int = 0) -> int:
    """Return a whole number.

    Raises:
        ArgumentTypeError: If it is none, or less than the least.
    """
    if not re.fullmatch("[0-9]{1,18}", text) or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from {least}")
    return int(text)


def count(text: str) -> int:
    """Return a whole number from 1; see `whole`."""
    return whole(text, 1)


def amount(text: str) -> float:
    """Return a finite number from 0.

    Raises:
        ArgumentTypeError: If it is none.
    """
    value = _number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number from 0")
    return value


def between(low: float, high: float, text: str) -> float:
    """Return a number between two, neither included.

    Raises:
        ArgumentTypeError: If it is none.
    """
    value = _number(text)
    if not low < value < high:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number between {low:g} and {high:g}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def model(parser: Group) -> None:
    """Add ``--model`` and ``--pretrained``."""
    parser.add_argument("--model", default="tiny-emoji", help="open_clip name (%(default)s)")
    parser.add_argument("--pretrained", default="", help="open_clip tag or checkpoint file")
    preprocess(parser)


def preprocess(parser: Group) -> None:
    """Add ``--preprocess``."""
    parser.add_argument(
        "--preprocess",
        default="",
        metavar="TAG",
        help="weights from a file: the tag whose images were prepared as theirs, where tags differ",
    )


def precision(parser: Group) -> None:
    """Add ``--precision``."""
    parser.add_argument(
        "--precision",
        default="fp32",
        choices=get_args(Precision),
        help="type of the forward pass (autocast), while weights stay float32; fp16-replica rounds "
        "them to half after every step, as CLIPood's and AlignCLIP's code does (%(default)s)",
    )


def numerics(parser: Group) -> None:
    """Add ``--precision``, ``--compile`` and ``--channels-last``: how the forward pass computes."""
    precision(parser)
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the image tower: faster on a GPU; the last digits differ",
    )
    parser.add_argument(
        "--channels-last",
        action="store_true",
        help="lay convolutions out channels last; the last digits differ",
    )


def dataset(parser: Group) -> None:
    """Add ``--dataset``."""
    parser.add_argument("--dataset", default="emoji", help="see `list` (%(default)s)")


def device(parser: Group) -> None:
    """Add ``--device``."""
    parser.add_argument(
        "--device",
        type=device_name,
        default="auto",
        help="cpu, cuda (all GPUs), cuda:1 (%(default)s)",
    )


def device_name(text: str) -> str:
    """Return a device, of this machine or not.

    Raises:
        ArgumentTypeError: If it is none.
    """
    if not re.fullmatch(DEVICES, text):
        raise argparse.ArgumentTypeError(f"{text!r}: write auto, cpu, cuda or cuda:1")
    return text


def log(parser: Group) -> None:
    """Add ``--log``, which turns on curves."""
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="LOGGER",
        help="curves of every run: tensorboard[:DIR] or wandb[:PROJECT] (none)",
    )


def records(parser: Group) -> None:
    """Add ``--records``."""
    parser.add_argument(
        "--records",
        action="append",
        type=Path,
        default=[],
        metavar="STORE",
        help="estimate lengths from this store's records, too",
    )


def store(parser: Group, default: str = "results/<the sweep's name>") -> None:
    """Add ``--store``; `default` says where is looked without it."""
    parser.add_argument("--store", type=Path, help=f"results ({default})")


def where(parser: argparse.ArgumentParser, default_store: str | None) -> None:
    """Add the options that say where runs happen; none of them changes a run's identity."""
    group = parser.add_argument_group("where (does not change a run's identity)")
    shown = default_store or "results/<the sweep's name>"
    group.add_argument("--store", type=Path, default=default_store, help=f"results ({shown})")
    data_root(group)
    cache_dir(group)
    group.add_argument(
        "--workers", type=count, help="processes at a time (one per core, or one per GPU)"
    )
    group.add_argument(
        "--runs-per-gpu", type=count, metavar="N", help="processes on each GPU at a time (1)"
    )
    group.add_argument(
        "--threads", type=count, default=1, help="threads of torch per worker (%(default)s)"
    )
    limits(group)
    device(group)
    group.add_argument("--fail-fast", action="store_true", help="stop at the first failure")
    group.add_argument(
        "--dry-run", action="store_true", help="say what would run, and what is done already"
    )
    group.add_argument("--limit", type=count, help="run only the first N that are missing")
    log(group)
