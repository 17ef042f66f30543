"""The bench of reports makes a store that is whole, and measures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.bench import reports
from harness.report.runs.frame import load_frame
from harness.store.store import Store
from tests.scripts.test_stand_in import script


def test_the_bench_of_reports_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = script("bench_report")
    monkeypatch.setattr(bench, "calls", lambda *_: None)  # as without strace
    verbs = reports.verbs
    monkeypatch.setattr(reports, "verbs", lambda *of: {"tables": verbs(*of)["tables"]})
    bench.main(["24", "--images", "10", "--store", str(tmp_path / "store")])
    found = json.loads(capsys.readouterr().out)
    assert (found["runs"], found["images"]) == (2 * 3 * reports.TARGETS, 10)
    assert found["tables"]["cpu_s"] > 0
    assert set(found["tables"]) == {"cpu_s", "wall_s", "peak_mb", "calls"}
    assert (load_frame(Store(tmp_path / "store"))["status"] == "done").all()
