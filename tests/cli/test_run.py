"""`run`: what it prints, what it writes, and how it answers mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.store.store import Store


def test_run_then_report(
    where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "zero_shot", "clipood[steps=3,batch_per_domain=2]", *where]) == 0
    assert "2 run(s) done" in capsys.readouterr().err
    assert main(["run", "zero_shot", *where]) == 0
    assert "1 were done before" in capsys.readouterr().err
    assert main(["report", "--store", str(tmp_path / "store")]) == 0
    printed = capsys.readouterr().out
    assert "clipood[steps=3, batch_per_domain=2]" in printed
    assert (tmp_path / "store" / "report" / "table.md").is_file()
    record = next(iter(Store(tmp_path / "store").records()))
    assert record.spec.given in ({}, {"steps": 3, "batch_per_domain": 2})


def test_dry_run_writes_nothing(
    where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "zero_shot", "coop", *where, "--seeds", "0-2", "--dry-run"]) == 0
    assert "6 runs" in capsys.readouterr().out
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "clipod"], "unknown method 'clipod': did you mean clipood"),
        (["run", "clipood[lrr=1]"], "unknown parameter of method 'clipood' 'lrr': did you mean lr"),
        (["run", "clipood[lr=fast]"], "method 'clipood': field 'lr' is 'fast'"),
        (["run", "clipood[lr=-1]"], "method 'clipood': field 'lr' is -1"),
        (["run", "clipood[lr"], "write name or name[param=value"),
        (["run", "clipood[lr]"], "'lr' is not param=value"),
        (["run", "alignclip[preset=papre]"], "unknown preset of 'alignclip' 'papre'"),
        (["run", "finetune", "--target", "domain9"], "target 'domain9' is no domain of 'folder'"),
        (["run", "finetune", "--seeds", "a"], "--seeds a: write 0,1,2 or 0-2"),
        (["run", "finetune", "--seeds", "2-0"], "--seeds 2-0: no seed in it"),
        (["run", "finetune", "--selection", "averaged"], "keeps no averaged weights"),
        (
            ["run", "alignclip[averaging=false]", "--selection", "averaged"],
            "alignclip[averaging=false] keeps no averaged weights",
        ),
        (["run", "alignclip[aligned_layers=99]"], "has 3 attention blocks; ask for 3"),
        (["run", "alignclip[aligned_layers=1,branch_depth=4]"], "ask for 1 to 3"),
        (["run", "clip_surgery[depth=4]"], "a branch of depth 4 asked for"),
        (["run", "maple[depth=4]"], "has 3 image and 2 text blocks; set depth to 2 or less"),
        (["run", "finetune", "--limit", "-1"], "--limit: '-1': give a whole number from 1"),
        (["run", "coop[ctx_init=a [photo]"], "'[' is not closed in 'ctx_init=a [photo'"),
        (["run", "finetune[crop_scale=[0.5,1]"], "'[' is not closed"),
        (["run", "coop", "--protocol", "few_shot["], "protocol 'few_shot[': write name or name["),
        (["run", "coop", "--protocol", "few_shot[3]"], "protocol 'few_shot[3]': '3' is not param="),
        (
            ["run", "coop", "--protocol", "corruptions[severities=3]"],
            "protocol: field 'severities' is 3: give a list, [3]",
        ),
        (["run", "coop", "--option", "class_names=/dev/null"], "/dev/null holds no names; write"),
        (["run", "finetune", "--option", "template"], "--option template: write KEY=VALUE"),
        (["run", "finetune", "--option", "tempalte=x"], "unknown field 'tempalte'"),
        (["run", "finetune", "--dataset", "pacs1"], "unknown data set 'pacs1'"),
        (["run", "finetune", "--device", "cuda"], "torch sees no CUDA device; use cpu"),
        (["run", "finetune", "--data-root", "/nowhere/x"], "/nowhere/x: no such folder"),
        (["run", "finetune", "--plugin", "gone.py"], "--plugin gone.py: no such file"),
        (["run", "finetune", "--workers", "-1"], "'-1': give a whole number from 1"),
        (
            ["run", "finetune", "--device", "cpu", "--runs-per-gpu", "2"],
            "runs are on the CPU; give",
        ),
        (["run", "finetune", "--model", "ViT-B/17"], "unknown model 'ViT-B-17': did you mean"),
        (["run", "finetune", "--model", "ViT-B-16"], "ViT-B-16 needs weights; set pretrained to"),
        (
            ["run", "finetune", "--model", "ViT-B-16", "--pretrained", "gone.pt"],
            "gone.pt: no such checkpoint file",
        ),
        (["run", "finetune", "--model", "local-dir:/gone"], "no folder /gone; correct the path"),
    ],
)
@pytest.mark.usefixtures("plans_here")
def test_a_mistake_is_one_line_that_says_what_to_do(
    where: list[str],
    tmp_path: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    verb, *rest = arguments
    assert main([verb, *where, *rest]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert message in said
    assert not (tmp_path / "store" / "runs").exists()
