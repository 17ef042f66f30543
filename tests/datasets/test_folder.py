from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from harness.data.images import decode
from harness.dataset import Dataset, check_target
from harness.errors import UserError
from harness.specs import DatasetSpec
from harness.sweep.plan import open_dataset
from tests.conftest import make_folder

PARTS = ("train", "test")


def test_domains_classes_and_order(image_folder: Path) -> None:
    data = open_dataset(DatasetSpec(name="folder"), image_folder)
    assert data.domains == ("domain0", "domain1", "domain2")
    assert data.class_names == ("blue thing", "green thing", "red thing")
    keys = [s.key for s in data.samples("domain1")]
    assert keys == sorted(keys)
    assert keys[0] == "domain1/blue_thing/00.png"
    assert [s.label for s in data.samples("domain1")] == [0] * 10 + [1] * 10 + [2] * 10


def test_endings_in_upper_case_count_and_other_files_do_not(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "d", domains=2)
    folder = root / "domain0" / "red_thing"
    (folder / "00.png").rename(folder / "00.PNG")
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.png").write_text("x")
    (root / ".cache").mkdir()
    (root / "__MACOSX").mkdir()
    data = open_dataset(DatasetSpec(name="folder"), root)
    assert data.domains == ("domain0", "domain1")
    assert len(data.samples("domain0")) == 30


def test_the_fingerprint_is_of_the_content_not_of_the_place(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "one", domains=2)
    two = tmp_path / "elsewhere" / "two"
    shutil.copytree(one, two)

    def fingerprint(root: Path) -> str:
        return open_dataset(DatasetSpec(name="folder"), root).fingerprint()

    before = fingerprint(one)
    assert before == fingerprint(two)
    (two / "domain0" / "red_thing" / "00.png").unlink()
    assert fingerprint(two) != before


def test_one_domain_is_an_error_with_the_fix(tmp_path: Path) -> None:
    data = open_dataset(DatasetSpec(name="folder"), make_folder(tmp_path / "d", domains=1))
    with pytest.raises(UserError, match=r"has one domain \(domain0\).*add a folder") as caught:
        check_target(data, "domain0")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: shutil.rmtree(root), "no such folder"),
        (lambda root: [shutil.rmtree(p) for p in root.iterdir()], "no domains; expected DIR/"),
        (lambda root: [p.unlink() for p in root.glob("domain1/*/*")], "'domain1' has 0 image"),
        (
            lambda root: [shutil.rmtree(p) for n in "gb" for p in root.glob(f"*/{n}*")],
            "1 class folder",
        ),
    ],
)
def test_bad_layouts(tmp_path: Path, spoil: object, message: str) -> None:
    root = make_folder(tmp_path / "d", domains=2)
    spoil(root)  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        open_dataset(DatasetSpec(name="folder"), root)


def test_without_a_root() -> None:
    with pytest.raises(UserError, match="needs --data-root DIR"):
        open_dataset(DatasetSpec(name="folder"), None)


def test_an_unknown_option_is_named(image_folder: Path) -> None:
    with pytest.raises(UserError, match="unknown field 'templat': did you mean template"):
        open_dataset(DatasetSpec(name="folder", options={"templat": "{}"}), image_folder)


def opened(root: Path, **options: object) -> Dataset:
    return open_dataset(DatasetSpec(name="folder", options=options), root)


def under_parts(root: Path) -> None:
    for domain in list(root.iterdir()):
        for part in ("train", "test"):
            shutil.copytree(domain, root / "new" / domain.name / part)
        shutil.rmtree(domain)
    for domain in (root / "new").iterdir():
        domain.rename(root / domain.name)
    (root / "new").rmdir()


def another_class(*names: str) -> Callable[[Path], None]:
    def add(root: Path) -> None:
        for name in names:
            shutil.copytree(root / "domain0" / "red_thing", root / "domain0" / name)

    return add


def another_domain(root: Path) -> None:
    (root / "domain0").rename(root / "a b")
    shutil.copytree(root / "a b", root / "a  b")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (under_parts, "test, train in domain 'domain0' hold class folders: they are parts, not"),
        (
            lambda root: [(root / f"domain{i}").rename(root / p) for i, p in enumerate(PARTS)],
            "test, train are parts of one data set, not domains",
        ),
        (another_class("red thing"), "classes 'red thing' and 'red_thing' differ in blanks, case"),
        (another_class("Red_Thing"), "classes 'Red_Thing' and 'red_thing' differ .*: their prompt"),
        (another_class("caf\u00e9", "cafe\u0301"), r"classes 'cafe\\u0301' and 'caf\\xe9' differ"),
        (another_class("a &amp; b", "a & b"), "classes 'a & b' and 'a &amp; b' differ"),
        (another_domain, "domains 'a  b' and 'a b' differ in blanks.*a table would show them as"),
    ],
)
def test_folders_that_would_be_misread_are_refused(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    root = make_folder(tmp_path / "d", domains=2)
    spoil(root)
    with pytest.raises(UserError, match=message):
        opened(root)


def test_folders_of_odd_names_are_read(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "d", domains=2)
    another_class("_background_noise_", "test")(root)
    (root / "domain1").rename(root / "art  painting")
    data = opened(root)
    assert data.domains == ("art  painting", "domain0")
    assert {" background noise ", "test"} < set(data.class_names)


def test_endings_of_cameras_and_browsers_count_and_the_rest_is_named(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "d", domains=2)
    folder = root / "domain0" / "red_thing"
    for i, ending in enumerate((".jfif", ".jpe", ".gif", ".heic", "")):
        (folder / f"0{i}.png").rename(folder / f"0{i}{ending}")
    (root / "domain0" / "stray.png").write_bytes((folder / "05.png").read_bytes())
    shutil.rmtree(root / "domain1" / "red_thing")
    data = opened(root)
    assert len(data.samples("domain0")) == 28
    first, second, third = data.notes()
    assert "left out by their ending: 1 without, 1 .heic; read are" in first
    assert second.endswith("1 image(s) in no class folder, left out")
    assert third.startswith(
        "domain 'domain1' has no image of red thing: its accuracy is over fewer"
    )
    clean = make_folder(tmp_path / "clean", domains=2)
    assert opened(clean).notes() == []


def test_orientation_is_ignored_or_followed_as_asked(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "d", domains=2)
    file = root / "domain0" / "red_thing" / "00.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned by 90 degrees
    picture = Image.effect_noise((40, 20), 90).convert("RGB")
    picture.save(file, exif=exif)
    for turned, size in ((False, (40, 20)), (True, (20, 40))):
        data = opened(root, exif=turned)
        sample = next(s for s in data.samples("domain0") if s.key.endswith("00.jpg"))
        image = decode(data.read(sample), "f")
        assert image.size == size
        stored = decode(file.read_bytes(), "f")
        wanted = stored.transpose(Image.Transpose.ROTATE_270) if turned else stored
        assert np.array_equal(np.asarray(image), np.asarray(wanted))
