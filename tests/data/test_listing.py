"""Folders of images, in the order of torchvision's ImageFolder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.listing import domain_samples, folders, images
from harness.errors import UserError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_hidden_folders_macos_leftovers_and_files_are_no_folders(tmp_path: Path) -> None:
    make(tmp_path, "b/1.png", "a/1.png", ".git/1.png", "__MACOSX/1.png", "c.png")
    assert folders(tmp_path) == ["a", "b"]
    assert folders(tmp_path / "gone") == []
    assert folders(tmp_path / "c.png") == []


def test_images_in_imagefolders_order(tmp_path: Path) -> None:
    names = ("z.png", "a b/1.png", "a/2.JPEG", "a/10.png", "a/deep/0.webp")
    make(tmp_path, *names, "a/._2.jpg", "a/notes.txt", ".hidden/1.png")
    # The folder itself, then by path: "a" before "a b" before "a/deep"; in each by name.
    assert images(tmp_path) == ["z.png", "a/10.png", "a/2.JPEG", "a b/1.png", "a/deep/0.webp"]
    assert images(tmp_path, (".webp",)) == ["a/deep/0.webp"]
    assert images(tmp_path / "gone") == []


def test_a_label_is_the_place_among_the_classes(tmp_path: Path) -> None:
    make(tmp_path, "photo/dog/1.png", "photo/cat/1.png", "photo/cat/2.png", "photo/stray/1.png")
    found = domain_samples(tmp_path, "photo", ["dog", "cat", "none"])
    assert [(s.key, s.label, s.domain) for s in found] == [
        ("photo/dog/1.png", 0, "photo"),
        ("photo/cat/1.png", 1, "photo"),
        ("photo/cat/2.png", 1, "photo"),
    ]


def test_what_file_systems_leave_behind_is_left_out(tmp_path: Path) -> None:
    make(tmp_path, "a/1.png", "a/@eaDir/1.png", "@eaDir/a/1.png", "lost+found/x", "_b/1.png")
    assert folders(tmp_path) == ["_b", "a"]
    assert images(tmp_path) == ["_b/1.png", "a/1.png"]


def dangling(root: Path) -> None:
    (root / "a" / "x.png").symlink_to(root / "gone.png")


def fifo(root: Path) -> None:
    os.mkfifo(root / "a" / "x.png")


def loop(root: Path) -> None:
    (root / "a" / "up").symlink_to("..")


def ring(root: Path) -> None:
    (root / "a" / "x").symlink_to("x")


def latin(root: Path) -> None:
    (root / os.fsdecode(b"a/caf\xe9.png")).touch()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (dangling, r"a/x.png: a link to nothing; restore or delete it"),
        (fifo, r"a/x.png: no file but a pipe or device"),
        (loop, r"a/up: a link to .*, which holds it; delete the link"),
        (ring, r"a/x: too many levels of symbolic links; make it readable"),
        (latin, r"/a: the name 'caf\\xe9.png' in it is not UTF-8; rename it"),
    ],
)
def test_what_nobody_can_read_is_one_line(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    make(tmp_path, "a/1.png")
    spoil(tmp_path)
    with pytest.raises(UserError, match=message):
        images(tmp_path)


def test_a_folder_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)  # root may read everything
    with pytest.raises(UserError, match=f"{tmp_path}: permission denied; make it readable"):
        folders(tmp_path)


def test_a_link_to_another_place_is_followed(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/1.png")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").symlink_to(tmp_path / "elsewhere")
    assert images(tmp_path / "data") == ["a/1.png"]
