"""Sweep files: ours expand, and a mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import resources
from harness.cli.main import main
from harness.sweep.file import plan_sweep, read_sweep
from tests.sweep.small import SWEEP


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("name: small\n", ""), "field 'name' is missing; add it"),
        (("methods:", "methdos:"), "missing; add it"),
        (("seeds: [0, 1]", "seeds: []"), "field 'seeds' is []"),
        (("- zero_shot", "- zero_shoot"), "unknown method 'zero_shoot': did you mean zero_shot"),
        (("targets: [domain0", "targets: [domain7"), "'domain7' is no domain"),
        (
            ("defaults: {{steps", "defaults: {{learning_rate: 0.1, steps"),
            "unknown parameter of these methods 'learning_rate'",
        ),
        (("defaults: {{steps", "defaults: {{step"), "'step': did you mean steps"),
        (
            ("dataset: folder", "dataset: {{name: folder, defaults: {{margn: 3}}}}"),
            "'margn': did you mean margin",
        ),
        (("seeds: [0, 1]", "seeds: [0, 1]\nseeds: [2]"), "key 'seeds' is there twice, line 5"),
        (
            ("seeds: [0, 1]", "seeds: [0, 1]\nprotocol: {{name: few_shot, shots: true}}"),
            "'shots' is True: give a number",
        ),
        (("branch_depth: 2", "branch_depht: 2"), "unknown parameter of method 'alignclip'"),
        (("defaults: {{", "defaults: {{{{"), "not valid YAML"),
        (("row: CLIPood", "row: CLIPud"), "unknown row 'CLIPud': did you mean CLIPood"),
        (
            ("kind: ablation", "kind: pie"),
            "field 'figures.0.kind' is 'pie': use ablation, line, curve, table",
        ),
        (("figures:\n", "figures:\n  - 3\n"), "field 'figures.0' is 3"),
        (
            ("figures:\n", "figures:\n  - {{kind: table, name: bars}}\n"),
            "figure 'bars' is there 2 times; rename one",
        ),
        (
            ("aligned_layers: 2", "aligned_layers: {{grid: 2}}"),
            "params.aligned_layers is {'grid': 2}: write {grid: [a, b]}",
        ),
        (("aligned_layers: 2", "aligned_layers: {{grid: [1, two]}}"), "aligned_layers"),
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
    assert "small.yaml" in said


@pytest.mark.parametrize("file", sorted((resources.ROOT / "sweeps").glob("*.yaml")))
def test_sweeps_of_the_repository_expand(file: Path) -> None:
    sweep = read_sweep(file)
    assert sweep.name == file.stem
    runs = plan_sweep(sweep, None, outline=True).runs
    assert len({run.id for run in runs}) == len(runs)  # no row twice


def test_grids_are_crossed_and_labelled_by_what_varies(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    grids = "{{margin: {{grid: [0.1, 0.3]}}, lr: {{grid: [1.0e-5, 2]}}, beta: 1}}"
    rows = (
        f"methods:\n  - {{{{method: clipood, params: {grids}}}}}\n"
        f"  - {{{{method: clipood, label: mine, params: {grids}}}}}\n"
    )
    file = tmp_path / "small.yaml"
    head = SWEEP.partition("methods:")[0].replace("[domain0, domain2]", "[domain0]")
    file.write_text((head.replace("[0, 1]", "[0]") + rows).format(model=random_clip))
    runs = plan_sweep(read_sweep(file), image_folder).runs
    values = [(0.1, 1e-5), (0.1, 2.0), (0.3, 1e-5), (0.3, 2.0)]
    assert [(r.config["margin"], r.config["lr"]) for r in runs] == values * 2
    assert [r.label for r in runs] == [
        *(f"clipood[margin={m}, lr={lr}, beta=1]" for m in (0.1, 0.3) for lr in ("1e-05", 2)),
        *(f"mine[margin={m}, lr={lr}]" for m in (0.1, 0.3) for lr in ("1e-05", 2)),
    ]
    assert all(run.config["beta"] == 1 and run.given["margin"] in (0.1, 0.3) for run in runs)
