"""The index: reports are the same with it, and what changed on disk is read again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from harness.report.build import Choice, report_blocks
from harness.report.page.build import build_page
from harness.report.page.render import render_page
from harness.report.runs import index, index_file
from harness.report.runs.frame import load_frame
from harness.report.runs.index import FILE, index_of
from harness.report.write import write_report
from harness.store.store import Store
from tests.report.fakes import keep, packed, plan, record, spec

LABEL = np.arange(40) % 3
LONG_AGO = 1_000_000_000


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Six runs, written long ago, of which an index is kept."""
    monkeypatch.setattr(index, "MANY", 1)
    store = Store(tmp_path / "store")
    runs = [
        spec(m, d, seed, method=m) for m in ("clipood", "mine") for d in "xy" for seed in (0, 1)
    ]
    for number, run in enumerate(runs):
        answer = np.where(np.arange(40) < 20 + number, LABEL, 3)
        keep(store, record(run, 1), packed(LABEL, answer))
        age(store, run.id)
    plan(store, "p", runs)
    return store


def age(store: Store, run_id: str) -> None:
    for file in store.run_dir(run_id).iterdir():
        os.utime(file, (LONG_AGO, LONG_AGO))


def ids(store: Store) -> list[str]:
    return sorted(path.name for path in (store.root / "runs").iterdir())


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The records read from their own files."""
    names: list[str] = []
    original = Store.read

    def counted(self: Store, run_id: str) -> object:
        names.append(run_id)
        return original(self, run_id)

    monkeypatch.setattr(Store, "read", counted)
    return names


def said(root: Path, out: Path) -> dict[str, str]:
    """Return all that is reported, by file."""
    store = Store(root)
    files = write_report(store, out, formats=("md", "csv", "tex"))
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    return texts | {"page": render_page(build_page(store))}


def test_a_report_from_the_index_is_the_same_and_reads_no_record(
    store: Store, tmp_path: Path, read: list[str]
) -> None:
    first = said(store.root, tmp_path / "out")
    assert sorted(read) == ids(store)
    assert any(name.startswith("comparison") for name in first)
    read.clear()
    assert (store.root / FILE).is_file()
    assert said(store.root, tmp_path / "out") == first
    assert not read


def test_a_known_run_costs_two_looks_and_opens_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_frame(store)
    looks: list[str] = []
    stat = os.stat

    def counted(path: object, **of: bool) -> os.stat_result:
        looks.append(str(path))
        return stat(path, **of)  # type: ignore[call-overload,no-any-return]

    def refused(*_: object) -> None:
        raise AssertionError("opened")

    again = Store(store.root)
    monkeypatch.setattr(index.os, "stat", counted)
    monkeypatch.setattr(Path, "read_bytes", refused)
    assert len(index_of(again).run_ids()) == 8
    assert sum(f"{store.root}/runs/" in path for path in looks) == 2 * 8


def test_records_from_the_index_are_those_in_their_files(store: Store) -> None:
    load_frame(store)
    again = Store(store.root)
    load_frame(again)
    assert [index_of(again).record(run) for run in ids(store)] == list(store.records())


def test_a_report_and_its_page_read_each_record_once(store: Store, read: list[str]) -> None:
    parts = report_blocks(store, Choice())
    build_page(store, reported=parts)
    assert sorted(read) == ids(store)


def edited(store: Store, run_id: str) -> None:
    file = store.run_dir(run_id) / "record.json"
    values = json.loads(file.read_text())
    values["metrics"]["tests"]["target"]["correct"] -= 1
    file.write_text(json.dumps(values))


def other_predictions(store: Store, run_id: str) -> None:
    """The same size, and times as before."""
    file = store.run_dir(run_id) / "predictions.npz"
    data = bytearray(file.read_bytes())
    at = data.index(LABEL.astype("u2").tobytes())
    data[at] ^= 1
    file.write_bytes(bytes(data))


@pytest.mark.parametrize("change", [edited, other_predictions])
def test_a_changed_file_is_read_and_checked_again(
    store: Store, read: list[str], change: object
) -> None:
    assert (load_frame(store)["status"] == "done").all()
    run = ids(store)[2]
    change(store, run)  # type: ignore[operator]
    age(store, run)  # its time of the last write says nothing
    read.clear()
    for again in (store, Store(store.root)):
        frame = load_frame(again)
        assert frame["status"].value_counts().to_dict() == {"done": 7, "failed": 1}
        assert list(index_of(again).contradictory) == [run]
    assert set(read) == {run}


def test_runs_that_came_and_went(store: Store, read: list[str]) -> None:
    load_frame(store)
    gone, bare = ids(store)[:2]
    (store.run_dir(gone) / "record.json").unlink()
    (store.run_dir(bare) / "predictions.npz").unlink()
    new = spec("new", "x", 9)
    keep(store, record(new, 1), packed(LABEL, LABEL))
    read.clear()
    frame = load_frame(Store(store.root)).set_index("id")
    assert set(read) == {bare, new.id}
    assert frame.loc[[gone, bare, new.id], "status"].tolist() == ["missing", "done", "done"]


def test_what_was_just_written_is_not_noted(store: Store, read: list[str]) -> None:
    file = store.run_dir(ids(store)[0]) / "record.json"
    os.utime(file)
    for _ in range(2):
        read.clear()
        load_frame(Store(store.root))
    assert read == [file.parent.name]


@pytest.mark.parametrize("data", [b"", b"no zip", None])
def test_a_broken_index_is_passed_over(store: Store, read: list[str], data: bytes | None) -> None:
    whole = load_frame(store)
    file = store.root / FILE
    file.write_bytes(file.read_bytes()[:-200] if data is None else data)
    read.clear()
    assert load_frame(Store(store.root)).equals(whole)
    assert sorted(read) == ids(store)


def test_an_index_of_other_code_is_passed_over(
    store: Store, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a checkout the version stays while the code that counts changes."""
    whole = load_frame(store)
    monkeypatch.setattr(index_file, "room_hash", lambda room: "edited")
    read.clear()
    assert load_frame(Store(store.root)).equals(whole)
    assert sorted(read) == ids(store)


def test_a_store_that_cannot_be_written_to_is_reported(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(index, "write_atomically", refused)
    assert len(load_frame(store)) == 8
    assert not (store.root / FILE).exists()


def test_a_few_runs_need_no_index(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MANY", 9)
    load_frame(store)
    assert not (store.root / FILE).exists()


def test_a_sweeps_own_names_come_from_its_plan(store: Store) -> None:
    load_frame(store)
    runs = [r.model_copy(update={"label": "L"}) for r in next(store.plans()).runs[:4]]
    plan(store, "q", runs)
    assert set(load_frame(Store(store.root), "q")["label"]) == {"L"}
