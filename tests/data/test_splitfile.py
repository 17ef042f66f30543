"""Split files: what is read, and what is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.data.splitfile import class_names, read_json
from harness.errors import UserError

ROWS: dict[str, list[Any]] = {
    "train": [["a/1.jpg", 0, "big_cat"], ["b/1.jpg", 1, "dog"]],
    "val": [],
    "test": [["a/2.jpg", 0, "big_cat"]],
}


def written(tmp_path: Path, content: Any) -> Path:
    file = tmp_path / "split.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_rows_and_names(tmp_path: Path) -> None:
    file = written(tmp_path, ROWS)
    rows = read_json(file, "")
    assert rows["train"] == [("a/1.jpg", 0, "big_cat"), ("b/1.jpg", 1, "dog")]
    assert class_names(rows, {"dog": "small_dog"}, file) == ("big cat", "small dog")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ({"train": [], "val": []}, "needs the lists train, val, test"),
        (ROWS | {"val": [["/etc/x", 0, "c"]]}, "'val' is not"),
        (ROWS | {"val": [["a/../../x", 0, "c"]]}, "'val' is not"),
        (ROWS | {"val": [["a/1.jpg", -1, "c"]]}, "'val' is not"),
        (ROWS | {"val": [["a/1.jpg", 0]]}, "'val' is not"),
    ],
)
def test_a_file_that_is_no_split(content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_json(written(tmp_path, content), "")
    assert message in str(caught.value)
    assert "split.json" in str(caught.value)


def test_a_missing_file_says_what_the_caller_says(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="copy it here"):
        read_json(tmp_path / "gone", "copy it here")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a/9.jpg", 0, "cow"), "label 0 is both 'big_cat' and 'cow'"),
        (("c/1.jpg", 3, "cow"), "no image has label 2"),
    ],
)
def test_labels_with_two_names_and_gaps(row: tuple[str, int, str], message: str) -> None:
    rows: Any = {split: [tuple(r) for r in found] for split, found in ROWS.items()}
    rows["val"] = [row]
    with pytest.raises(UserError, match=message):
        class_names(rows, {}, Path("split.json"))
