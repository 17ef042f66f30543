"""PACS and its like, on miniatures laid out as DomainBed lays them out."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness import registry
from harness.cli.main import main
from harness.data.images import decode
from harness.dataset import Dataset
from harness.errors import UserError
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec
from harness.store.store import Store
from harness.sweep.plan import open_dataset
from tests.datasets.minis import layout, make_mini, replace

NAMES = ("PACS", "VLCS", "OfficeHome", "TerraIncognita", "DomainNet")
ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def opened(root: Path, name: str = "PACS") -> Dataset:
    return open_dataset(DatasetSpec(name=name), root)


@pytest.fixture
def pacs(tmp_path: Path) -> Path:
    return make_mini(tmp_path / "data")


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_in_domainbeds_layout(name: str, tmp_path: Path) -> None:
    data = opened(make_mini(tmp_path, name, per_class=1), name)
    _, domains, classes = layout(name)
    assert data.domains == tuple(sorted(domains))
    assert len(data.class_names) == type(data).expected_classes == len(classes)
    assert data.class_names == tuple(c.replace("_", " ") for c in sorted(classes))
    for domain in domains:
        assert [s.label for s in data.samples(domain)] == list(range(len(classes)))
    assert type(data).small is False


def test_class_names_keep_their_case() -> None:
    names = [name.replace("_", " ") for name in layout("OfficeHome")[2]]
    assert {"Alarm Clock", "TV", "ToothBrush", "Postit Notes"} <= set(names)


def test_expected_counts_are_consistent() -> None:
    totals = {
        name: sum(c[""] for c in registry.dataset_class(name).expected.values()) for name in NAMES
    }
    assert totals == {
        "PACS": 9991, "VLCS": 10729, "OfficeHome": 15588, "TerraIncognita": 24330,
        "DomainNet": 586575,
    }  # fmt: skip
    net = registry.dataset_class("DomainNet")
    more = {domain: raw - net.expected[domain][""] for domain, raw in net.known_miscounts}
    assert more == {
        "clipart": 704, "infograph": 1596, "painting": 3493, "real": 2380, "sketch": 1258,
    }  # fmt: skip
    assert totals["DomainNet"] + sum(more.values()) == 596006


def image_folder(path: Path) -> list[tuple[str, int]]:
    """What torchvision's ImageFolder lists, slowly."""
    classes = sorted(e.name for e in path.iterdir() if e.is_dir())
    return [
        (os.path.relpath(os.path.join(root, file), path), label)
        for label, name in enumerate(classes)
        for root, _, files in sorted(os.walk(path / name))
        for file in sorted(files)
        if file.lower().endswith(ENDINGS)
    ]


def domainbed_split(n: int, index: int, seed: int) -> tuple[list[int], list[int]]:
    """(in, out) as DomainBed: md5 of the tuple's text seeds numpy's shuffle; the first 20 % out."""
    digest = hashlib.md5(str((seed, index)).encode()).hexdigest()
    keys = np.arange(n)
    np.random.RandomState(int(digest, 16) % 2**31).shuffle(keys)
    return sorted(keys[int(n * 0.2) :].tolist()), sorted(keys[: int(n * 0.2)].tolist())


def test_order_and_split_are_domainbeds(pacs: Path) -> None:
    rng = np.random.default_rng(0)
    for file in sorted(pacs.glob("PACS/*/*/*.jpg")):
        name = "".join(rng.choice(list("aBz019_-. "), 6)).strip(". ") + str(rng.integers(9))
        file.rename(file.with_name(name + str(rng.choice([".jpg", ".JPG", ".Jpeg", ".png"]))))
    dog = pacs / "PACS" / "photo" / "dog"
    for sub in ("a", "a b", "a/x", "Z"):  # nested folders, which ImageFolder walks
        (dog / sub).mkdir(parents=True)
        shutil.copy(next(dog.glob("*.*")), dog / sub / "1.jpg")
    (dog / "list.txt").write_text("no image")
    data = opened(pacs)
    protocol = DomainShift()
    for index, domain in enumerate(("art_painting", "cartoon", "photo", "sketch")):
        wanted = image_folder(pacs / "PACS" / domain)
        assert [(s.key, s.label) for s in data.samples(domain)] == [
            (f"{domain}/{key}", label) for key, label in wanted
        ]
        for seed in (0, 1):
            kept, out = domainbed_split(len(wanted), index, seed)
            target = "cartoon" if domain == "photo" else "photo"
            got = protocol.sources(data, target, seed)
            assert [s.key for s in got.train[domain]] == [f"{domain}/{wanted[i][0]}" for i in kept]
            assert [s.key for s in got.val[domain]] == [f"{domain}/{wanted[i][0]}" for i in out]
            (tested,) = DomainShift(test_on="out").test_sets(data, domain, seed)
            assert [s.key for s in tested.samples] == [s.key for s in got.val[domain]]


def test_the_reference_split_has_domainbeds_seeds() -> None:
    def seed(*values: int) -> int:
        return int(hashlib.md5(str(values).encode()).hexdigest(), 16) % 2**31

    assert [seed(0, i) for i in range(3)] == [894182419, 1514274641, 1325548499]


def test_strays_are_neither_domains_nor_classes(pacs: Path) -> None:
    before = opened(pacs)
    for stray in ("__MACOSX/photo/dog", "splits", ".cache", "photo/unlabelled", "photo/.thumbs"):
        folder = pacs / "PACS" / stray
        folder.mkdir(parents=True)
        shutil.copy(pacs / "PACS/photo/dog/pic_000.jpg", folder / "x.jpg")
    shutil.copy(pacs / "PACS/photo/dog/pic_000.jpg", pacs / "PACS/photo/dog/._pic_000.jpg")
    after = opened(pacs)
    assert (after.domains, after.class_names) == (before.domains, before.class_names)
    assert after.fingerprint() == before.fingerprint()


def test_the_sets_own_folder_is_accepted(pacs: Path, tmp_path: Path) -> None:
    outer, own = opened(pacs), opened(pacs / "PACS")
    assert own.fingerprint() == outer.fingerprint()
    assert own.samples("photo") == outer.samples("photo")
    moved = tmp_path / "elsewhere"
    shutil.move(pacs / "PACS", moved)
    assert opened(moved).where(own.samples("photo")[0]) == str(moved / "photo/dog/pic_000.jpg")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda base: shutil.rmtree(base), r"missing: folder .*PACS; get it: https://drive"),
        (lambda base: base.rename(base.parent / "kfold"), r"rename .*kfold to PACS"),
        (lambda base: shutil.rmtree(base / "cartoon"), "missing: domain folder .*cartoon"),
        (
            lambda base: [shutil.rmtree(base / "photo" / c) for c in ("dog", "house")],
            "missing: class folder.* in .*photo: dog, house",
        ),
    ],
)
def test_a_half_downloaded_set_is_refused(pacs: Path, spoil: object, message: str) -> None:
    spoil(pacs / "PACS")  # type: ignore[operator]
    with pytest.raises(UserError, match=message) as caught:
        opened(pacs)
    assert "\n" not in str(caught.value)


def test_a_class_without_images_is_named(pacs: Path) -> None:
    for file in (pacs / "PACS/sketch/horse").iterdir():
        file.unlink()
    data = opened(pacs)
    assert len(data.samples("photo")) == 21
    with pytest.raises(UserError, match="sketch: no image of horse; restore"):
        data.samples("sketch")


def test_domainnet_compares_its_domains(tmp_path: Path) -> None:
    root = make_mini(tmp_path, "DomainNet", per_class=1)
    shutil.rmtree(root / "domain_net/real/thing_007")
    (root / "domain_net/sketch/stray").mkdir()
    with pytest.raises(UserError, match=r"in .*real: thing_007"):
        opened(root, "DomainNet")
    for domain in layout("DomainNet")[1]:
        shutil.rmtree(root / "domain_net" / domain / "thing_007", ignore_errors=True)
    with pytest.raises(UserError, match="344 class folders, 345 expected"):
        opened(root, "DomainNet")


def test_the_traps_among_real_files(pacs: Path) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    photo = pacs / "PACS/photo/dog"
    rgb = Image.new("RGB", (8, 8), (200, 30, 90))
    replace(photo / "pic_000.jpg", rgb.convert("CMYK"), "JPEG")
    (photo / "pic_001.jpg").unlink()
    replace(photo / "pic_001.PNG", Image.fromarray(ramp.astype(np.uint16) * 257))
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([9, 9, 9, 200, 0, 0])
    replace(photo / "pic_002.jpg", palette)  # a PNG called .jpg, as some are
    data = opened(pacs)
    cmyk, deep, coloured = (
        np.asarray(decode(data.read(s), data.where(s))) for s in data.samples("photo")[:3]
    )
    assert np.abs(cmyk.astype(int) - (200, 30, 90)).max() < 6
    assert np.array_equal(deep[..., 2], ramp)
    assert (coloured == (200, 0, 0)).all()


def test_leave_one_domain_out_on_pacs(
    pacs: Path, random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "run", "zero_shot", "finetune[steps=2,batch_per_domain=2]", "--dataset", "PACS",
        "--data-root", str(pacs), "--target", "sketch", "--model", f"local-dir:{random_clip}",
        "--store", str(tmp_path / "store"), "--cache-dir", str(tmp_path / "cache"),
        "--workers", "1", "--test-on", "out",
    ]  # fmt: skip
    assert main(command) == 0, capsys.readouterr().err
    records = list(Store(tmp_path / "store").records())
    assert {record.spec.dataset.name for record in records} == {"PACS"}
    assert {record.metrics.tests["target"].n for record in records} == {4}  # a fifth of 21
