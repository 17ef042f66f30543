"""The command line: what it prints, what it writes, and how it answers mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry, resources
from harness.cli.main import build_parser, main
from harness.store.store import Store
from harness.sweep.file import expand_sweep, read_sweep
from tests.conftest import make_folder

SWEEP = """\
name: small
model: "local-dir:{model}"
dataset: folder
seeds: [0, 1]
targets: [domain0, domain2]
defaults: {{steps: 3, batch_per_domain: 2, lr: 1.0e-3, n_ctx: 4}}
methods:
  - zero_shot
  - {{method: clipood, label: CLIPood}}
  - method: alignclip
    label: AlignCLIP
    params: {{aligned_layers: 2, branch_depth: 2}}
figures:
  - kind: ablation
    name: bars
    bars:
      - {{label: neither, row: CLIPood}}
      - {{label: both, row: AlignCLIP}}
"""


@pytest.fixture
def where(image_folder: Path, random_clip: Path, tmp_path: Path) -> list[str]:
    return [
        "--model", f"local-dir:{random_clip}", "--dataset", "folder", "--target", "domain1",
        "--data-root", str(image_folder), "--store", str(tmp_path / "store"),
        "--cache-dir", str(tmp_path / "cache"),
    ]  # fmt: skip


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


def test_a_sweep_file_to_table_and_figure(
    image_folder: Path, random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SWEEP.format(model=random_clip))
    store = tmp_path / "store"
    options = [
        str(file), "--data-root", str(image_folder), "--store", str(store),
        "--cache-dir", str(tmp_path / "cache"),
    ]  # fmt: skip
    assert main(["sweep", "plan", *options]) == 0
    planned = capsys.readouterr().out
    assert "12 runs" in planned
    assert "12 missing" in planned
    assert not store.exists()  # planning writes nothing
    assert main(["sweep", "run", *options, "--limit", "5"]) == 0
    assert len(list(Store(store).records())) == 5
    assert main(["sweep", "plan", *options]) == 0
    planned = capsys.readouterr().out
    assert "5 done, 0 failed, 7 missing" in planned
    assert "of one worker's time" in planned
    assert main(["sweep", "run", *options, "--workers", "2"]) == 0
    capsys.readouterr()
    assert main(["report", "--store", str(store), "--format", "md,png"]) == 0
    files = sorted(path.name for path in (store / "report").iterdir())
    assert files == [
        "beyond.md", "comparison.md", "figure-bars.png", "table.md", "table.png",
    ]  # fmt: skip
    assert "n = 2 seeds" in (store / "report" / "table.md").read_text()


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
        (["run", "maple[depth=4]"], "has 3 image blocks; set depth to 3 or less"),
        (["run", "finetune", "--limit", "-1"], "--limit -1: must be 1 or more"),
        (["run", "coop[ctx_init=a [photo]"], "'[' is not closed in 'ctx_init=a [photo'"),
        (["run", "finetune[crop_scale=[0.5,1]"], "'[' is not closed"),
        (["run", "finetune", "--option", "template"], "--option template: write KEY=VALUE"),
        (["run", "finetune", "--option", "tempalte=x"], "unknown field 'tempalte'"),
        (["run", "finetune", "--dataset", "pacs1"], "unknown data set 'pacs1'"),
        (["run", "finetune", "--device", "cuda"], "torch sees no CUDA device; use cpu"),
        (["run", "finetune", "--data-root", "/nowhere/x"], "/nowhere/x: no such folder"),
        (["run", "finetune", "--plugin", "gone.py"], "--plugin gone.py: no such file"),
        (["run", "finetune", "--workers", "-1"], "must be 1 or more"),
        (["run", "finetune", "--model", "ViT-B/17"], "unknown model 'ViT-B-17': did you mean"),
        (["run", "finetune", "--model", "ViT-B-16"], "ViT-B-16 needs weights; set pretrained to"),
        (
            ["run", "finetune", "--model", "ViT-B-16", "--pretrained", "gone.pt"],
            "gone.pt: no such checkpoint file",
        ),
        (["run", "finetune", "--model", "local-dir:/gone"], "no folder /gone; correct the path"),
    ],
)
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("name: small\n", ""), "field 'name' is missing; add it"),
        (("methods:", "methdos:"), "missing; add it"),
        (("seeds: [0, 1]", "seeds: []"), "field 'seeds' is []"),
        (("- zero_shot", "- zero_shoot"), "unknown method 'zero_shoot': did you mean zero_shot"),
        (("targets: [domain0", "targets: [domain7"), "'domain7' is no domain"),
        (("branch_depth: 2", "branch_depht: 2"), "unknown parameter of method 'alignclip'"),
        (("defaults: {{", "defaults: {{{{"), "not valid YAML"),
        (("row: CLIPood", "row: CLIPud"), "unknown row 'CLIPud': did you mean CLIPood"),
        (
            ("kind: ablation", "kind: pie"),
            "field 'figures.0.kind' is 'pie': use 'ablation', 'line', 'table'",
        ),
        (("figures:\n", "figures:\n  - 3\n"), "field 'figures.0' is 3"),
        (
            ("figures:\n", "figures:\n  - {{kind: table, name: bars}}\n"),
            "figure 'bars' is there 2 times; rename one",
        ),
    ],
)
def test_a_mistake_in_a_sweep_file_names_the_file_and_field(
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    change: tuple[str, str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert change[0] in SWEEP
    file = tmp_path / "small.yaml"
    file.write_text(SWEEP.replace(*change).format(model=random_clip))
    found = main(
        ["sweep", "plan", str(file), "--data-root", str(image_folder), "--store", str(tmp_path)]
    )
    said = capsys.readouterr().err
    assert found == 2, said
    assert said.count("\n") == 1
    assert message in said


def test_an_unreadable_image_is_named(
    random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_folder(tmp_path / "data", per_class=3)
    bad = root / "domain2" / "red_thing" / "01.png"
    bad.write_bytes(b"\x89PNG broken")
    status = main(
        ["run", "zero_shot", "--model", f"local-dir:{random_clip}", "--dataset", "folder",
         "--data-root", str(root), "--target", "domain1", "--store", str(tmp_path / "store"),
         "--cache-dir", str(tmp_path / "cache")]
    )  # fmt: skip
    said = capsys.readouterr().err
    assert status == 1
    (line,) = [line for line in said.splitlines() if line.startswith("failed: ")]
    assert f"{bad}: not a readable image" in line
    assert "replace or delete the file" in line
    assert "Traceback" not in said


def test_a_folder_with_one_domain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_folder(tmp_path / "data", domains=1)
    assert main(["run", "finetune", "--dataset", "folder", "--data-root", str(root)]) == 2
    said = capsys.readouterr().err
    assert "has one domain (domain0); leaving one out needs at least two" in said
    assert said.count("\n") == 1


def test_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for name in ("zero_shot", "finetune", "coop", "clipood", "alignclip", "emoji", "quickstart"):
        assert name in printed


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alignclip", ["Machine Learning 114:58", "alignment_weight", "10.0", "preset=paper"]),
        ("emoji", ["openmoji_line", "musical instrument", "512"]),
        ("folder", ["--data-root DIR"]),
        ("tiny-emoji", ["48"]),
        ("ViT-B-16", ["224"]),
    ],
)
def test_info(name: str, expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", name]) == 0
    printed = capsys.readouterr().out
    for text in expected:
        assert text in printed


def test_info_of_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "alingclip"]) == 2
    assert "did you mean alignclip" in capsys.readouterr().err


def test_doctor_finds_this_installation_well_and_a_broken_plugin_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIP_BENCH_CACHE", str(tmp_path / "cache"))
    assert main(["doctor"]) == 0
    assert "FAIL" not in capsys.readouterr().out
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    bad = tmp_path / "bad.py"
    bad.write_text("import nothing_like_this\n")
    assert main(["doctor", "--plugin", str(bad)]) == 1
    printed = capsys.readouterr().out
    assert f"FAIL  plugins: RuntimeError: {bad}" in printed
    assert "nothing_like_this" in printed


@pytest.mark.parametrize("file", sorted((resources.ROOT / "sweeps").glob("*.yaml")))
def test_sweeps_of_the_repository_expand(file: Path) -> None:
    sweep = read_sweep(file)
    assert sweep.name == file.stem
    runs = expand_sweep(sweep, None, outline=True)
    assert len({run.id for run in runs}) == len(runs)  # no row twice


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("list", "info", "run", "sweep", "report", "cost", "doctor", "quickstart"):
        with pytest.raises(SystemExit) as caught:
            build_parser().parse_args([verb, "--help"])
        assert caught.value.code == 0
        assert "usage: run_benchmark.py" in capsys.readouterr().out
