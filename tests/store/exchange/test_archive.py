"""What is in an archive, and what is not."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.specs import DatasetSpec
from harness.store.exchange.archive import export
from harness.store.records import SweepPlan
from harness.store.store import Store
from tests.store.exchange.archives import contents, problems
from tests.store.exchange.stores import SECRET, filled, made, spec


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
    with pytest.raises(
        UserError, match=r"cannot write .*store \(Is a directory\); give another --out"
    ):
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
