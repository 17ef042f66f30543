"""Results go from one store to another, and nothing wrong or private goes along."""

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

from harness.cli import main
from harness.errors import UserError
from harness.exchange import unpack
from harness.exchange.archive import export, pack
from harness.exchange.merge import merge
from harness.exchange.verify import received
from harness.redact import safe_spec, safe_text
from harness.specs import DatasetSpec, ModelSpec, ProtocolSpec
from harness.store import Store, SweepPlan
from tests.exchange.stores import SECRET, filled, made, spec

Files = dict[str, bytes]


def contents(file: Path) -> Files:
    with tarfile.open(file) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore[union-attr]


def write(files: Files, out: Path) -> Path:
    pack({name: (lambda data=data: data) for name, data in files.items()}, out)  # type: ignore[misc]
    return out


def problems(file: Path) -> list[str]:
    with received(file) as archive:
        return list(archive.problems)


def signed(files: Files) -> Files:
    """Bring the manifest's hashes in line with the files, as a forger would."""
    manifest = json.loads(files["manifest.json"])
    manifest["files"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in files.items()
        if name != "manifest.json"
    }
    return files | {"manifest.json": json.dumps(manifest).encode()}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    export(filled(tmp_path / "store", spec(0), spec(1)), tmp_path / "a.tar.gz", logs=True)
    return tmp_path / "a.tar.gz"


def test_the_same_store_gives_the_same_bytes_whatever_the_clock_and_the_owner(
    tmp_path: Path,
) -> None:
    store = filled(tmp_path / "store", spec(0), spec(1))
    manifest = export(store, tmp_path / "a.tar.gz")
    for path in store.root.rglob("*.json"):
        path.touch()
        path.chmod(0o600)
    export(store, tmp_path / "deeper" / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "deeper/b.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        names = tar.getnames()
        assert names == sorted(names)
        assert {(m.mtime, m.uid, m.uname, m.mode) for m in tar} == {(0, 0, "", 0o644)}
    assert manifest.runs == tuple(sorted([spec(0).id, spec(1).id]))
    assert manifest.missing == (spec(9).id,)
    assert manifest.code == {"a" * 40: 2}
    assert problems(tmp_path / "a.tar.gz") == []


def test_one_sweep_and_no_weights(tmp_path: Path) -> None:
    store = filled(tmp_path / "store", spec(0))
    store.write(*made(spec(5)))
    work = store.work_dir(spec(9).id)
    work.mkdir(parents=True)
    (work / "checkpoint.pt").write_bytes(b"weights")
    export(store, tmp_path / "all.tar.gz")
    export(store, tmp_path / "mine.tar.gz", sweep="mine")
    of_sweep = contents(tmp_path / "mine.tar.gz")
    run = f"runs/{spec(0).id}"
    assert set(of_sweep) == {
        "manifest.json", f"{run}/record.json", f"{run}/predictions.npz", "sweeps/mine.json",
    }  # fmt: skip
    more = set(contents(tmp_path / "all.tar.gz")) - set(of_sweep)
    assert more == {f"runs/{spec(5).id}/{name}" for name in ("record.json", "predictions.npz")}
    with pytest.raises(UserError, match="unknown sweep 'mien': did you mean mine"):
        export(store, tmp_path / "x.tar.gz", sweep="mien")
    with pytest.raises(UserError, match=r"store: cannot be written \(Is a directory\); choose"):
        export(store, tmp_path / "store")
    (store.run_dir(spec(5).id) / "predictions.npz").unlink()
    with pytest.raises(UserError, match=r"predictions.npz: No such file or directory; restore"):
        export(store, tmp_path / "x.tar.gz")
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(UserError, match="no finished run to export"):
        export(Store(tmp_path / "empty"), tmp_path / "x.tar.gz")


def test_nothing_private_is_inside_unless_asked_for(archive: Path, tmp_path: Path) -> None:
    inside = b"".join(contents(archive).values()).decode("latin-1")
    for word in SECRET:
        assert word not in inside
    assert "https://example.org/paper" in inside
    record = json.loads(contents(archive)[f"runs/{spec(0).id}/record.json"])
    assert record["provenance"]["host"] == "withheld"
    assert record["provenance"]["command"] == ["run.py", "run", "--data-root=d"]
    assert record["spec"]["label"] == "ours [file=x.yaml]"
    export(Store(tmp_path / "store"), tmp_path / "b.tar.gz", keep_host=True)
    kept = b"".join(contents(tmp_path / "b.tar.gz").values()).decode("latin-1")
    assert "gpu17.lab.example" in kept
    assert "/home/jane/Secret Project/clip" in kept
    assert problems(tmp_path / "b.tar.gz") == []


@pytest.mark.parametrize(
    "model",
    [
        ModelSpec(name="local-dir:/home/jane/clip", fingerprint="f"),
        ModelSpec(name="local-dir:../jane/clip", fingerprint="f"),
        ModelSpec(name="local-dir:clip", fingerprint="f"),
        ModelSpec(name="ViT-B-16", pretrained="/home/jane/w.pt", fingerprint="f"),
        ModelSpec(name="ViT-B-16", pretrained="w.pt", fingerprint="f"),
        ModelSpec(name="hf-hub:jane/clip"),
        ModelSpec(name="ViT-B-16", pretrained="openai"),
    ],
    ids=lambda model: model.title(),
)
def test_an_identity_survives_the_loss_of_its_places(model: ModelSpec) -> None:
    given = spec(model=model)
    safe = safe_spec(given)
    assert safe.id == given.id
    if model.fingerprint:
        assert "jane" not in safe.model.title()
    else:
        assert safe.model == model


def test_a_path_that_is_part_of_the_identity_is_not_exported_unseen(tmp_path: Path) -> None:
    options = {"template": "a photo", "list": "/home/jane/list.txt"}
    run = spec(dataset=DatasetSpec(name="emoji", options=options))
    store = filled(tmp_path / "store", run)
    with pytest.raises(UserError, match=r"spec.dataset.options.list is the path '/home/jane/list"):
        export(store, tmp_path / "a.tar.gz")
    planned = filled(tmp_path / "planned", spec(0))
    planned.write_plan(SweepPlan(name="later", source={}, runs=(run,)))
    with pytest.raises(UserError, match=r"spec.dataset.options.list is the path '/home/jane/list"):
        export(planned, tmp_path / "a.tar.gz")
    assert not (tmp_path / "a.tar.gz").exists()
    export(store, tmp_path / "a.tar.gz", keep_host=True)
    assert problems(tmp_path / "a.tar.gz") == []


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("/home/jane/a b/c", "c"),
        ("~/x/y.py", "y.py"),
        ("~jane/x", "x"),
        ("--store=/a/b", "--store=b"),
        ("in '/a/b/c.py', line 3: /d/e: no", "in 'c.py', line 3: e: no"),
        ("file:///home/jane/x", "file://x"),
        ("ViT-B/16 and/or https://a.org/b/c", "ViT-B/16 and/or https://a.org/b/c"),
        ("a photo of a {} / drawing", "a photo of a {} / drawing"),
        ("results/mine ../x ./y", "results/mine ../x ./y"),
    ],
)
def test_paths_in_texts(text: str, safe: str) -> None:
    assert safe_text(text) == safe
    assert safe_text(safe) == safe


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
    "schema": (manifest(record_schema=2), r"records of schema 2, this version reads 1"),
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
    "id": (edited("id", "f" * 16), r"record.json says 'ffffffffffffffff'"),
    "unknown field": (edited("novelty", 1), r"record.json: unknown field 'novelty'"),
    "record schema": (edited("schema_version", 2), r"schema 2, this version reads 1"),
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


def tar_of(out: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(out, "w:gz") as tar:
        for entry, data in entries:
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../x", "runs/../../x", f"{RUN}/../../../x", f"{RUN}/checkpoint.pt",
        "sweeps/../../x.json", "sweeps/.hidden.json", f"./{RUN}/record.json",
    ],
)  # fmt: skip
def test_a_strange_name_is_not_written(name: str, tmp_path: Path) -> None:
    file = tar_of(tmp_path / "bad.tar.gz", (tarfile.TarInfo(name), b"x"))
    target = tmp_path / "a" / "b" / "c"
    target.mkdir(parents=True)
    found = unpack.unpack(file, target)
    assert len(found) == 1
    assert "no name of a file that belongs into an archive" in found[0]
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / "bad.tar.gz"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE]
)
def test_a_link_or_device_is_not_followed(kind: bytes, tmp_path: Path) -> None:
    entry = tarfile.TarInfo(f"{RUN}/record.json")
    entry.type, entry.linkname = kind, "/etc/passwd"
    file = tar_of(tmp_path / "bad.tar.gz", (entry, b""))
    assert "only plain files may be inside" in unpack.unpack(file, tmp_path / "out")[0]
    assert not (tmp_path / "out").exists()


def test_a_file_that_unpacks_to_more_than_there_may_be_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "MAX_MEMBER", 1 << 20)
    big = tar_of(tmp_path / "one.tar.gz", (tarfile.TarInfo("manifest.json"), bytes(2 << 20)))
    assert "larger than an archive may be" in unpack.unpack(big, tmp_path / "out")[0]
    # In a header that tarfile reads by itself, before it shows any member.
    pax = tarfile.TarInfo("manifest.json")
    pax.pax_headers = {"comment": "x" * (3 << 20)}
    file = tar_of(tmp_path / "pax.tar.gz", (pax, b""))
    assert "larger than an archive may be" in unpack.unpack(file, tmp_path / "out")[0]
    monkeypatch.setattr(unpack, "MAX_TOTAL", 1 << 20)
    parts = [(tarfile.TarInfo(f"sweeps/{i}.json"), bytes(1 << 20)) for i in range(4)]
    many = tar_of(tmp_path / "many.tar.gz", *parts)
    assert "larger than an archive may be" in unpack.unpack(many, tmp_path / "out")[0]
    assert len(list((tmp_path / "out").rglob("*.json"))) <= 2


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


def test_what_is_new_is_added_once(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "there"
    command = ["leaderboard", "merge", str(archive), "--store", str(there)]
    assert main([*command, "--dry-run"]) == 0
    assert "2 run(s) and 1 sweep(s) would be added, 0 run(s) there" in capsys.readouterr().out
    assert not there.exists()
    assert main(command) == 0
    ours, theirs = Store(tmp_path / "store"), Store(there)
    for run in (spec(0), spec(1)):
        assert theirs.read(run.id).metrics == ours.read(run.id).metrics
        sent, got = (s.run_dir(run.id) / "predictions.npz" for s in (ours, theirs))
        assert sent.read_bytes() == got.read_bytes()
        assert (theirs.run_dir(run.id) / "log.txt").read_text() == "reading images\n"
    assert [plan.name for plan in theirs.plans()] == ["mine"]
    before = {path: path.read_bytes() for path in there.rglob("*") if path.is_file()}
    # Again, and into the store it came from, where paths and host are still in the records.
    assert main(command) == 0
    assert "0 run(s) and 0 sweep(s) added, 2 run(s) there already" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in there.rglob("*") if path.is_file()}
    again = merge([archive], ours)
    assert (len(again.equal), again.added, again.plans, again.conflicts) == (2, [], [], [])
    # What went out and came in goes out again as the same bytes.
    export(theirs, tmp_path / "b.tar.gz", logs=True)
    assert (tmp_path / "b.tar.gz").read_bytes() == archive.read_bytes()


def test_other_results_of_the_same_run_are_a_conflict_and_overwrite_nothing(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = filled(tmp_path / "other", spec(1), spec(2), correct=7)
    before = (store.run_dir(spec(1).id) / "record.json").read_bytes()
    plan = next(store.plans())
    command = ["leaderboard", "merge", str(archive), "--store", str(store.root)]
    assert main([*command, "--dry-run"]) == 1
    assert not (store.root / "conflicts").exists()
    assert main(command) == 1
    out = capsys.readouterr().out
    assert f"CONFLICT {archive}: run {spec(1).id}" in out
    assert "tests.target: ours 7/10, theirs 6/10" in out
    assert "sweep 'mine' is another plan here" in out
    assert "1 run(s) and 0 sweep(s) added, 0 run(s) there already, 2 conflict(s)" in out
    assert (store.run_dir(spec(1).id) / "record.json").read_bytes() == before
    assert list(store.plans()) == [plan]
    assert store.has(spec(0).id)
    kept = sorted((store.root / "conflicts").iterdir())
    assert [path.name.split(".")[0] for path in kept] == sorted([spec(1).id, "sweep-mine"])
    report = json.loads(next(p for p in kept if spec(1).id in p.name).read_text())
    assert report["theirs"]["metrics"]["tests"]["target"]["correct"] == 6
    assert report["ours"]["metrics"]["tests"]["target"]["correct"] == 7
    assert main(command) == 1
    assert sorted((store.root / "conflicts").iterdir()) == kept


def test_equal_scores_from_other_weights_are_a_conflict_other_loss_digits_are_not(
    tmp_path: Path,
) -> None:
    export(filled(tmp_path / "a", spec(0)), tmp_path / "a.tar.gz")
    store = Store(tmp_path / "b")
    record, predictions = made(spec(0))
    losses = record.metrics.model_copy(update={"losses": {"classification": [1.0, 0.500001]}})
    store.write(record.model_copy(update={"metrics": losses}), predictions)
    assert merge([tmp_path / "a.tar.gz"], store).equal == [spec(0).id]
    store = Store(tmp_path / "c")
    store.write(record.model_copy(update={"model_fingerprint": "other"}), predictions)
    (line,) = merge([tmp_path / "a.tar.gz"], store).conflicts
    assert "model_fingerprint: ours other, theirs m" in line


def test_two_archives_that_disagree(tmp_path: Path) -> None:
    export(filled(tmp_path / "a", spec(0)), tmp_path / "a.tar.gz")
    export(filled(tmp_path / "b", spec(0), correct=5), tmp_path / "b.tar.gz")
    for dry_run in (True, False):
        done = merge([tmp_path / "a.tar.gz", tmp_path / "b.tar.gz"], Store(tmp_path / "c"), dry_run)
        assert done.added == [spec(0).id]
        assert "tests.target: ours 6/10, theirs 5/10" in done.conflicts[0]


def test_several_test_sets_are_each_counted(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run = spec(protocol=ProtocolSpec(name="open_class"))
    store.write(*made(run, (4, 9)))
    store.write_plan(SweepPlan(name="s", source={}, runs=(run,)))
    export(store, tmp_path / "a.tar.gz")
    assert problems(tmp_path / "a.tar.gz") == []
    name = f"runs/{run.id}/record.json"
    files = contents(tmp_path / "a.tar.gz")
    record = json.loads(files[name])
    tests = record["metrics"]["tests"]
    tests["base"], tests["new"] = tests["new"], tests["base"]
    bad = write(signed(files | {name: json.dumps(record).encode()}), tmp_path / "b.tar.gz")
    found = problems(bad)
    assert len(found) == 2
    assert "metrics.tests.base: 9 correct of 10, the predictions say 4 of 10" in found[0]
