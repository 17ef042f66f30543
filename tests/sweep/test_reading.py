"""YAML files of users: what is read, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.sweep.reading import read_yaml


def read(tmp_path: Path, text: str | bytes) -> object:
    file = tmp_path / "file.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(file)


def test_a_number_without_a_dot_before_its_exponent_is_a_number(tmp_path: Path) -> None:
    assert read(tmp_path, "[1e-4, 1.0e-4, -2E3, 1e, 5, a1e-4]") == [
        1e-4,
        1e-4,
        -2e3,
        "1e",
        5,
        "a1e-4",
    ]


def test_merge_keys_still_work(tmp_path: Path) -> None:
    text = "base: &b {lr: 1, steps: 2}\nrow: {<<: *b, lr: 3}\n"
    assert read(tmp_path, text) == {"base": {"lr": 1, "steps": 2}, "row": {"lr": 3, "steps": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr: 1\nsteps: 2\nlr: 3\n", "key 'lr' is there twice, line 3"),
        ("a: {b: 1, b: 2}", "key 'b' is there twice, line 1"),
        ("a: [1", "not valid YAML"),
        ("a: !!python/object/apply:os.system [echo]", "not valid YAML"),
        (b"a: \xff\xfe", "it is not UTF-8"),
        ("a: 2001-99-99", "not valid YAML (month must be in 1..12)"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    said = str(caught.value)
    assert message in said
    assert said.startswith(str(tmp_path / "file.yaml"))
    assert "\n" not in said


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\)"):
        read_yaml(tmp_path)
