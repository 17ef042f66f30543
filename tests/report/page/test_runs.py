"""The embedded runs against the records themselves."""

from __future__ import annotations

from pathlib import Path

from harness.report.page.build import build_page
from harness.report.page.runs import last, ranges
from tests.report.page.stores import hostile
from tests.report.page.test_build import positions, runs_of


def test_every_record_can_be_put_together_from_the_page(tmp_path: Path) -> None:
    store = hostile(tmp_path)
    page = build_page(store)
    runs = {run["id"]: run for run in runs_of(page)}
    for record in store.records():
        run = runs[record.id]
        assert run["config"] == record.spec.config
        assert run["given"] == record.spec.given
        assert run["tests"] == {k: [s.correct, s.n] for k, s in record.metrics.tests.items()}
        assert run["cost"]["wall time (s)"] == record.provenance.wall_s
        assert run["environment"]["device"] == record.provenance.device
        assert run["content"]["trained parameters"] == record.trained_parameters
        assert run["predictions"] == record.predictions_sha256
        assert run["log"] == (store.run_dir(record.id) / "log.txt").read_text(encoding="utf-8")
    assert sum(run["status"] == "done" for run in runs.values()) == 16
    assert len(page.data["pool"]) < 40  # two seeds share all but their scores


def test_long_logs_keep_their_last_whole_lines() -> None:
    text = "\n".join(f"line {i}" for i in range(100)) + "\n"
    kept = last(text, 50)
    assert kept.splitlines()[0] == "…"
    assert kept.splitlines()[1:] == [f"line {i}" for i in range(94, 100)]
    assert last("short\n", 50) == "short"
    assert last("x" * 99, 10) == "…\n" + "x" * 10


def test_ranges() -> None:
    for numbers in ([], [3], [0, 1, 2], [5, 6, 1, 2, 9], [2, 2]):
        assert positions(ranges(numbers)) == numbers
    assert ranges(range(120)) == "0-119"
