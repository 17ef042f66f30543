"""`bench` measures every group; its ratios are of the right things, its files can be read."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch

from harness.bench import processes, record, reports, run, steps
from harness.bench.original import DEPTH, LAYERS, original
from harness.bench.record import BenchReport, BenchRow, BenchSetting
from harness.bench.turns import in_turns, over
from harness.cli import main
from harness.clip.forward import TraceRequest, trace
from harness.clip.load import load_backbone
from harness.errors import UserError
from harness.specs import ModelSpec

TINY = BenchSetting(
    model=ModelSpec(name="tiny-emoji"), batch=6, images=12, rounds=2, threads=1
)  # fmt: skip


def test_every_group_gives_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "compared", lambda: steps.trained_on_features()[:1])
    for group in ("step", "attention", "input", "inference", "growth"):
        report = run.measure(TINY, [group])
        assert not report.failed
        assert report.rows
        for row in report.rows:
            assert all(value >= 0 for value in row.values), row
            assert row.unit == "%" or row.median > 0, row
        assert BenchReport.model_validate_json(report.model_dump_json()) == report


def test_processes_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(*words: str) -> float:
        return 2.0 if "0" in words else 1.0 + len(words[5].split(","))

    monkeypatch.setattr(processes, "_seconds", seconds)
    report = run.measure(TINY.model_copy(update={"rounds": 1}), ["sweep", "startup"])
    assert not report.failed
    groups = {row.group for row in report.rows}
    assert groups == {"sweep", "start-up, CPU time"}
    (ratio,) = (row for row in report.rows if row.group == "sweep")
    assert ratio.values == ((2.0 + 3 * 2.0) / 5.0,)  # four runs apart over four together


def test_reports_of_two_sizes_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "SIZES", (1, 200))
    words = ["sweep", "plan", "quickstart"]
    monkeypatch.setattr(reports, "verbs", lambda *_: dict.fromkeys(reports.GROWTH, words))
    report = run.measure(TINY, ["report"])
    assert not report.failed
    assert [row.unit for row in report.rows] == ["s"] * 4 + ["×"] * 2


def test_turns_alternate_and_ratios_are_by_round() -> None:
    order: list[str] = []

    def work(name: str, seconds: float) -> None:
        order.append(name)
        time.sleep(seconds)

    works = {"a": lambda: work("a", 0.3), "b": lambda: work("b", 0.01)}
    times = in_turns(works, 3, "cpu")
    assert order == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert all(ms >= 300 for ms in times["a"])
    assert over([6.0, 8.0], [3.0, 2.0]) == (2.0, 4.0)


def test_the_original_form_computes_what_ours_does() -> None:
    """Attention, patches and pooled feature; the branch is V-V-V over other tokens than ours."""
    backbone = load_backbone(ModelSpec(name="tiny-emoji"), "cpu")
    visual, size = backbone.visual.double(), backbone.preprocess.image_size
    images = torch.randn(3, 3, size, size, dtype=torch.float64)
    request = TraceRequest(
        attention_layers=LAYERS, patches=True, branch="v-v-v", branch_depth=DEPTH
    )
    ours = trace(visual, images, request)
    pooled, attention, patches, branch = original(visual, images)
    torch.testing.assert_close(ours.pooled, pooled)
    torch.testing.assert_close(ours.attention, attention)
    torch.testing.assert_close(ours.patches, patches)
    assert ours.branch is not None
    torch.testing.assert_close(ours.branch, branch)


def test_the_command_writes_json_and_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["bench", "--model", "tiny-emoji", "--only", "attention", "--rounds", "2"]
    assert main([*words, "--out", str(tmp_path), "--device", "cpu", "--threads", "1"]) == 0
    read = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert len(read["rows"][0]["values"]) == 2
    assert "original form / ours" in (tmp_path / "bench.md").read_text(encoding="utf-8")
    assert "original form / ours" in " ".join(capsys.readouterr().out.split())


def test_a_group_that_breaks_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[BenchRow]:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr("harness.bench.run.inputs.measure", broken)
    report = run.measure(TINY, ["input", "attention"])
    assert report.failed == {"input": "RuntimeError: no such kernel"}
    assert [row.group for row in report.rows] == ["attention"]


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(UserError, match="group 'steps'"):
        run.measure(TINY, ["steps"])


def test_the_table_has_median_and_range() -> None:
    row = BenchRow(group="step", what="one / other", values=(1.0, 3.0, 2.0))
    report = BenchReport(
        setting=TINY, device="a CPU", cores=2, when="", git="", versions={"torch": "2"}, rows=(row,)
    )
    text = record.to_markdown(report)
    assert "| one / other | 2 × | 1 to 3 |" in text.replace("  ", " ")
