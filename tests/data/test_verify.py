"""data verify: what is missing, wrong or extra."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from harness import registry
from harness.cli.main import main
from harness.data.verify import verify
from harness.dataset import Dataset, DatasetOptions, Sample
from tests.conftest import make_folder
from tests.datasets.minis import make_mini, replace

SIZES = {d: {"": 7 * 3} for d in ("art_painting", "cartoon", "photo", "sketch")}


@pytest.fixture
def pacs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a miniature that counts as complete."""
    monkeypatch.setattr(registry.dataset_class("PACS"), "expected", SIZES)
    return make_mini(tmp_path / "data")


def say(root: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    status = main(["data", "verify", "PACS", "--data-root", str(root), *more])
    return status, capsys.readouterr().out


def test_a_complete_set(pacs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ((), ("--decode",)):
        status, text = say(pacs, capsys, *more)
        assert status == 0
        assert "classes: 7 of 7" in text
        assert text.endswith("\ncomplete\n")
    assert "all 84 images decoded" in text


def test_the_real_counts(tmp_path: Path) -> None:
    cls = registry.dataset_class("PACS")
    root = make_mini(tmp_path, per_class=1)
    for domain, splits in cls.expected.items():
        dog = root / "PACS" / domain / "dog"
        for i in range(splits[""] - 7):
            os.link(dog / "pic_000.jpg", dog / f"more_{i}.jpg")
    whole = verify(cls, root)
    assert whole.complete
    assert sum(count.found for count in whole.counts) == 9991
    assert "sizes of all 9,991 files, headers of 2,000" in whole.checked
    (root / "PACS/sketch/dog/more_0.jpg").unlink()
    (root / "PACS/photo/dog/more_0.jpg").unlink()
    short = verify(cls, root)
    assert [(p.kind, p.text) for p in short.problems] == [
        ("missing", "photo: 1,669 images, expected 1,670: 1 missing"),
        (
            "wrong",
            "sketch: 3,928 images, expected 3,929: Dassl leaves out "
            "dog/n02103406_4068-1.png; DomainBed's copy has it",
        ),
    ]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda b: shutil.rmtree(b), "missing: folder "),
        (lambda b: b.rename(b.parent / "kfold"), "rename "),
        (lambda b: shutil.rmtree(b / "photo"), "missing: domain folder "),
        (lambda b: shutil.rmtree(b / "photo" / "dog"), "photo: dog"),
        (lambda b: [p.unlink() for p in (b / "photo/dog").iterdir()], "photo: no image of dog"),
        (lambda b: (b / "photo/dog/pic_000.jpg").unlink(), "photo: 20 images, expected 21: 1 miss"),
        (
            lambda b: (
                shutil.copy(b / "photo/dog/pic_000.jpg", b / "photo/cat.jpg")
                and shutil.copy(b / "photo/dog/pic_000.jpg", b / "photo/dog/x.jpg")
            ),
            "wrong: photo: 22 images, expected 21: 1 too many",
        ),
        (lambda b: replace(b / "photo/dog/pic_001.jpg", b""), "pic_001.jpg: empty file"),
        (
            lambda b: replace(b / "photo/dog/pic_001.jpg", b"<html>quota</html>"),
            "pic_001.jpg: not a readable image",
        ),
    ],
)
def test_what_is_wrong_is_named(
    pacs: Path, spoil: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(pacs / "PACS")
    status, text = say(pacs, capsys)
    assert status == 1
    assert said in text
    assert text.endswith("NOT complete\n")


def test_a_missing_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, text = say(tmp_path / "gone", capsys)
    assert status == 1
    assert text.count("missing: ") == 1
    assert "gone: no such folder" in text
    assert main(["data", "verify", "PACS"]) == 2
    assert "needs --data-root DIR; DIR/PACS/<domain>/<class>" in capsys.readouterr().err


def test_strays_are_extra_and_harmless(pacs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pacs / "PACS/__MACOSX").mkdir()
    (pacs / "PACS/photo/tmp").mkdir()
    status, text = say(pacs, capsys)
    assert status == 0
    assert "extra: " in text
    assert "__MACOSX: no domain of PACS" in text
    assert "photo: tmp; no class of PACS" in text


def test_truncated_images_need_decode(pacs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = pacs / "PACS/photo/dog/pic_001.jpg"
    replace(file, Image.effect_noise((64, 64), 50).convert("RGB"), "JPEG")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 3 // 4])
    assert "damaged" not in say(pacs, capsys)[1]
    status, text = say(pacs, capsys, "--decode")
    assert status == 0  # DomainBed reads it, and so do runs
    assert "note: 1 damaged image(s)" in text
    assert str(file) in text
    replace(pacs / "PACS/photo/dog/pic_002.jpg", b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    status, text = say(pacs, capsys, "--decode")
    assert status == 1
    assert "pic_002.jpg: not a readable image" in text
    # Runs go on reading what ends early.
    assert registry.dataset_class("PACS").as_found(pacs).samples("photo")
    from harness.data.images import decode

    assert decode(file.read_bytes(), "f").size == (64, 64)


def test_json(pacs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(pacs / "PACS/sketch")
    status, text = say(pacs, capsys, "--json")
    answer = json.loads(text)
    assert (status, answer["complete"], answer["classes"]) == (1, False, 7)
    assert {"domain": "photo", "split": "", "found": 21, "expected": 21} in answer["counts"]
    assert answer["problems"][0]["kind"] == "missing"


def test_uncertain_counts_say_about_and_may_differ_a_little(
    pacs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cls = registry.dataset_class("PACS")
    monkeypatch.setattr(cls, "counts_certain", False)
    monkeypatch.setattr(cls, "expected", {**SIZES, "photo": {"": 22}})
    status, text = say(pacs, capsys)
    assert status == 0
    assert "note: photo: 21 images, expected about 22" in text
    monkeypatch.setattr(cls, "expected", {**SIZES, "photo": {"": 23}})
    status, text = say(pacs, capsys)
    assert status == 1
    assert "photo: 21 images, expected about 23: 2 missing" in text


def test_domainnets_duplicates_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The mechanism on a miniature; test_domainbed.py checks the real numbers.
    cls = registry.dataset_class("DomainNet")
    why = next(iter(cls.known_miscounts.values()))
    assert "9,431 of 596,006" in why
    monkeypatch.setattr(cls, "expected", {d: {"": 345} for d in cls.expected})
    monkeypatch.setattr(cls, "known_miscounts", {("real", 346): why, ("sketch", 347): why})
    root = make_mini(tmp_path, "DomainNet", per_class=1)
    assert verify(cls, root).complete
    for domain, more in (("real", 1), ("sketch", 2)):
        for i in range(more):
            place = root / "domain_net" / domain / "thing_000"
            os.link(place / "pic_000.jpg", place / f"again_{i}.jpg")
    (problem,) = verify(cls, root).problems
    assert problem.kind == "wrong"  # although within what uncertain counts may differ by
    assert "real: 346 images" in problem.text
    assert "sketch: 347 images" in problem.text
    assert problem.text.count("delete the files that DomainBed's domain_net_duplicates.txt") == 1


class Split(Dataset):
    """A plugin with official splits that says things of its own and cannot always be opened."""

    name = "split"
    summary = licence = source = "test"
    expected: Mapping[str, Mapping[str, int]] = {"all": {"train": 3, "val": 0, "test": 2}}  # type: ignore[misc]
    expected_classes = 2

    def __init__(self, options: DatasetOptions, root: Path | None) -> None:
        super().__init__(options, root)
        assert root is not None
        (root / "split.json").read_text()
        self.domains, self.class_names = ("all",), ("a", "b")

    @classmethod
    def problems(cls, root: Path) -> list[str]:
        return [] if (root / "split.json").exists() else ["missing: split.json; copy it here"]

    def samples(self, domain: str) -> tuple[Sample, ...]:
        splits = ("train", "train", "test", "test", "test")
        return tuple(Sample(f"{i}.png", i % 2, domain, split=s) for i, s in enumerate(splits))

    def read(self, sample: Sample) -> bytes:
        assert self.root
        return (self.root / sample.key).read_bytes()

    def size(self, sample: Sample) -> int:
        return len(self.read(sample))


def test_any_plugin_with_official_splits(tmp_path: Path) -> None:
    nothing = verify(Split, tmp_path)
    assert [(p.kind, p.text) for p in nothing.problems] == [("missing", "split.json; copy it here")]
    (tmp_path / "split.json").touch()
    for i in range(4):
        Image.new("RGB", (2, 2)).save(tmp_path / f"{i}.png")
    found = verify(Split, tmp_path)
    assert [(c.split, c.found, c.expected) for c in found.counts] == [
        ("train", 2, 3), ("val", 0, 0), ("test", 3, 2),
    ]  # fmt: skip
    texts = [p.text for p in found.problems]
    assert texts[:2] == [
        "all train: 2 images, expected 3: 1 missing", "all test: 3 images, expected 2: 1 too many",
    ]  # fmt: skip
    assert "4.png" in texts[2]
    assert len(texts) == 3


def test_your_own_folder_and_the_embedded_data(tmp_path: Path) -> None:
    folder = verify(registry.dataset_class("folder"), make_folder(tmp_path / "d", domains=2))
    assert folder.complete
    assert [(c.found, c.expected) for c in folder.counts] == [(30, None), (30, None)]
    shutil.rmtree(tmp_path / "d" / "domain0")
    (tmp_path / "d" / "domain1").rename(tmp_path / "d" / ".hidden")
    assert "no domains" in verify(registry.dataset_class("folder"), tmp_path / "d").problems[0].text
    emoji = verify(registry.dataset_class("emoji"), None)
    assert emoji.complete
    assert {c.found for c in emoji.counts} == {512}


def test_info_on_a_folder(pacs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for verb in (["info"], ["data", "info"]):
        assert main([*verb, "PACS", "--data-root", str(pacs)]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "giraffe" in said[0]


def test_images_that_ask_to_be_turned_are_counted(
    pacs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = pacs / "PACS/photo/dog/pic_001.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    file.unlink()  # one of many links to the same bytes
    Image.new("RGB", (40, 20)).save(file, exif=exif)
    status, text = say(pacs, capsys)
    assert status == 0
    assert "note: 1 of 84 images ask to be turned (EXIF), which is ignored" in text
    assert str(file) in text
