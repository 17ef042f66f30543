"""A protocol's split as a file: written here, read anywhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.dataset import Dataset
from harness.errors import UserError
from harness.protocols import read_protocol
from harness.protocols.few_shot import FewShot
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.sweep import plan
from tests.datasets import miniature


@pytest.fixture
def root(tmp_path: Path) -> Path:
    miniature.make("Caltech101", tmp_path / "data", per_class=6)
    return tmp_path / "data"


def opened(root: Path, **options: Any) -> Dataset:
    return plan.open_dataset(DatasetSpec(name="Caltech101", options=options), root)


def planned(root: Path, **options: Any) -> RunSpec:
    spec = DatasetSpec(name="Caltech101", options=options)
    (run,) = plan.expand(
        [plan.resolve_method("zero_shot", {})],
        ModelSpec(name="ViT-B-16", pretrained="openai"),
        spec,
        read_protocol({"name": "few_shot", "shots": 0}),
        ["all"],
        [0],
        plan.open_dataset(spec, root),
    )
    return run


def write(root: Path, out: Path) -> list[str]:
    call = ["data", "split", "Caltech101", "--data-root", str(root), "--out", str(out)]
    return [*call, "--protocol", "few_shot[shots=2]", "--data-seed", "3"]


def test_what_is_written_is_read_as_the_same_images_in_the_same_order(
    root: Path, tmp_path: Path
) -> None:
    file = tmp_path / "few.json"
    assert main(write(root, file)) == 0
    drawn = FewShot(shots=2).sources(opened(root), "Caltech101", 3)
    keys = json.loads(file.read_text())
    assert keys["train"] == [s.key for s in drawn.train["Caltech101"]]
    assert len(keys["train"]) == 2 * len(drawn.class_names)
    data = opened(root, splits=str(file))
    for seed in (0, 1):  # nothing is drawn any more
        assert FewShot(shots=0).sources(data, "Caltech101", seed) == drawn
    (test,) = FewShot(shots=0).test_sets(data, "Caltech101", 0)
    (expected,) = FewShot(shots=2).test_sets(opened(root), "Caltech101", 3)
    assert test.samples == expected.samples
    assert len(data.samples("Caltech101")) == sum(map(len, keys.values()))


def test_a_run_is_known_by_what_the_file_holds(root: Path, tmp_path: Path) -> None:
    file, copy = tmp_path / "few.json", tmp_path / "elsewhere.json"
    main(write(root, file))
    shutil.copy(file, copy)
    one, other = planned(root, splits=str(file)), planned(root, splits=str(copy))
    assert one.id == other.id
    assert one.id != planned(root).id
    assert str(tmp_path) not in json.dumps(one.content())
    assert plan.open_dataset(one.dataset, root).samples("Caltech101")
    keys = json.loads(file.read_text())
    file.write_text(json.dumps(keys | {"train": keys["train"][1:]}))
    with pytest.raises(UserError, match=r"few\.json changed since the run was planned; plan again"):
        plan.open_dataset(one.dataset, root).samples("Caltech101")
    assert planned(root, splits=str(file)).id != one.id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "needs lists of keys called train, val, test"),
        ('{"dev": []}', "needs lists of keys called"),
        ('{"train": [1]}', "1 in 'train' is no key; write texts"),
        ('{"train": ["a"], "test": ["a"]}', "'a' is in 'train' and 'test'; list it once"),
        ('{"train": ["a"]}', "'a' is no image of data set 'Caltech101'"),
        (None, r"cannot be read \(No such file"),
    ],
)
def test_files_that_are_no_split(
    root: Path, tmp_path: Path, text: str | None, message: str
) -> None:
    file = tmp_path / "bad.json"
    if text is not None:
        file.write_text(text)

    def read() -> None:
        planned(root, splits=str(file))
        opened(root, splits=str(file)).samples("Caltech101")

    with pytest.raises(UserError, match=message) as caught:
        read()
    assert "bad.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_the_verb_asks_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["data", "split", "emoji", "--out", str(tmp_path / "a.json")]
    assert main(call) == 2
    assert "--target is missing: one of fluent_3d, noto" in capsys.readouterr().err
    call[-1] = str(tmp_path / "no" / "a.json")
    assert main([*call, "--target", "noto"]) == 2
    assert "cannot write" in capsys.readouterr().err
