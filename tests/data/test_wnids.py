"""WordNet ids: their names, and folders called by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.wnids import class_folders, read_class_names
from harness.errors import UserError

WNIDS = ["n01", "n02", "n03"]


def test_names_by_wnid_in_order(tmp_path: Path) -> None:
    file = tmp_path / "classnames.txt"
    file.write_text("\ufeffn02 great_white shark\n\nn01  tench\n", encoding="utf-8")
    assert list(read_class_names(file, "").items()) == [
        ("n01", "tench"), ("n02", "great white shark"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n01 a\nn02\n", "line 2: 'n02' is not '<wnid> <name>'"),
        ("n01 a\nn01 b\n", "line 2: n01 stands twice"),
    ],
)
def test_a_bad_line_is_named(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "classnames.txt"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        read_class_names(file, "")


def test_a_missing_file_says_what_the_caller_says(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^get it there$"):
        read_class_names(tmp_path / "gone", "get it there")


@pytest.mark.parametrize(("numbered", "names"), [(False, ("n03", "n01")), (True, ("2", "0"))])
def test_folders_by_wnid(numbered: bool, names: tuple[str, str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    found = class_folders(tmp_path, WNIDS, numbered)
    assert list(found.items()) == [("n01", names[1]), ("n03", names[0])]


def test_a_folder_that_is_no_class_and_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"missing: .* has no class folders"):
        class_folders(tmp_path, WNIDS, False)
    (tmp_path / "3").mkdir()
    with pytest.raises(UserError, match=r"folder .*3: expected 0 to 2"):
        class_folders(tmp_path, WNIDS, True)
    with pytest.raises(UserError, match=r"folder .*3: expected the wnids of classnames.txt"):
        class_folders(tmp_path, WNIDS, False)
