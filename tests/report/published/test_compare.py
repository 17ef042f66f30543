"""Published figures beside ours, in stores that never ran."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.protocols import read_protocol
from harness.protocols.base import TARGETS
from harness.protocols.domain_shift import DomainShift
from harness.protocols.open_class import OpenClass
from harness.report.published.compare import PublishedCell, compare_published, why_none
from harness.report.published.meanings import load_meanings
from harness.report.published.numbers import PublishedNumber, load_numbers
from harness.report.published.tolerance import MISSING_SPREAD, allowed_difference
from harness.report.tables.aggregate import blocks, load_frame, summarise
from harness.report.tables.model import Table
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.store import Score, Store
from harness.sweep.file import expand_sweep, read_sweep
from tests.report.fakes import record, spec

CLIP = ModelSpec(name="ViT-B-16", pretrained="openai", precision="fp16")
VLCS = ("Caltech101", "LabelMe", "SUN09", "VOC2007")
AUTHORS = read_protocol({"preset": "original"})
SWEEPS = (
    "table1-domain-shift",
    "table2-distribution-shift",
    "table3-open-class",
    "table4-domain-and-class",
    "ablation-parts",
    "ablation-parts-classes",
    "ablation-layers",
    "ablation-smoothing",
    "ablation-structures",
)


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
    assert store.write(made.model_copy(update={"metrics": metrics}), b"")


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
    return [summarise(block.frame) for block in blocks(load_frame(store))]


def figure(**given: Any) -> PublishedNumber:
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


def only(store: Store, *figures: PublishedNumber) -> PublishedCell:
    (cell, *_) = compare_published(tables(store), figures)
    return cell


def test_the_tolerance_is_the_stated_rule() -> None:
    assert allowed_difference([80, 81, 82], 0.4) == pytest.approx(2 * math.sqrt(1 / 3 + 0.16))
    assert allowed_difference([80], None) == pytest.approx(2 * math.sqrt(0.04 + 0.04))
    assert allowed_difference([80, 80, 80], None) == pytest.approx(0.4)
    assert allowed_difference([100, 100, 100], 0.0) == 0.1
    printed = [f.spread for f in load_numbers() if f.spread is not None]
    assert statistics.median(printed) == MISSING_SPREAD


def test_verdicts_of_a_domain_and_of_the_mean_against_numbers_by_hand(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(
        store, "clipood", [(990, 1000, 995), (640, 650, 660), (790, 800, 810), (880, 900, 890)]
    )
    label_me = only(store, figure(domain="LabelMe", value=66.0, spread=0.2, spread_kind="unstated"))
    assert (label_me.ours, label_me.spread, label_me.n) == (pytest.approx(65), pytest.approx(1), 3)
    assert label_me.difference == pytest.approx(-1)
    assert label_me.tolerance == pytest.approx(2 * math.sqrt(1 / 3 + 0.04))  # 1.22
    assert label_me.text == "reproduced"
    assert "kind of ± unstated" in label_me.notes
    by_seed = [(99.0 + 64 + 79 + 88) / 4, (100 + 65 + 80 + 90) / 4, (99.5 + 66 + 81 + 89) / 4]
    mean = only(store, figure(value=85.0))
    assert mean.ours == pytest.approx(statistics.fmean(by_seed))
    near = 2 * math.sqrt(statistics.variance(by_seed) / 3 + 0.04)
    assert mean.tolerance == pytest.approx(near)
    assert mean.text == f"off by {statistics.fmean(by_seed) - 85:+.1f}" == "off by -1.6"
    assert only(store, figure(domain="LabelMe", method="zero-shot CLIP")).text == "not run"


def test_only_a_re_run_in_the_same_source_gives_an_allowance(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(store, "clipood", [(841, 841, 841)] * 4)
    source = "DISAM, ICLR 2024, arXiv 2405.18861"
    theirs = figure(
        source=source,
        value=85.0,
        spread=0.1,
        spread_kind="unstated",
        note="as published by its authors",
    )
    again = figure(source=source, value=84.1, where="(*)", note="reproduced by the DISAM authors")
    cell = only(store, theirs, again)
    assert cell.text == "within re-run allowance"
    assert (cell.allowance, cell.tolerance) == (pytest.approx(0.9), pytest.approx(0.2))
    assert only(store, theirs).text == "off by -0.9"
    # what lies above is no matter of the re-run
    above = theirs.model_copy(update={"value": 83.5})
    assert only(store, above, again.model_copy(update={"value": 83.0})).text == "off by +0.6"
    far = theirs.model_copy(update={"value": 86.5})
    assert only(store, far, again.model_copy(update={"value": 85.6})).text == "off by -2.4"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": ModelSpec(name="tiny-emoji")}, "backbone tiny-emoji is not CLIP ViT-B/16"),
        ({"model": ModelSpec(name="ViT-B-16", pretrained="laion2b")}, "backbone ViT-B-16/laion2b"),
        ({"protocol": DomainShift()}, "'all' of the held-out domain, the source on 'out'"),
        ({"selection": "last"}, "tests the weights 'last', the source 'averaged'"),
        ({"config": {"lr": 1e-4}}, "has another recipe: lr is 0.0001 instead of 5e-06"),
        ({"domains": VLCS[:3]}, "our mean is over Caltech101, LabelMe, SUN09, the source's over"),
        ({"protocol": AUTHORS.model_copy(update={"shots": 16})}, "shots is 16"),
        ({"protocol": AUTHORS.model_copy(update={"holdout_fraction": 0.5})}, "holdout_fraction"),
        ({"dataset": DatasetSpec(name="VLCS", options={"x": 1})}, 'options {"x": 1}'),
    ],
)
def test_what_is_not_the_same_thing_is_refused_in_a_line(
    tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    store = Store(tmp_path)
    domains = given.get("domains", VLCS)
    run_vlcs(store, "clipood", [(800,)] * len(domains), **given)
    cells = compare_published(tables(store), [figure()])
    assert [(cell.text, cell.ours) for cell in cells] == [("not comparable", None)]
    assert said in cells[0].reason
    assert said in why_none(cells, tables(store))


def test_a_source_that_names_no_part_is_compared_with_a_note(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(store, "clipood", [(800, 800)] * 4)
    run_vlcs(store, "clipood", [(810, 810)] * 4, protocol=DomainShift())
    silent = figure(source="someone, 2030")
    cells = compare_published(tables(store), [silent])
    assert [cell.ours for cell in cells] == [pytest.approx(80), pytest.approx(81)]
    for cell in cells:
        assert "source does not state the tested part" in cell.notes
    (cell,) = compare_published(tables(store), [figure()])
    assert (cell.text, cell.notes) == ("reproduced", ("no ± printed",))


def test_a_method_is_known_by_its_configuration(tmp_path: Path) -> None:
    store = Store(tmp_path)
    off = {"attention_alignment": False, "similarity_alignment": False}
    run_vlcs(store, "alignclip", [(700,)] * 4)
    run_vlcs(store, "alignclip", [(710,)] * 4, config=off)
    run_vlcs(store, "alignclip", [(720,)] * 4, config={"semantic_smoothing": False})
    run_vlcs(store, "alignclip", [(730,)] * 4, config={"aligned_layers": 3})
    run_vlcs(store, "alignclip", [(740,)] * 4, config={"detach_target": True})
    found = {
        name: only(store, figure(method=f"AlignCLIP [{name}]")).ours
        for name in (
            "aal=on,sls=on",
            "aal=off,sls=on",
            "aal=on,sls=off",
            "aligned_layers=3",
            "eps=0.9",
            "eps=0.8",
            "structure=v-v-v",
        )
    }
    assert found == {
        "aal=on,sls=on": pytest.approx(70),
        "aal=off,sls=on": pytest.approx(71),
        "aal=on,sls=off": pytest.approx(72),
        "aligned_layers=3": pytest.approx(73),
        "eps=0.9": pytest.approx(70),
        "eps=0.8": None,
        "structure=v-v-v": None,
    }
    unknown = only(store, figure(method="AlignCLIP 2"))
    assert unknown.text == "not comparable"
    assert "does not say what 'AlignCLIP 2' is" in unknown.reason


def test_base_new_and_their_harmonic_mean_by_data_set_and_over_all(tmp_path: Path) -> None:
    store = Store(tmp_path)
    names, open_class = load_meanings().means["open_class"], OpenClass()
    counts = {name: (600 + 20 * i, 400 + 30 * i) for i, name in enumerate(names)}
    for name, (base, new) in counts.items():
        run = spec(
            "CLIP",
            name,
            1,
            method="zero_shot",
            config={},
            model=CLIP,
            dataset=DatasetSpec(name=name),
            protocol=open_class,
        )
        add(store, run, base=base, new=new)
    given = {
        "protocol": "open_class",
        "domain": "",
        "method": "zero-shot CLIP",
        "source": "MaPLe README",
    }
    pets = {
        metric: only(store, figure(dataset="OxfordPets", metric=metric, **given)).ours
        for metric in ("top1 base", "top1 new", "harmonic mean")
    }
    base, new = (count / 10 for count in counts["OxfordPets"])
    assert pets == {
        "top1 base": pytest.approx(base),
        "top1 new": pytest.approx(new),
        "harmonic mean": pytest.approx(2 * base * new / (base + new)),
    }
    average = only(store, figure(dataset="mean of datasets", metric="harmonic mean", **given))
    b, n = (statistics.fmean(count[i] / 10 for count in counts.values()) for i in (0, 1))
    assert average.ours == pytest.approx(2 * b * n / (b + n))  # of the averages, as in CoCoOp
    assert "source does not state the tested part" not in average.notes


def test_a_mean_of_data_sets_needs_all_of_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(store, "clipood", [(800,)] * 4)
    cell = only(store, figure(dataset="mean of datasets", source="someone"))
    assert cell.text == "not comparable"
    assert cell.reason == "no run on PACS, over which the source averages, too"


def test_missing_seeds_are_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(store, "clipood", [(800, 800), (800, 800), (800, 800), (800,)])
    cell = only(store, figure())
    assert (cell.n, cell.text) == (1, "reproduced")
    assert {"one seed of ours", "1 of 2 seeds of ours"} <= set(cell.notes)


def test_every_published_name_source_and_domain_has_its_meaning() -> None:
    meanings, figures = load_meanings(), load_numbers()
    assert {figure.method for figure in figures} <= set(meanings.names)
    assert {figure.source for figure in figures} == set(meanings.sources)
    assert {figure.backbone for figure in figures} <= set(meanings.backbones)
    for name, domains in meanings.domains.items():
        assert sorted(registry.dataset_class(name).expected) == sorted(domains)
    for name, plugin in meanings.plugins.items():
        cls = registry.method_class(name)
        assert plugin.selection == cls.own_selection
        named = {*plugin.idea, *plugin.recipe, *plugin.unchecked, *plugin.ignored}
        assert named == set(cls.Config.model_fields)
        config = default(name)
        assert {key: config[key] for key in plugin.idea} == plugin.idea


def test_the_sweeps_that_ship_stand_beside_every_published_accuracy(tmp_path: Path) -> None:
    """So their recipes, names and protocols are those that methods.yaml asks for."""
    store, runs = Store(tmp_path), {}
    for name in SWEEPS:
        sweep = read_sweep(name).model_copy(update={"seeds": [0]})
        runs |= {run.id: run for run in expand_sweep(sweep, None, name, outline=True)}
    for run in runs.values():
        tests = {
            "domain_shift": ["target"],
            "open_class": ["base", "new"],
            "domain_and_class": ["base", "open"],
        }.get(run.protocol.name)
        names = tests or [*run.target.split(TARGETS), run.protocol.source]
        add(store, run, **dict.fromkeys(names, 800))
    cells = compare_published(tables(store), load_numbers())
    alone = [cell.published.protocol for cell in cells if cell.ours is None]
    assert alone == ["cost"] * 5
    assert len(cells) == len(load_numbers())
    assert all(cell.ours in (None, pytest.approx(80)) for cell in cells)
