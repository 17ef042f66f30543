"""Folders of images, in the order of torchvision's ImageFolder."""

from __future__ import annotations

from pathlib import Path

from harness.data.listing import domain_samples, folders, images


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
