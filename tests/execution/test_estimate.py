"""Time left and lengths of runs, from those that are done."""

from __future__ import annotations

from typing import Any

import pytest

from harness.execution.estimate import Durations, published_seconds
from harness.protocols import read_protocol
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from tests.report.fakes import record, spec


def run(method: str = "m", steps: int = 100, target: str = "noto", **values: Any) -> RunSpec:
    return spec(method, target, method=method, config={"steps": steps}, **values)


def test_time_left_is_the_sum_of_what_each_method_took() -> None:
    fast, slow, new = run("fast"), run("slow"), run("new")
    durations = Durations()
    assert durations.left([fast], [], 2) is None
    durations.add(fast, 1.0)
    durations.add(slow, 11.0)
    assert durations.left([fast, slow, slow], [(slow, 4.0)], 2) == pytest.approx((1 + 22 + 7) / 2)
    assert durations.left([], [(slow, 40.0)], 1) == 0  # longer than expected is nearly done
    assert durations.left([new], [], 1) == pytest.approx(6)  # the mean over all


def test_the_same_steps_count_before_others() -> None:
    durations = Durations()
    durations.add(run(steps=100), 10.0)
    durations.add(run(steps=100), 14.0)
    durations.add(run(steps=300), 300.0)
    assert durations.seconds(run(steps=100)) == pytest.approx(12)
    assert durations.seconds(run(steps=50)) == pytest.approx(50 * 324 / 500)
    assert durations.count == 3


@pytest.mark.parametrize(
    "other",
    [
        {"method": "n"},
        {"dataset": DatasetSpec(name="PACS")},
        {"model": ModelSpec(name="ViT-B-16")},
        {"model": ModelSpec(name="tiny-emoji", precision="bf16")},
    ],
)
def test_another_method_data_set_or_model_tells_nothing(other: dict[str, Any]) -> None:
    durations = Durations()
    durations.add(run(), 10.0)
    assert durations.seconds(run(**other)) is None


def test_runs_on_corrupted_images_tell_nothing_of_others() -> None:
    one, two = (
        run(target="fog", protocol=read_protocol({"name": "corruptions", "severities": severities}))
        for severities in ([1], [1, 2])
    )
    durations = Durations()
    durations.add(one, 600.0)
    assert [durations.seconds(other) for other in (one, two, run())] == [600.0, None, None]
    durations.add(run(), 10.0)
    assert durations.seconds(run(protocol=read_protocol({"name": "few_shot"}))) == 10.0


def test_records_tell_lengths_and_devices() -> None:
    one = run()
    durations = Durations([record(one, 1)])
    assert durations.seconds(one) == record(one, 1).provenance.wall_s
    assert durations.devices == {"cpu"}


def test_of_a_run_that_shared_its_gpu_its_share_counts() -> None:
    alone = record(run(), 1)
    provenance = alone.provenance.model_copy(update={"runs_per_gpu": 4})
    shared = Durations([alone.model_copy(update={"provenance": provenance})])
    assert shared.seconds(run()) == alone.provenance.wall_s / 4


def test_only_the_published_backbone_has_a_published_length() -> None:
    vit = ModelSpec(name="ViT-B-16", pretrained="openai")
    config = {"steps": 5000, "batch_per_domain": 12}
    pacs = spec(
        "a", "sketch", method="clipood", config=config, model=vit, dataset=DatasetSpec(name="PACS")
    )
    (seconds,) = published_seconds([pacs])
    assert seconds is not None
    assert 5000 * 0.19 < seconds < 5000 * 0.19 + 20  # 36 images a step, and the test
    assert published_seconds([pacs.model_copy(update={"model": ModelSpec(name="RN50")})]) == [None]
    untrained = pacs.model_copy(update={"method": "zero_shot", "config": {}})
    assert published_seconds([untrained]) == [pytest.approx(SKETCHES)]


def test_other_data_sets_are_tested_and_corruptions_are_not_guessed_at() -> None:
    vit, tests = ModelSpec(name="ViT-B-16", pretrained="openai"), ["DescribableTextures", "EuroSAT"]

    def seconds(target: str, **protocol: Any) -> float | None:
        one = spec(
            "a", target, method="zero_shot", config={}, model=vit,
            dataset=DatasetSpec(name="OxfordPets"), protocol=read_protocol(protocol),
        )  # fmt: skip
        return published_seconds([one])[0]

    textures = seconds("DescribableTextures", name="cross_dataset", tests=tests)
    both = seconds("+".join(tests), name="cross_dataset", tests=tests)
    assert textures
    own = 3669  # of the pets, which train
    assert both == pytest.approx(textures * (1692 + 8100 + own) / (1692 + own))
    assert seconds("all", name="corruptions") is None


@pytest.mark.parametrize(("method", "low", "high"), [("coop", 0.1, 0.5), ("cocoop", 1, 5)])
def test_learned_prompts_over_many_classes_take_hours(method: str, low: int, high: int) -> None:
    """CoCoOp has a prompt for each image and class, in the test as well."""
    vit = ModelSpec(name="ViT-B-16", pretrained="openai")
    protocol = read_protocol({"name": "open_class", "shots": 16})
    one = spec(
        "a",
        "ImageNet",
        method=method,
        config={"steps": 16_000, "batch_per_domain": 36, "batch_size": 4, "n_ctx": 4},
        model=vit,
        dataset=DatasetSpec(name="ImageNet"),
        protocol=protocol,
    )
    other = one.model_copy(update={"seed": 1})
    first, second = published_seconds([one, other])
    assert first is not None
    assert second is not None
    assert low < first / 3600 < high
    assert second < first  # features are computed once
    few = one.model_copy(update={"target": "EuroSAT", "dataset": DatasetSpec(name="EuroSAT")})
    (small,) = published_seconds([few])
    assert small is not None
    assert small < 0.05 * first
    unknown = one.model_copy(update={"target": "d", "dataset": DatasetSpec(name="folder")})
    assert published_seconds([unknown]) == [None]


def test_memory_is_that_of_earlier_runs_of_the_same_batch() -> None:
    small, large = (spec(config={"steps": 9, "batch_per_domain": n}) for n in (4, 8))
    durations = Durations([record(small, 1)])
    assert durations.memory_mb(small) == 3.0
    assert durations.memory_mb(large) is None


SKETCHES = 3929 * 0.19 / 36 / 3
"""Seconds of PACS' test images of one domain."""


@pytest.mark.parametrize(
    ("changes", "times"),
    [
        ({}, 1),
        ({"target": "photo"}, 1 + 1670 / 3929),
        ({"method": "clip_surgery"}, 2),
        ({"dataset": DatasetSpec(name="PACS", fingerprint="other")}, 2),
        (
            {"protocol": read_protocol({"name": "domain_shift", "test_on": "out"})},
            1 + 2 * 785 / 3929,
        ),
        ({"method": "clipood"}, 3),
    ],
)
def test_features_that_runs_share_count_once(changes: dict[str, Any], times: float) -> None:
    vit = ModelSpec(name="ViT-B-16", pretrained="openai")
    pacs = DatasetSpec(name="PACS")
    one, two = (
        spec("a", "sketch", seed, method="zero_shot", config={}, model=vit, dataset=pacs)
        for seed in (0, 1)
    )
    others = [run.model_copy(update=changes) for run in (one, two)]
    each = published_seconds([one, two, *others])
    assert sum(seconds or 0 for seconds in each) == pytest.approx(times * SKETCHES)
    assert len(each) == 4
