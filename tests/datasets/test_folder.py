from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.dataset import check_target
from harness.errors import UserError
from harness.specs import DatasetSpec
from harness.sweep.plan import open_dataset
from tests.conftest import make_folder


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
