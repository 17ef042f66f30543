"""The harness as a library: what a notebook calls."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import harness
from harness import UserError, api, compare, load_results, run, table
from harness.cli.main import build_parser, main
from harness.report.build import Choice
from harness.report.runs.frame import DTYPES, load_frame
from harness.report.stats import compare_scores, scores_of
from harness.report.stats.design import DEFAULT
from harness.store.store import Store
from tests.report.fakes import DOMAINS, METHODS, N, add, keep, realistic
from tests.report.fakes import spec as fake
from tests.test_docs import ROOT, blocks


def test_importing_harness_is_cheap_and_the_report_needs_no_torch(tmp_path: Path) -> None:
    realistic(tmp_path, ablation=False)
    code = f"""
import sys
import harness
assert not {{"pandas", "torch", "numpy"}} & set(sys.modules), sys.modules.keys()
from harness import load_results, compare, table
frame = load_results({str(tmp_path)!r})
assert len(compare(frame, "CLIPood")) == 4 and len(table(frame)) == 5
assert "torch" not in sys.modules
try:
    harness.nothing
except AttributeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "module 'harness' has no attribute 'nothing'"
    assert {"run", "compare", "UserError"} <= set(dir(harness))


def examples(function: Any, **names: Any) -> doctest.TestResults:
    (test,) = doctest.DocTestFinder(recurse=False).find(
        function, function.__name__, globs={**vars(api), **names}
    )
    assert test.examples
    return doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(test)


@pytest.fixture
def one_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker, which starts once; and nothing in the user's own cache."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    monkeypatch.setenv("CLIP_BENCH_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("function", [load_results, compare, table])
def test_the_examples_of_the_docstrings(function: Any, tmp_path: Path) -> None:
    store = Store(tmp_path)
    for record in realistic(tmp_path / "all", ablation=False).records():
        if record.spec.label in ("CoOp", "CLIPood"):
            keep(store, record)
    assert examples(function, store=tmp_path).failed == 0


@pytest.mark.usefixtures("one_core")
def test_the_guide_runs_as_it_stands_and_is_the_command_lines_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ROOT / "docs" / "library.md"
    assert len(page.read_text(encoding="utf-8").splitlines()) < 60
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks(page, "python"):
        exec(block, names)
    assert names["frame"].status.tolist() == ["done"] * 4
    assert len(names["everything"]) == 4
    assert names["compared"].label.tolist() == ["CLIPood"]
    out = capsys.readouterr().out
    assert "CLIPood scores" in out
    assert "unknown method 'clipod': did you mean clipood" in out

    # The same runs again, otherwise asked for: by the docstring's example, as a call, by command.
    store = Path("results/notebook")
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    assert examples(run, store=store).failed == 0
    call = "clipood[steps=3,batch_per_domain=2]"
    again = run([call, "zero_shot"], targets=["noto"], seeds=0, store=store)
    assert again.method.tolist() == ["clipood", "zero_shot"]  # the caller's order and names
    assert again.label[1] == "zero_shot"
    assert list(again.columns) == list(DTYPES)
    by_id = {record.id: 100 * record.accuracy for record in Store(store).records()}
    assert again.accuracy.tolist() == [by_id[run_id] for run_id in again.id]
    command = ["run", "zero_shot", call, "--target", "noto", "--seeds", "0-1"]
    assert main([*command, "--store", str(store)]) == 0
    assert "4 were done before" in capsys.readouterr().err
    assert before == {path: path.stat().st_mtime_ns for path in store.rglob("*")}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": "clipod"}, "unknown method 'clipod': did you mean clipood"),
        ({"methods": {"method": "coop", "param": {}}}, "methods: unknown field 'param'"),
        ({"targets": "notto"}, "target 'notto' is no domain of 'emoji'"),
        ({"protocol": {"shots": -1}}, "protocol: field 'shots' is -1"),
        ({"protocol": "domain_shif"}, "unknown protocol 'domain_shif': did you mean domain_shift"),
        ({"precision": "fp8"}, "model: field 'precision' is 'fp8'"),
        ({"selection": "bset"}, "unknown selection 'bset': did you mean best"),
        ({"seeds": []}, r"seeds \[\]: give whole numbers from 0"),
        ({"seeds": -1}, "seeds -1: give whole numbers"),
        ({"model": "ViT-B-17"}, "ViT-B-17"),
        ({"workers": 0}, "workers 0: must be 1 or more"),
        ({"log": "tensorbord"}, "unknown logger 'tensorbord'"),
        ({"plugins": ["none.py"]}, "--plugin none.py: no such file"),
        ({"dataset": "PACS"}, "data set 'PACS' needs"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_before_anything_runs(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        run(**{"methods": "zero_shot", "store": tmp_path / "store", **changes})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store").exists()


def test_a_run_that_fails_is_a_row_and_ctrl_c_stops_the_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.execution import local

    def lost(specs: Any, context: Any, *_: Any) -> local.Outcome:
        Store(context.store).fail(specs[0], "ValueError: x", "", "now")
        return local.Outcome(failed=[(specs[0], "ValueError: x")])

    monkeypatch.setattr(local, "run_local", lost)
    frame = run("zero_shot", targets=["noto", "twemoji"], store=tmp_path)
    assert frame.status.tolist() == ["failed", "missing"]
    assert frame.error.dropna().tolist() == ["ValueError: x"]
    monkeypatch.setattr(local, "run_local", lambda *_: local.Outcome(interrupted=True))
    with pytest.raises(KeyboardInterrupt):
        run("zero_shot", targets="noto", store=tmp_path)


def test_results_are_the_reports(tmp_path: Path) -> None:
    store = realistic(tmp_path, ablation=False)
    pd.testing.assert_frame_equal(load_results(tmp_path), load_frame(store))
    shown = table(tmp_path)
    assert shown.index.tolist() == list(METHODS)
    assert shown.columns.tolist() == [*DOMAINS, "mean"]
    coop = [r for r in store.records() if (r.spec.label, r.spec.target) == ("CoOp", "noto")]
    values = pd.Series([100 * record.accuracy for record in coop])
    std = values.std()
    assert shown.loc["CoOp", "noto"] == f"{values.mean():.1f} ± {std:.1f}"
    sem = table(tmp_path, "sem")
    assert sem.loc["CoOp", "noto"] == f"{values.mean():.1f} ± {std / 3**0.5:.1f}"
    with pytest.raises(UserError, match="unknown spread 'sdt'"):
        table(tmp_path, "sdt")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no runs yet"):
        load_results(tmp_path / "none")


def test_each_group_is_compared_by_itself(tmp_path: Path) -> None:
    store = realistic(tmp_path, ablation=False)
    for seed in range(3):  # another protocol, and only two of the methods
        for label, correct in (("CLIPood", 1000), ("CoOp", 900 + 10 * seed)):
            changes = {"method": label, "protocol": {"name": "domain_shift", "test_on": "out"}}
            add(store, fake(label, "noto", seed, **changes), correct)
    frame = load_results(tmp_path)
    found = compare(frame, "CLIPood")
    assert found.columns[:5].tolist() == ["dataset", "model", "protocol", "measure", "label"]
    assert len(found) == 4 + 1
    whole = frame[frame.test_on == "all"]
    by_hand = {c.label: c for c in compare_scores(scores_of(whole), "CLIPood")}
    for row in found[:4].to_dict("records"):
        assert row["difference"] == by_hand[row["label"]].difference
        assert row["holm_p"] == by_hand[row["label"]].holm_p
    assert found.label[4] == "CoOp"
    assert found.difference[4] == pytest.approx(100 * (910 - 1000) / N)
    assert found.n_comparisons.tolist() == [4] * 4 + [1]
    # Candidates that a group lacks are no reason to refuse it.
    assert compare(frame, "CLIPood", ["AlignCLIP"]).label.tolist() == ["AlignCLIP"]
    assert len(table(frame)) == 5 + 2
    with pytest.raises(UserError, match="unknown method 'CLIPod': did you mean CLIPood"):
        compare(frame, "CLIPod")
    with pytest.raises(UserError, match="unknown method 'CoOpp'"):
        compare(frame, "CLIPood", ["CoOpp"])
    with pytest.raises(UserError, match="'CoOp' shares no table with another method"):
        compare(frame[frame.label == "CoOp"], "CoOp")
    with pytest.raises(UserError, match="the frame has no rows"):
        compare(frame[:0], "CoOp")


def test_a_notebook_and_the_report_compare_by_the_same_test() -> None:
    given = inspect.signature(compare).parameters
    for name in ("test", "unit", "alpha", "power"):
        assert given[name].default == getattr(DEFAULT, name)
    assert Choice().test == DEFAULT.test
    parsed = build_parser().parse_args(["report"])
    assert parsed.test == DEFAULT.test
