"""What is wrong with an archive is found."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cli.main import main
from harness.errors import UserError
from tests.store.exchange.archives import Files, contents, problems, signed, tar_of, write
from tests.store.exchange.stores import spec


def edited(field: str, value: Any) -> Callable[[Files], Files]:
    """Change one field of seed 0's record, hashes in line."""

    def change(files: Files) -> Files:
        name = f"runs/{spec(0).id}/record.json"
        record = json.loads(files[name])
        at = record
        *path, last = field.split(".")
        for part in path:
            at = at[part]
        at[last] = value
        return signed(files | {name: json.dumps(record).encode()})

    return change


def repredicted(**arrays: Any) -> Callable[[Files], Files]:
    """Change seed 0's predictions, with the record's and the manifest's hashes in line."""

    def change(files: Files) -> Files:
        name = f"runs/{spec(0).id}/predictions.npz"
        old = dict(np.load(io.BytesIO(files[name])))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{k: v for k, v in (old | arrays).items() if v is not None})
        sha = hashlib.sha256(buffer.getvalue()).hexdigest()
        return edited("predictions_sha256", sha)(files | {name: buffer.getvalue()})

    return change


def without(name: str) -> Callable[[Files], Files]:
    return lambda files: {k: v for k, v in files.items() if k != name}


def with_file(name: str, data: bytes) -> Callable[[Files], Files]:
    return lambda files: files | {name: data}


def manifest(**values: Any) -> Callable[[Files], Files]:
    return lambda files: (
        files | {"manifest.json": json.dumps(json.loads(files["manifest.json"]) | values).encode()}
    )


RUN = f"runs/{spec(0).id}"
WRONG: dict[str, tuple[Callable[[Files], Files], str]] = {
    "bytes": (with_file(f"{RUN}/log.txt", b"x"), r"log.txt: its SHA-256 is not that in manifest"),
    "added": (with_file(f"runs/{'0' * 16}/log.txt", b"x"), r"log.txt: not in manifest.json"),
    "removed": (without(f"{RUN}/predictions.npz"), r"predictions.npz: in manifest.json, but not"),
    "no manifest": (without("manifest.json"), r"manifest.json is missing"),
    "format": (manifest(version=2), r"manifest.json: field 'version' is 2"),
    "schema": (manifest(record_schema=2), r"manifest.json: of format 2, .*: update"),
    "unlisted run": (manifest(runs=[spec(1).id]), r"'runs' names other runs"),
    "unlisted plan": (manifest(sweeps=[]), r"'sweeps' names other plans"),
    "unknown id": (manifest(missing=[]), rf"mine.json: run {spec(9).id} is neither inside nor"),
    "both": (manifest(missing=[spec(9).id, spec(0).id]), r"under 'runs' and under 'missing'"),
    "accuracy": (
        edited("metrics.tests.target.correct", 9),
        r"metrics.tests.target: 9 correct of 10, the predictions say 6 of 10",
    ),
    "images": (edited("metrics.tests.target.n", 9), r"6 correct of 9, the predictions say 6 of 10"),
    "impossible": (edited("metrics.source_val.twemoji.correct", 3), r"twemoji: 3 correct of 2"),
    "no image": (edited("metrics.tests.target.n", 0), r"metrics.tests.target: 6 correct of 0"),
    "test set": (
        edited("metrics.tests", {"aim": {"correct": 6, "n": 10}}),
        r"protocol domain_shift also tests 'target'",
    ),
    "seed": (edited("spec.seed", 7), rf"record.json says '{spec(0).id}', its spec's content gives"),
    "config": (edited("spec.config.steps", 4), r"its spec's content gives"),
    "id": (edited("id", "f" * 16), r"record.json: the record of run ffffffffffffffff"),
    "unknown field": (edited("novelty", 1), r"record.json: unknown field 'novelty'"),
    "record schema": (edited("schema_version", 2), r"of format 2, written by an unknown"),
    "torn": (
        lambda files: signed(files | {f"{RUN}/record.json": b'{"id'}),
        r"record.json: cannot be read as JSON",
    ),
    "deep": (
        lambda files: signed(files | {f"{RUN}/record.json": b"[" * 10**6}),
        r"nested too deeply",
    ),
    "classes": (edited("class_names", ["x", "y"]), r"class 2, but the record names 2"),
    "trained": (edited("trained_classes", [3]), r"trained_classes: not all below 3"),
    "sha": (edited("predictions_sha256", "0"), r"not the record's predictions_sha256"),
    "npz": (
        lambda files: signed(files | {f"{RUN}/predictions.npz": b"PK"}),
        r"predictions.npz: cannot be read",
    ),
    "pickle": (repredicted(label=np.array([{}] * 10)), r"predictions.npz: cannot be read .*pickle"),
    "column": (repredicted(score=None), r"holds confidence, label, prediction, test; wanted"),
    "dtype": (repredicted(label=np.zeros(10)), r"'label' is float64 \[10\]"),
    "length": (repredicted(score=np.zeros(9, np.float16)), r"'score' is float16 \[9\]"),
    "confidence": (repredicted(confidence=np.full(10, np.nan, np.float16)), r"not in 0..1"),
    "probability": (repredicted(log_probability=np.ones(10, np.float32)), r"does not fit the conf"),
    "number": (repredicted(test=np.full(10, 3, np.uint8)), r"test set 3, but the record has 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found_and_nothing_of_it_merged(
    name: str, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, wanted = WRONG[name]
    bad = write(change(contents(archive)), tmp_path / "bad.tar.gz")
    assert main(["leaderboard", "verify", str(bad)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(re.search(wanted, line) for line in lines), lines
    assert all(line.startswith(f"{bad}: ") for line in lines)
    assert str(tmp_path / "clip-bench") not in "".join(lines)
    assert main(["leaderboard", "merge", str(archive), str(bad), "--store", f"{tmp_path}/n"]) == 1
    assert not (tmp_path / "n").exists()


def test_damaged_files(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    cut = gzip.compress(gzip.decompress(whole)[: tarfile.BLOCKSIZE + 10])
    for number, data in enumerate((b"", b"text", whole[: len(whole) // 2], whole[:-4], cut)):
        file = tmp_path / f"{number}.tar.gz"
        file.write_bytes(data)
        assert problems(file)
    with pytest.raises(UserError, match="cannot be read"):
        problems(tmp_path / "none.tar.gz")
    double = tarfile.TarInfo("manifest.json")
    file = tar_of(tmp_path / "d.tar.gz", (double, b"{}"), (tarfile.TarInfo("manifest.json"), b"{}"))
    assert "inside twice" in problems(file)[0]
