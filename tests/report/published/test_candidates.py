"""Which of our cells stands beside a published number, and which may not."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from harness.protocols.domain_shift import DomainShift
from harness.protocols.open_class import OpenClass
from harness.report.published.compare import compare_published, why_none
from harness.report.published.meanings import load_meanings
from harness.specs import DatasetSpec, ModelSpec
from harness.store.store import Store
from tests.report.fakes import spec
from tests.report.published.stores import AUTHORS, CLIP, VLCS, add, number, only, run_vlcs, tables


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
        ({"protocol": AUTHORS.model_copy(update={"left_out": "SUN09"})}, "left_out is 'SUN09'"),
        ({"dataset": DatasetSpec(name="VLCS", options={"x": 1})}, 'options {"x": 1}'),
    ],
)
def test_what_is_not_the_same_thing_is_refused_in_a_line(
    tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    store = Store(tmp_path)
    domains = given.get("domains", VLCS)
    run_vlcs(store, "clipood", [(800,)] * len(domains), **given)
    cells = compare_published(tables(store), [number()])
    assert [(cell.text, cell.ours) for cell in cells] == [("not comparable", None)]
    assert said in cells[0].reason
    assert said in why_none(cells, tables(store))


@pytest.mark.parametrize(
    ("part", "verdict"), [("out", "reproduced"), ("all", "reproduced"), ("rest", "not comparable")]
)
def test_a_source_that_states_no_part_is_not_compared_with_what_an_oracle_leaves(
    tmp_path: Path, part: str, verdict: str
) -> None:
    store = Store(tmp_path)
    protocol = AUTHORS.model_copy(update={"test_on": part})
    run_vlcs(store, "clipood", [(800,)] * 4, protocol=protocol)
    (cell,) = compare_published(tables(store), [number(source="unheard of", value=80.0)])
    assert cell.text == verdict


def test_a_method_is_known_by_its_configuration(tmp_path: Path) -> None:
    store = Store(tmp_path)
    off = {"attention_alignment": False, "similarity_alignment": False}
    run_vlcs(store, "alignclip", [(700,)] * 4)
    run_vlcs(store, "alignclip", [(710,)] * 4, config=off)
    run_vlcs(store, "alignclip", [(720,)] * 4, config={"semantic_smoothing": False})
    run_vlcs(store, "alignclip", [(730,)] * 4, config={"aligned_layers": 3})
    run_vlcs(store, "alignclip", [(740,)] * 4, config={"detach_target": True})
    found = {
        name: only(store, number(method=f"AlignCLIP [{name}]")).ours
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
    unknown = only(store, number(method="AlignCLIP 2"))
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
        metric: only(store, number(dataset="OxfordPets", metric=metric, **given)).ours
        for metric in ("top1 base", "top1 new", "harmonic mean")
    }
    base, new = (count / 10 for count in counts["OxfordPets"])
    assert pets == {
        "top1 base": pytest.approx(base),
        "top1 new": pytest.approx(new),
        "harmonic mean": pytest.approx(2 * base * new / (base + new)),
    }
    average = only(store, number(dataset="mean of datasets", metric="harmonic mean", **given))
    b, n = (statistics.fmean(count[i] / 10 for count in counts.values()) for i in (0, 1))
    assert average.ours == pytest.approx(2 * b * n / (b + n))  # of the averages, as in CoCoOp
    assert "source does not state the tested part" not in average.notes


def test_a_mean_of_data_sets_needs_all_of_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(store, "clipood", [(800,)] * 4)
    cell = only(store, number(dataset="mean of datasets", source="someone"))
    assert cell.text == "not comparable"
    assert cell.reason == "no run on PACS, over which the source averages, too"
