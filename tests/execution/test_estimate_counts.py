"""What a plan says that a run tests, against what runs of every protocol tested."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.execution.estimate import Counts, counts_of, published_seconds
from harness.execution.run import Shared, execute
from harness.protocols import PROTOCOLS, read_protocol
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.store import Store
from harness.sweep import plan
from tests.engine import make_context

PLUGIN = '''
import io
from PIL import Image
from harness.dataset import Dataset, Sample

class Known(Dataset):
    """Four classes; one domain of three has an official split."""
    name = summary = licence = source = "known"
    expected_classes = 4
    expected = {
        "a": {"": 41}, "b": {"": 27}, "c": {"": 33}, "d": {"train": 40, "val": 12, "test": 20},
    }

    def __init__(self, options, root):
        super().__init__(options, root)
        self.domains, self.class_names = tuple("abcd"), ("p", "q", "r", "s")

    def samples(self, domain):
        parts = [part for part, n in self.expected[domain].items() for _ in range(n)]
        return tuple(Sample(f"{domain}{i}", i % 4, domain, "", s) for i, s in enumerate(parts))

    def size(self, sample):
        return 1

    def read(self, sample):
        file = io.BytesIO()
        Image.new("RGB", (16, 16)).save(file, "PNG")
        return file.getvalue()

class Other(Known):
    name = summary = licence = source = "other"
'''
KNOWN = DatasetSpec(name="known")
PARTS = DatasetSpec(name="known", options={"domains": ["a", "b", "d"]})
CASES: list[tuple[dict[str, Any], str, DatasetSpec]] = [
    ({"name": "domain_shift"}, "a", KNOWN),
    ({"name": "domain_shift"}, "a", PARTS),
    ({"name": "domain_shift", "test_on": "out", "shots": 2}, "b", KNOWN),
    ({"name": "domain_shift", "test_on": "nothing", "left_out": "d"}, "b", KNOWN),
    ({"name": "multi_target"}, "a+d", KNOWN),
    ({"name": "single_source"}, "a", KNOWN),
    ({"name": "single_source", "domains": ["b"]}, "a", KNOWN),
    ({"name": "few_shot", "shots": 2}, "d", KNOWN),
    ({"name": "few_shot", "shots": 2}, "a", KNOWN),
    ({"name": "open_class", "shots": 0}, "a", KNOWN),
    ({"name": "open_class", "shots": 2}, "d", KNOWN),
    ({"name": "domain_and_class"}, "c", KNOWN),
    ({"name": "distribution_shift", "source": "d", "shots": 2}, "a+b", KNOWN),
    ({"name": "cross_dataset", "tests": ["other"], "shots": 2}, "other", KNOWN),
    ({"name": "trial", "of": {"name": "single_source"}}, "a", KNOWN),
]  # fmt: skip


@pytest.fixture
def known(tmp_path: Path) -> None:
    file = tmp_path / "known.py"
    file.write_text(PLUGIN)
    registry.add_plugin_file(str(file))


@pytest.mark.parametrize(("protocol", "target", "data"), CASES)
def test_a_run_tests_as_many_images_as_its_plan_counts(
    protocol: dict[str, Any], target: str, data: DatasetSpec, tmp_path: Path, random_clip: Path,
    known: None,
) -> None:  # fmt: skip
    """A run's images counted one by one: those it tested, and those its training was given."""
    opened = plan.open_dataset(data, tmp_path)
    model = ModelSpec(name=f"local-dir:{random_clip}")
    (run,) = plan.expand(
        [plan.resolve_method("zero_shot", {})], model, data, read_protocol(protocol),
        [target], [0], opened, root=tmp_path,
    )  # fmt: skip
    store = tmp_path / "store"
    execute(run, Shared(make_context(store, tmp_path)))
    tested = sum(1 for _ in Store(store).predictions(run.id).label)
    train = run.protocol.sources(opened, run.target, run.data_seed).train
    assert counts_of(run) == Counts(len(train), sum(map(len, train.values())), tested)


def test_every_protocol_that_has_a_published_length_is_counted() -> None:
    assert {case["name"] for case, _, _ in CASES} == set(PROTOCOLS) - {"corruptions"}


@pytest.mark.parametrize(
    "data",
    [
        DatasetSpec(name="folder"),
        DatasetSpec(name="PACS", options={"classes": ["dog", "horse"]}),
    ],
)
def test_images_that_nobody_knows_are_not_counted(data: DatasetSpec) -> None:
    run = RunSpec(
        method="clipood", config={"steps": 9, "batch_per_domain": 4}, target="photo",
        model=ModelSpec(name="ViT-B-16", pretrained="openai"), dataset=data,
        protocol=read_protocol({"name": "domain_shift"}), seed=0, data_seed=0,
    )  # fmt: skip
    assert published_seconds([run]) == [None]
