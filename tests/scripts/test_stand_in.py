"""The stand-ins of large data sets have their layout and counts; the input bench runs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness import registry, resources
from harness.clip.load import load_backbone
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep.plan import open_dataset


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, resources.ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "files"), [("DomainNet", 586_575), ("ImageNet", 1_331_167)])
def test_a_stand_in_has_the_counts_and_the_layout(tmp_path: Path, name: str, files: int) -> None:
    stand_in = script("stand_in")
    assert sum(images for _, images in stand_in.folders(name, 1.0)) == files
    made = stand_in.make(name, tmp_path, share=1e-9)  # one image of each class
    data = open_dataset(DatasetSpec(name=name), tmp_path)
    assert sum(len(data.samples(domain)) for domain in data.domains) == made
    assert len(data.class_names) == registry.dataset_class(name).expected_classes


def test_the_bench_of_untrained_methods_measures(
    random_clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = script("bench_untrained")
    small = bench.write_pictures
    monkeypatch.setattr(bench, "write_pictures", lambda root, per_class: small(root, per_class=4))
    monkeypatch.setattr(
        bench,
        "random_backbone",
        lambda spec: load_backbone(ModelSpec(name=f"local-dir:{random_clip}")),
    )
    monkeypatch.setattr(sys, "argv", ["bench_untrained", "--methods", "zero_shot"])
    bench.main()
    assert "zero_shot, 24 images and as many classes: " in capsys.readouterr().out
