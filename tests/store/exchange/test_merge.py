"""Archives come together in a store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.protocols.open_class import OpenClass
from harness.report.runs.frame import load_frame
from harness.store.exchange.archive import export
from harness.store.exchange.merge import merge
from harness.store.records import Candidate, OtherData, Search, SweepPlan
from harness.store.store import Store
from tests.store.exchange.archives import contents, problems, signed, write
from tests.store.exchange.stores import filled, made, spec


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


def test_equal_scores_on_other_test_data_are_a_conflict(tmp_path: Path) -> None:
    def brought(folder: Path, fingerprint: str) -> Store:
        store = Store(folder)
        record, predictions = made(spec(0))
        other = {"birds": OtherData(class_names=("a",), fingerprint=fingerprint)}
        store.write(record.model_copy(update={"other_data": other}), predictions)
        return store

    export(brought(tmp_path / "a", "theirs"), tmp_path / "a.tar.gz")
    assert merge([tmp_path / "a.tar.gz"], brought(tmp_path / "b", "theirs")).equal == [spec(0).id]
    (line,) = merge([tmp_path / "a.tar.gz"], brought(tmp_path / "c", "ours")).conflicts
    assert "other_data.birds: ours ours, theirs theirs" in line
    (line,) = merge([tmp_path / "a.tar.gz"], filled(tmp_path / "d", spec(0))).conflicts
    assert "other_data.birds: ours none, theirs theirs" in line


def test_two_archives_that_disagree(tmp_path: Path) -> None:
    export(filled(tmp_path / "a", spec(0)), tmp_path / "a.tar.gz")
    export(filled(tmp_path / "b", spec(0), correct=5), tmp_path / "b.tar.gz")
    for dry_run in (True, False):
        done = merge([tmp_path / "a.tar.gz", tmp_path / "b.tar.gz"], Store(tmp_path / "c"), dry_run)
        assert done.added == [spec(0).id]
        assert "tests.target: ours 6/10, theirs 5/10" in done.conflicts[0]


def test_several_test_sets_are_each_counted(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run = spec(protocol=OpenClass())
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


def test_a_plan_or_record_that_calls_our_runs_otherwise_is_a_conflict(tmp_path: Path) -> None:
    mine, theirs = (Store(tmp_path / name) for name in ("mine", "theirs"))
    runs = [spec(method=m, label=m) for m in ("clipood", "alignclip")]
    swapped = [
        run.model_copy(update={"label": other.label})
        for run, other in zip(runs, reversed(runs), strict=True)
    ]
    for run in runs:
        mine.write(*made(run))
        theirs.write(*made(run))
    theirs.write_plan(SweepPlan(name="s", source={}, runs=tuple(swapped)))
    export(theirs, tmp_path / "plan.tar.gz")
    done = merge([tmp_path / "plan.tar.gz"], mine)
    assert (len(done.equal), done.plans) == (2, [])
    (line,) = done.conflicts
    assert f"sweep 's' renames 2 of our runs: run {runs[0].id} is 'clipood' here and 'alig" in line
    assert list(mine.plans()) == []
    assert set(load_frame(mine)["label"]) == {"clipood", "alignclip"}
    # whoever copies the plan by hand still does not rename what the records say
    mine.write_plan(SweepPlan(name="s", source={}, runs=tuple(swapped)))
    frame = load_frame(mine)
    assert (frame["label"] == frame["method"]).all()
    other = Store(tmp_path / "other")
    other.write(*made(swapped[0]))
    export(other, tmp_path / "record.tar.gz")
    (line,) = merge([tmp_path / "record.tar.gz"], mine).conflicts
    assert "label: ours clipood, theirs alignclip" in line


def test_a_plan_that_calls_our_runs_trials_is_a_conflict_and_a_searched_one_travels(
    tmp_path: Path,
) -> None:
    mine, theirs = (Store(tmp_path / name) for name in ("mine", "theirs"))
    trial, final = spec(seed=9, label="row (trial)"), spec(seed=1, label="row (tuned)")
    own = Candidate(values={}, config=final.config, runs=(trial,))
    search = Search(row="row", rule="oracle", about="", order=0, candidates=(own,), finals=(final,))
    theirs.write_plan(SweepPlan(name="s", source={}, runs=(), searches=(search,)))
    for run in (trial, final):
        theirs.write(*made(run))
    export(theirs, tmp_path / "plan.tar.gz", sweep="s")
    assert problems(tmp_path / "plan.tar.gz") == []
    assert b"Secret" not in contents(tmp_path / "plan.tar.gz")["sweeps/s.json"]
    mine.write(*made(spec(seed=9, label="ours")))
    (line, *_) = merge([tmp_path / "plan.tar.gz"], mine).conflicts[1:]
    assert f"run {trial.id} is 'ours' here and 'row (trial)' there" in line
    assert "ours" in set(load_frame(mine)["label"])
    fresh = Store(tmp_path / "fresh")
    done = merge([tmp_path / "plan.tar.gz"], fresh)
    assert (len(done.added), done.plans, done.conflicts) == (2, ["s"], [])
    assert list(load_frame(fresh)["label"]) == ["row (tuned)"]
