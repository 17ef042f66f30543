"""Published numbers, and stores of runs that they may be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness import registry
from harness.protocols import read_protocol
from harness.report.published.compare import PublishedCell, compare_published
from harness.report.published.numbers import PublishedNumber
from harness.report.runs.blocks import blocks_of
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.model import Table
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.records import Score
from harness.store.store import Store
from tests.report.fakes import keep, record, spec

CLIP = ModelSpec(name="ViT-B-16", pretrained="openai", precision="fp16")
VLCS = ("Caltech101", "LabelMe", "SUN09", "VOC2007")
AUTHORS = read_protocol({"preset": "original"})


def default(method: str, **values: Any) -> dict[str, Any]:
    config = registry.method_class(method).Config().model_dump(mode="json")
    assert set(values) <= set(config)
    return config | values


def add(store: Store, run: RunSpec, selection: str = "", **correct: int) -> None:
    own = "averaged" if run.method in ("clipood", "alignclip") else "last"
    made = record(run, 1)
    update = {
        "selection": selection or own,
        "tests": {name: Score(correct=c, n=1000) for name, c in correct.items()},
    }
    metrics = made.metrics.model_copy(update=update)
    keep(store, made.model_copy(update={"metrics": metrics}))


def run_vlcs(
    store: Store,
    method: str,
    correct: Sequence[Sequence[int]],
    selection: str = "",
    domains: Sequence[str] = VLCS,
    config: dict[str, Any] | None = None,
    **given: Any,
) -> None:
    """Add runs: by domain the correct images of 1000 for each seed."""
    values: dict[str, Any] = {
        "model": CLIP,
        "dataset": DatasetSpec(name="VLCS"),
        "protocol": AUTHORS,
    }
    for domain, counts in zip(domains, correct, strict=True):
        for seed, count in enumerate(counts):
            run = spec(
                "any label",
                domain,
                seed,
                method=method,
                config=default(method, **(config or {})),
                **(values | given),
            )
            add(store, run, selection, target=count)


def tables(store: Store) -> list[Table]:
    return [summarise(block.frame) for block in blocks_of(load_frame(store))]


def number(**given: Any) -> PublishedNumber:
    values: dict[str, Any] = {
        "source": "zhyhan/AlignCLIP plot.ipynb",
        "where": "",
        "protocol": "domain_shift",
        "dataset": "VLCS",
        "domain": "mean",
        "method": "CLIPood",
        "backbone": "CLIP ViT-B/16",
        "metric": "top1",
        "value": 80.0,
        "spread": None,
        "spread_kind": "",
        "n_seeds": None,
        "note": "",
    }
    return PublishedNumber.model_validate(values | given)


def only(store: Store, *numbers: PublishedNumber) -> PublishedCell:
    (cell, *_) = compare_published(tables(store), numbers)
    return cell
