"""The verb `cost` on the embedded model."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.cli.main import main
from harness.cost.record import CostReport


def test_two_methods_from_the_command_line_to_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cost.subject.BLOCK_SECONDS", 0.001)
    out = tmp_path / "cost"
    arguments = [
        "cost",
        "zero_shot",
        "alignclip[branch=v-v-v]",
        "--classes",
        "3",
        "--batch",
        "4",
        "--rounds",
        "2",
        "--threads",
        "1",
        "--device",
        "cpu",
        "--out",
        str(out),
    ]
    assert main([*arguments, "--dry-run"]) == 0
    assert "2 methods on tiny-emoji" in capsys.readouterr().out
    assert not out.exists()
    assert main(arguments) == 0
    printed, said = capsys.readouterr()
    assert "alignclip[branch=v-v-v]" in printed
    assert "left" in said  # time
    assert sorted(p.name for p in out.iterdir()) == [
        "cost.csv",
        "cost.json",
        "cost.md",
        "cost.tex",
    ]
    report = CostReport.model_validate_json((out / "cost.json").read_text())
    zero_shot, alignclip = report.rows
    assert report.reference == alignclip.label  # no clipood: the first that trains
    assert (report.rounds, len(alignclip.step_ms), zero_shot.step_ms) == (2, 2, [])
    assert report.setting.threads == 1
    assert report.attention is not None
    assert report.attention.tokens == 37
    for row in report.rows:
        assert row.memory_mb is not None
        assert 100 < row.memory_mb < 2000


def test_without_a_choice_all_methods_that_fit_are_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost", "--dry-run", "--out", str(tmp_path)]) == 0
    planned = capsys.readouterr().out
    for name in registry.discover("methods").plugins:
        assert name in planned
    for form in ("d-v", "v-v-v", "q-q", "k-k"):
        assert f"alignclip[branch={form}]\n" in planned
    assert "clipood (reference)" in planned


def test_what_does_not_fit_the_backbone_is_left_out_unless_it_was_asked_for(
    random_clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harness.cost.subject.BLOCK_SECONDS", 0.001)
    monkeypatch.setattr("harness.cost.measure.peak_in_fresh_process", lambda *_: 1.0)
    arguments = [
        "--model",
        f"local-dir:{random_clip}",
        "--batch",
        "2",
        "--rounds",
        "1",
        "--device",
        "cpu",
        "--threads",
        "1",
        "--out",
        str(tmp_path),
        "--format",
        "md",
    ]
    assert main(["cost", *arguments]) == 0
    assert "left out: alignclip[branch=q-q]: " in capsys.readouterr().err  # three blocks, not six
    rows = CostReport.model_validate_json((tmp_path / "cost.json").read_text()).rows
    assert {"clipood", "coop", "finetune", "zero_shot"} <= {row.label for row in rows}
    assert "alignclip" not in {row.method for row in rows}
    assert main(["cost", "clipood", "alignclip", *arguments]) == 2
    assert "has 3 attention blocks" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clipod"], "unknown method 'clipod': did you mean clipood"),
        (["clipood[lr=fast]"], "field 'lr' is 'fast'"),
        (["clipood", "--format", "html"], "unknown format 'html'"),
        (["clipood", "--rounds", "0"], "--rounds: '0': give a whole number from 1"),
        (["clipood", "--batch", "0"], "--batch: '0': give a whole number from 1"),
        (["clipood", "--classes", "1"], "cost: field 'classes' is 1"),
        (["clipood", "--threads", "0"], "--threads: '0': give a whole number from 1"),
        (["clipood", "--device", "cuda"], "torch sees no CUDA device"),
        (["finetune", "--reference", "clipod"], "unknown reference 'clipod'"),
        (["clipood", "--model", "ViT-B-16"], "or --random-weights"),
        (["clipood", "--random-weights"], "random weights for tiny-emoji"),
        (["clipood", "--model", "ViT-B-17", "--random-weights"], "did you mean ViT-B-16"),
        (["alignclip[branch_depth=9]"], "ask for 1 to 6"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["cost", *arguments, "--out", str(tmp_path / "cost")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert message in said
    assert not (tmp_path / "cost").exists()
