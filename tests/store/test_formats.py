"""What another version wrote is read, or refused with the versions that read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.errors import UserError
from harness.store import formats
from harness.store.exchange.archive import export
from harness.store.records import SweepPlan
from harness.store.store import Store
from harness.version import __version__
from tests.store.exchange.archives import contents, signed, write
from tests.store.exchange.stores import filled, spec

LATER = (
    "spec.model.base", "spec.model.elsewhere", "spec.model.compile", "other_data", "method_source",
    "provenance.energy_j", "provenance.settings", "provenance.gpu", "metrics.losses",
)  # fmt: skip
"""Fields that came with a default."""


def change(path: Path, **values: Any) -> None:
    found = json.loads(path.read_text())
    found["provenance"]["versions"] = {formats.PACKAGE: values.pop("version", "0.3.0")}
    path.write_text(json.dumps(found | values))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return filled(tmp_path / "store", spec(0), spec(1))


def record_of(store: Store) -> Path:
    return store.run_dir(spec(0).id) / "record.json"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this version be one that reads another format."""
    monkeypatch.setattr(formats, "FORMAT", 2)
    monkeypatch.setattr(formats, "LAST_READER", {1: "0.4.2"})


def test_fields_that_only_gained_defaults_are_filled_in(store: Store) -> None:
    whole = store.read(spec(0).id)
    path = record_of(store)
    values = json.loads(path.read_text())
    for name in LATER:
        part, *_, last = [values, *name.split(".")]
        for step in name.split(".")[:-1]:
            part = part[step]
        del part[last]
    path.write_text(json.dumps(values))
    assert store.read(spec(0).id) == whole.model_copy(
        update={
            "metrics": whole.metrics.model_copy(update={"losses": {}}),
            "method_source": "",
        }
    )


@pytest.mark.usefixtures("later")
def test_a_record_of_before_names_who_reads_it(store: Store) -> None:
    change(record_of(store))
    with pytest.raises(UserError) as caught:
        list(store.records())
    commit = "a" * 40
    assert str(caught.value) == (
        f"{record_of(store)}: of format 1, written by clip-benchmark-harness 0.3.0; this is "
        f"{__version__}, which reads format 2: 0.3.0 to 0.4.2 read it (pip install "
        f"clip-benchmark-harness==0.4.2, or commit {commit})"
    )


def test_a_record_of_after_asks_for_an_update(store: Store) -> None:
    change(record_of(store), schema_version=7, version="2.0.0")
    with pytest.raises(UserError, match=r"reads format 1: update to 2.0.0, or commit aaaa"):
        store.read(spec(0).id)


def test_a_record_of_this_format_by_another_version_says_whose_it_is(store: Store) -> None:
    change(record_of(store), novelty=1)
    with pytest.raises(UserError, match=r"field 'novelty'.*; written by \S+ 0.3.0, or commit aaa"):
        store.read(spec(0).id)


def test_plans_failures_and_archives_say_who_wrote_them(store: Store, tmp_path: Path) -> None:
    store.fail(spec(5), "E: x", "", "now")
    assert [failure.written_by for failure in store.failures()] == [__version__]
    assert export(store, tmp_path / "a.tar.gz").written_by == __version__
    store.write_plan(SweepPlan(name="new", written_by="2.0.0", source={}, runs=()))
    path = store.root / "sweeps" / "new.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 2}))
    with pytest.raises(UserError, match=r"new.json: of format 2, written by \S+ 2.0.0; .*update"):
        list(store.plans())


@pytest.mark.parametrize(
    "words",
    [
        ["report", "--store"],
        ["sweep", "status", "mine", "--store"],
        ["leaderboard", "merge", "theirs.tar.gz", "--store"],
    ],
)
def test_every_verb_that_reads_a_store_says_so_in_one_line(
    words: list[str],
    store: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    export(store, tmp_path / "theirs.tar.gz")
    change(record_of(store), schema_version=7, version="2.0.0")
    assert main([*words, str(store.root)]) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error:")]
    assert "record.json: of format 7, written by clip-benchmark-harness 2.0.0; this is" in line


def test_an_archive_of_another_format_is_a_line_of_verify(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(store, tmp_path / "a.tar.gz")
    files = contents(tmp_path / "a.tar.gz")
    record, manifest = f"runs/{spec(0).id}/record.json", "manifest.json"
    for name, values in (
        (record, {"schema_version": 7}),
        (manifest, {"record_schema": 7, "written_by": "2.0.0"}),
    ):
        changed = {**files, name: json.dumps(json.loads(files[name]) | values).encode()}
        archive = write(signed(changed) if name == record else changed, tmp_path / "b.tar.gz")
        assert main(["leaderboard", "verify", str(archive)]) == 1
        assert f"{name}: of format 7, written by" in capsys.readouterr().out
