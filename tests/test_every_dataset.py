"""Every data set, laid out as the real one, under every protocol that it serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.errors import UserError
from harness.execution.run import Shared, execute
from harness.protocols import read_protocol
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep import plan
from tests.datasets import miniature
from tests.engine import SMALL, make_context

# DomainNet wants 345 classes in six domains; its layout is PACS's, and its own test has it.
NAMES = [name for name in (*miniature.NAMES, "ImageNetShift") if name != "DomainNet"]
PROTOCOLS = {
    "domain_shift": {"PACS", "VLCS", "OfficeHome", "TerraIncognita"},
    "domain_and_class": {"PACS", "OfficeHome"},
    "distribution_shift": {"ImageNetShift"},
}


def protocol_of(name: str) -> str:
    fits = [key for key, names in PROTOCOLS.items() if name in names]
    return fits[-1] if fits else "open_class"


TEST_ONLY = {"ImageNetV2", "ImageNetSketch", "ImageNetA", "ImageNetR"}


@pytest.mark.parametrize("root", ["", "data"])
@pytest.mark.parametrize("name", sorted(TEST_ONLY))
def test_a_data_set_of_test_images_alone_is_refused_when_planned(
    name: str, root: str, tmp_path: Path
) -> None:
    miniature.make(name, tmp_path / "data", per_class=6)
    spec, model = DatasetSpec(name=name), ModelSpec(name="ViT-B-16", pretrained="openai")
    opened = plan.outline(spec, tmp_path / root if root else None)
    for protocol in ("open_class", "distribution_shift", "domain_shift"):
        methods = [plan.resolve_method("zero_shot", {})]
        with pytest.raises(UserError) as caught:
            plan.expand(
                methods, model, spec, read_protocol({"name": protocol}), ["all"], [0], opened
            )
        assert str(caught.value).endswith(
            f"use --dataset ImageNetShift --protocol distribution_shift --target {name}"
        )
    whole = plan.outline(DatasetSpec(name="ImageNetShift"), None)
    shift = read_protocol({"name": "distribution_shift"})
    (run,) = plan.expand(
        methods, model, DatasetSpec(name="ImageNetShift"), shift, [name], [0], whole
    )
    assert run.target == name


@pytest.mark.parametrize("name", sorted(set(NAMES) - TEST_ONLY))
def test_a_run_of_its_protocol_ends_in_a_record(
    name: str, random_clip: Path, tmp_path: Path
) -> None:
    miniature.make(name, tmp_path / "data", per_class=6)
    spec = DatasetSpec(name=name)
    opened = plan.open_dataset(spec, tmp_path / "data")
    protocol = read_protocol({"name": protocol_of(name), "shots": 2})
    targets = ["all"] if protocol.name == "distribution_shift" else [opened.domains[0]]
    methods = [plan.resolve_method(m, SMALL[m] | steps) for m, steps in
               (("zero_shot", {}), ("finetune", {"steps": 2, "batch_per_domain": 2}))]  # fmt: skip
    model = ModelSpec(name=f"local-dir:{random_clip}")
    runs = plan.expand(methods, model, spec, protocol, targets, [0], opened)
    shared = Shared(make_context(tmp_path / "store", tmp_path / "data"))
    for run in runs:
        record = execute(run, shared)
        wanted = run.protocol.test_sets(opened, run.target, run.data_seed)
        assert {k: v.n for k, v in record.metrics.tests.items()} == {
            part.name: len(part.samples) for part in wanted
        }
        assert record.class_names == opened.class_names
        assert 0 <= record.accuracy <= 1


def test_a_plan_without_the_data_is_the_plan_with_it(tmp_path: Path) -> None:
    miniature.make("PACS", tmp_path, per_class=6)
    spec, model = DatasetSpec(name="PACS"), ModelSpec(name="ViT-B-16", pretrained="openai")
    method = [plan.resolve_method("clipood", {})]
    ids = []
    for root in (None, tmp_path):
        opened = plan.outline(spec, root)
        runs = plan.expand(method, model, spec, DomainShift(), ["all"], [0], opened)
        ids.append([run.id for run in runs])
    assert ids[0] == ids[1]
    assert len(ids[0]) == 4


def test_every_public_data_set_can_be_planned_without_its_files() -> None:
    for name, cls in registry.discover("datasets").plugins.items():
        if cls.needs_root and cls.expected:
            opened = plan.outline(DatasetSpec(name=name), None)
            assert len(opened.class_names) == cls.expected_classes, name
