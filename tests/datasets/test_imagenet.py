from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from harness import registry
from harness.data.verify import verify
from harness.errors import UserError
from harness.specs import DatasetSpec
from harness.sweep.plan import open_dataset
from tests.datasets.miniature import IMAGENET, IMAGENET_A, IMAGENET_R, IMAGENETS, make

PER_CLASS = 4
WNIDS = list(IMAGENET)
HOMES = {
    "ImageNet": "imagenet", "ImageNetV2": "imagenetv2", "ImageNetSketch": "imagenet-sketch",
    "ImageNetA": "imagenet-adversarial", "ImageNetR": "imagenet-rendition",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("ImageNetShift", tmp_path_factory.mktemp("imagenet"), PER_CLASS)


@pytest.mark.parametrize("name", IMAGENETS)
def test_alone(whole: Path, name: str) -> None:
    data = open_dataset(DatasetSpec(name=name), whole)
    wnids = {"ImageNetA": sorted(IMAGENET_A), "ImageNetR": sorted(IMAGENET_R)}.get(name, WNIDS)
    assert data.domains == (name,)
    assert data.class_names == tuple(IMAGENET[wnid] for wnid in wnids)
    assert data.classes_of(name) == tuple(range(len(wnids)))
    samples = data.samples(name)
    expected = {"test": 2 * len(wnids)}
    if name == "ImageNet":
        expected["train"] = PER_CLASS * len(wnids)
    assert Counter(s.split for s in samples) == expected
    assert [s.split for s in samples] == sorted((s.split for s in samples), reverse=True)
    for split in expected:
        part = [s for s in samples if s.split == split]
        # The miniature's file names begin with the true wnid, whatever the folder is called.
        assert [wnids[s.label] for s in part] == [s.key.split("/")[-1].split("_")[0] for s in part]
        assert [s.label for s in part] == sorted(s.label for s in part)
    assert all(data.read(s)[:2] == b"\xff\xd8" for s in samples)


def test_v2_folders_are_numbers_not_text(whole: Path) -> None:
    samples = open_dataset(DatasetSpec(name="ImageNetV2"), whole).samples("ImageNetV2")
    assert [int(s.key.split("/")[-2]) for s in samples] == [s.label for s in samples]
    assert [s.label for s in samples] == [label for label in range(12) for _ in range(2)]


def test_v2_numbers_follow_the_sorted_wnids_whatever_the_files_order(tmp_path: Path) -> None:
    make("ImageNetV2", tmp_path)
    names = tmp_path / "imagenetv2" / "classnames.txt"
    names.write_text("\n".join(reversed(names.read_text().splitlines())) + "\n\n")
    data = open_dataset(DatasetSpec(name="ImageNetV2"), tmp_path)
    assert data.class_names == tuple(IMAGENET.values())
    assert all(s.key.split("/")[-1].startswith(WNIDS[s.label]) for s in data.samples("ImageNetV2"))


def test_the_five_as_domains_share_one_class_list(whole: Path) -> None:
    data = open_dataset(DatasetSpec(name="ImageNetShift"), whole)
    assert data.domains == tuple(sorted(IMAGENETS))
    assert data.source_domain == "ImageNet"
    assert data.class_names == tuple(IMAGENET.values())
    keys = []
    for domain in data.domains:
        samples = data.samples(domain)
        assert {s.domain for s in samples} == {domain}
        assert all(s.key.split("/")[-1].startswith(WNIDS[s.label]) for s in samples)
        assert sorted({s.label for s in samples}) == list(data.classes_of(domain))
        keys += [s.key for s in samples]
        assert data.read(samples[-1])[:2] == b"\xff\xd8"
    assert len(set(keys)) == len(keys)
    assert data.classes_of("ImageNetA") == tuple(sorted(WNIDS.index(w) for w in IMAGENET_A))
    assert data.classes_of("ImageNetR") == tuple(sorted(WNIDS.index(w) for w in IMAGENET_R))
    assert data.classes_of("ImageNetSketch") == tuple(range(12))


def test_a_missing_variant_is_an_error_when_it_is_asked_for(tmp_path: Path) -> None:
    make("ImageNet", tmp_path)
    make("ImageNetV2", tmp_path)
    data = open_dataset(DatasetSpec(name="ImageNetShift"), tmp_path)
    assert data.samples("ImageNetV2")
    before = data.fingerprint()
    for ask in (data.samples, data.classes_of):
        with pytest.raises(
            UserError, match=r"missing: folder .*imagenet-a; get it: http"
        ) as caught:
            ask("ImageNetA")
        assert "\n" not in str(caught.value)
    assert data.fingerprint() == before
    found = registry.dataset_class("ImageNetShift").problems(tmp_path)
    assert sum("missing: folder" in line for line in found) == 3
    verdict = verify(registry.dataset_class("ImageNetShift"), tmp_path)
    counts = {(c.domain, c.split): c.found for c in verdict.counts}
    assert counts["ImageNet", "train"] == 48
    assert counts["ImageNetR", "test"] == 0


def test_the_fingerprint_tells_copies_apart(tmp_path: Path) -> None:
    def fingerprint(root: Path) -> str:
        return open_dataset(DatasetSpec(name="ImageNet"), root).fingerprint()

    one, two = make("ImageNet", tmp_path / "1"), make("ImageNet", tmp_path / "2")
    assert fingerprint(one) == fingerprint(two) == fingerprint(two / "imagenet")
    folder = two / "imagenet" / "images" / "val" / WNIDS[3]
    names = sorted(folder.iterdir())
    names[0].write_bytes(names[0].read_bytes() + b"longer")
    assert fingerprint(one) != fingerprint(two)
    shutil.copy(one / names[0].relative_to(two), names[0])
    assert fingerprint(one) == fingerprint(two)
    names[1].unlink()
    assert fingerprint(one) != fingerprint(two)


def test_class_names_of_imagenet_beside_it_will_do(tmp_path: Path) -> None:
    make("ImageNetR", tmp_path)
    (tmp_path / "imagenet-rendition" / "classnames.txt").unlink()
    with pytest.raises(UserError, match=r"missing: file .*classnames.txt; get it: http"):
        open_dataset(DatasetSpec(name="ImageNetR"), tmp_path)
    make("ImageNet", tmp_path, per_class=1)
    data = open_dataset(DatasetSpec(name="ImageNetR"), tmp_path)
    assert data.class_names == tuple(IMAGENET[wnid] for wnid in sorted(IMAGENET_R))


def test_stray_files_and_endings(tmp_path: Path) -> None:
    make("ImageNetSketch", tmp_path)
    images = tmp_path / "imagenet-sketch" / "images"
    folder = images / WNIDS[0]
    first = sorted(folder.iterdir())[0]
    first.rename(first.with_suffix(".PNG"))
    for stray in (images / "README.txt", folder / "notes.txt", folder / "._x.JPEG"):
        stray.write_text("x")
    (images / "__MACOSX").mkdir()
    data = open_dataset(DatasetSpec(name="ImageNetSketch"), tmp_path)
    assert [s.key.split("/")[-1] for s in data.samples("ImageNetSketch") if s.label == 0] == [
        f"{WNIDS[0]}_0.PNG",
        f"{WNIDS[0]}_1.JPEG",
    ]


def flat(images: Path) -> None:
    for folder in (images / "val").iterdir():
        for file in folder.iterdir():
            file.rename(images / "val" / file.name)
        folder.rmdir()


def drop_images(images: Path) -> None:
    for file in (images / "train" / WNIDS[2]).iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (flat, "val has no class folders"),
        (lambda images: shutil.rmtree(images / "train"), "missing: folder .*train; get it: http"),
        (lambda images: (images / "val" / "n99999999").mkdir(), "n99999999: expected the wnids"),
        (lambda images: shutil.rmtree(images.parent), "missing: folder .*imagenet; get it: http"),
        (drop_images, f"train/{WNIDS[2]} holds no image"),
        (
            lambda images: (images.parent / "classnames.txt").write_text("n01440764\n"),
            "line 1: 'n01440764' is not '<wnid> <name>'",
        ),
        (
            lambda images: (images.parent / "classnames.txt").write_text("n1 a\n\nn1 b\n"),
            "line 3: n1 stands twice",
        ),
    ],
)
def test_bad_layouts(tmp_path: Path, spoil: object, message: str) -> None:
    make("ImageNet", tmp_path, per_class=1)
    spoil(tmp_path / "imagenet" / "images")  # type: ignore[operator]
    with pytest.raises(UserError, match=message) as caught:
        open_dataset(DatasetSpec(name="ImageNet"), tmp_path).samples("ImageNet")
    assert "\n" not in str(caught.value)
    verdict = verify(registry.dataset_class("ImageNet"), tmp_path)
    assert not verdict.complete


def test_problems_names_the_first_class_without_a_folder(tmp_path: Path) -> None:
    make("ImageNetSketch", tmp_path, per_class=1)
    shutil.rmtree(tmp_path / "imagenet-sketch" / "images" / WNIDS[5])
    found = registry.dataset_class("ImageNetSketch").problems(tmp_path)
    assert any(
        f"has 11 class folders, expected 1,000, first without {WNIDS[5]}" in p for p in found
    )
