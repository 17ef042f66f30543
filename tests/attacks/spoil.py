"""Seeded changes to a file or a folder: of its bytes, of what it says, of what it is."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

Spoiler = Callable[[random.Random, Path], str]
"""Changes a file; returns what it did, in a few words."""

VALUES: list[Any] = [
    None, True, False, -1, 0, 1, 2, 0.5, -0.0, 1e-300, 1e308, float("nan"), float("inf"),
    10**12, -(10**30), 2**63, "", " ", "0", "1e-3", "0x10", "1_000", "٣", "½", "nan", "-inf",
    "a" * 5000, "\u202eevil", "e\u0301", "\x1b[31mred", "a\nb", "a\x00b", "../../etc/passwd",
    "/dev/zero", "~", "$HOME", "{}", "{0.__class__}", "%s", "None", "[", "]]", "name[", "'", '"',
    "#", "\ufeff", "\U0001f600",
    [], {}, [[]], [None], {"": 0}, {"name": "x"}, ["all"], ["a", "a"],
]  # fmt: skip
WORDS = [
    b"\x00", b"\xff\xfe", b"\x1b[2J", "\u202e".encode(), b"\r", b"-", b"9" * 400, b"nan", b"1e999",
    b"[" * 3000, b"{", b"}", b"*a", b"&a", b"!!python/name:os.system", b"\t", b"<<: ", b"'", b'"',
]  # fmt: skip


def bytes_(rng: random.Random, file: Path) -> str:
    """Change some bytes."""
    data = bytearray(file.read_bytes())
    at, to = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    how = rng.choice(["flip", "cut", "empty", "insert", "double", "drop", "zero", "swap", "noise"])
    match how:
        case "flip" if data:
            at = rng.randrange(len(data))
            data[at] ^= 1 << (bit := rng.randrange(8))
            how = f"flip bit {bit} of byte {at}"
        case "cut":
            del data[to:]
        case "empty":
            data.clear()
        case "insert":
            word = rng.choice(WORDS)
            data[at:at] = word
            how = f"insert {word[:12]!r} at {at}"
        case "double":
            data[to:to] = data[at:to]
        case "drop":
            del data[at : min(to, at + 40)]
        case "zero":
            data[at:to] = bytes(to - at)
        case "swap":
            data[:] = data[to:] + data[at:to] + data[:at]
        case _:
            data[at : at + 16] = rng.randbytes(16)
    file.write_bytes(data)
    return f"{how}, {at} to {to} of {len(data)}" if " " not in how else how


def text(rng: random.Random, file: Path) -> str:
    """Change a number, a word or a line."""
    lines = file.read_text().split("\n")
    at = rng.randrange(len(lines))
    words = [w for w in lines[at].replace("[", " ").replace(",", " ").split() if w]
    word = rng.choice(words) if words else ""
    value = str(rng.choice(VALUES))
    match rng.choice(["word", "line", "drop", "swap", "indent"]):
        case "word" if word:
            lines[at] = lines[at].replace(word, value, 1)
            said = f"{word!r} becomes {value[:40]!r}"
        case "line":
            lines.insert(at, lines[rng.randrange(len(lines))])
            said = f"a line again before line {at + 1}"
        case "swap":
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
            said = f"lines {at + 1} and {other + 1} change places"
        case "indent":
            lines[at] = " " * rng.randint(1, 4) + lines[at]
            said = f"line {at + 1} indented"
        case _:
            del lines[at]
            said = f"line {at + 1} is gone"
    file.write_text("\n".join(lines), errors="surrogateescape")
    return said


def _nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    return [path, *(node for key, inner in items for node in _nodes(inner, (*path, key)))]


def _at(whole: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        whole = whole[key]
    return whole


def _read(file: Path) -> Any:
    return (json.loads if file.suffix == ".json" else yaml.safe_load)(file.read_text())


def _write(file: Path, whole: Any) -> None:
    if file.suffix == ".json":
        file.write_text(json.dumps(whole))
    else:
        file.write_text(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True))


def numbers(rng: random.Random, file: Path) -> str:
    """Change a number a little: what no look at the file would find."""
    whole = _read(file)
    found = [path for path in _nodes(whole) if type(_at(whole, path)) in (int, float)]
    path = rng.choice(found)
    at = _at(whole, path[:-1])
    at[path[-1]] += rng.choice([1, -1, 0.5, 10])
    _write(file, whole)
    return f"{'.'.join(map(str, path))} becomes {at[path[-1]]}"


def values(rng: random.Random, file: Path) -> str:
    """Change what a JSON or YAML file says, and leave it readable."""
    whole = _read(file)
    path = rng.choice(_nodes(whole)[1:])
    at, last, value = _at(whole, path[:-1]), path[-1], rng.choice(VALUES)
    siblings = list(at) if isinstance(at, dict) else list(range(len(at)))
    name = ".".join(map(str, path))
    match rng.choice(["set", "set", "set", "drop", "rename", "swap", "nest", "double"]):
        case "drop":
            del at[last]
            said = f"{name} is gone"
        case "rename" if isinstance(at, dict):
            at[str(last)[:-1] + rng.choice(["", "s", "\u0430", " "])] = at.pop(last)
            said = f"{name} has another key"
        case "swap":
            other = rng.choice(siblings)
            at[last], at[other] = at[other], at[last]
            said = f"{name} and {other} change places"
        case "nest":
            for _ in range(rng.choice([1, 200])):
                at[last] = [at[last]]
            said = f"{name} is nested"
        case "double" if isinstance(at, list):
            at.append(at[last])
            said = f"{name} twice"
        case _:
            at[last] = value
            said = f"{name} becomes {value!r:.40}"
    _write(file, whole)
    return said


def arrays(rng: random.Random, file: Path) -> str:
    """Change an array of an npz file, and leave it readable."""
    with np.load(file) as old:
        found = {name: old[name].copy() for name in old.files}
    name = rng.choice(sorted(found))
    how = rng.choice(["one", "drop", "short", "type", "nan", "swap", "shape"])
    match how:
        case "one":
            found[name][rng.randrange(len(found[name]))] += 1
        case "drop":
            del found[name]
        case "short":
            found = {key: array[:-1] for key, array in found.items()}
        case "type":
            found[name] = found[name].astype(rng.choice(["float64", "U5", "bool", "int64"]))
        case "nan":
            found["confidence"][:] = rng.choice([np.nan, np.inf, -1])
        case "swap":
            found["label"], found["prediction"] = found["prediction"], found["label"]
        case _:
            found[name] = found[name][None]
    np.savez_compressed(file, **found)
    return f"{how} in {name}"


def place(rng: random.Random, file: Path, more: Sequence[str] = ()) -> str:
    """Put something else where a file is, or nothing."""
    how = rng.choice(["gone", "folder", "dangling link", "link to itself", "device", "link", *more])
    kept = file.read_bytes()
    file.unlink()
    match how:
        case "folder":
            file.mkdir()
        case "dangling link":
            file.symlink_to("nowhere")
        case "link to itself":
            file.symlink_to(file.name)
        case "pipe":
            os.mkfifo(file)
        case "device":
            file.symlink_to("/dev/null")
        case "link":
            file.with_name("moved").write_bytes(kept)
            file.symlink_to("moved")
    return how


def inside(rng: random.Random, file: Path) -> str:
    """Do so with a file that the program finds by itself: who names a pipe means to wait for it."""
    return place(rng, file, ["pipe"])


def tree(rng: random.Random, folder: Path) -> str:
    """Change names and kinds in a folder of folders of images."""
    images = sorted(folder.rglob("*.png"))
    image = rng.choice(images)
    parent, bad = image.parent, os.fsdecode(b"\xff\xfe")
    changes: dict[str, Callable[[], object]] = {
        "an image is gone": lambda: os.unlink(image),
        "a class is gone": lambda: shutil.rmtree(parent),
        "a domain is gone": lambda: shutil.rmtree(parent.parent),
        "a domain is empty": lambda: [os.unlink(p) for p in parent.parent.rglob("*.png")],
        "a text file beside": lambda: (parent / "notes.txt").write_text("x"),
        "a text called .png": lambda: (parent / "0.png").write_text("x"),
        "an empty image": lambda: image.write_bytes(b""),
        "another copy": lambda: shutil.copy(image, parent / "copy.png"),
        "capital ending": lambda: image.rename(image.with_suffix(".PNG")),
        "hidden image": lambda: image.rename(parent / ".hidden.png"),
        "hidden folder": lambda: (folder / ".git").mkdir(),
        "name not UTF-8": lambda: image.rename(parent / f"{bad}.png"),
        "class not UTF-8": lambda: parent.rename(parent.with_name(bad)),
        "line break in a name": lambda: image.rename(parent / "a\nb.png"),
        "escape in a name": lambda: parent.rename(parent.with_name("\x1b[31mred")),
        "long name": lambda: image.rename(parent / ("n" * 240 + ".png")),
        "accents twice": lambda: [(parent.parent / n).mkdir() for n in ("e\u0301", "\u00e9")],
        "class differs in case": lambda: parent.rename(parent.with_name(parent.name.upper())),
        "spaces": lambda: parent.rename(parent.with_name("  ")),
        "class with braces": lambda: parent.rename(parent.with_name("{0}{}")),
        "a folder called .png": lambda: (parent / "folder.png").mkdir(),
        "a pipe": lambda: os.mkfifo(parent / "pipe.png"),
        "a dangling link": lambda: (parent / "link.png").symlink_to("nowhere.png"),
        "a link to itself": lambda: (parent / "loop").symlink_to("."),
        "a link to a link": lambda: (parent / "loop.png").symlink_to("loop.png"),
        "an image as class": lambda: shutil.copy(image, parent.parent / "stray.png"),
        "an image as domain": lambda: shutil.copy(image, folder / "stray.png"),
        "another image's bytes": lambda: shutil.copy(rng.choice(images), image),
        "one more domain": lambda: shutil.copytree(parent.parent, folder / "domain10"),
        "images too deep": lambda: shutil.move(parent, (parent.parent / "deep" / "er")),
        "the root is a file": lambda: (shutil.rmtree(folder), folder.write_text("x")),
        "the root is gone": lambda: shutil.rmtree(folder),
    }  # fmt: skip
    how = rng.choice(list(changes))
    changes[how]()
    return f"{how}, {image.relative_to(folder)}"
