"""What the guides say is run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from harness import registry, resources
from harness.check.method import METHOD_CHECKS
from harness.cli.main import build_parser, main
from harness.execution.run import Shared, execute
from harness.execution.slurm.cluster import read_cluster
from harness.sweep.figures import figure_spec
from harness.sweep.file import SweepSpec, plan_sweep
from harness.validation import validated
from tests.engine import make_context, make_spec

ROOT = resources.ROOT
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_the_method_of_the_guide_works_as_it_stands(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    file = tmp_path / "l2sp.py"
    file.write_text(blocks(ROOT / "docs" / "add-a-method.md", "python")[0], encoding="utf-8")
    registry.add_plugin_file(str(file))
    shared = Shared(make_context(tmp_path / "store", image_folder))
    small = {"steps": 30, "batch_per_domain": 4, "lr": 1e-3}
    run = execute(make_spec("l2sp", image_folder, random_clip, **small), shared)
    assert run.metrics.losses["distance"][0] < run.metrics.losses["distance"][-1]
    assert run.metrics.losses["classification"][-1] < run.metrics.losses["classification"][0]
    zero = execute(make_spec("zero_shot", image_folder, random_clip), shared)
    assert run.accuracy > zero.accuracy
    # So strong a pull that nothing moves: the term does what it says.
    held = {**small, "lr": 1e-5, "strength": 1e6}
    still = execute(make_spec("l2sp", image_folder, random_clip, **held), shared)
    assert still.metrics.source_val == zero.metrics.source_val


def test_the_method_of_the_guide_passes_check_and_stands_in_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the commands of the guide alone, on the embedded model and data."""
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    text = blocks(ROOT / "docs" / "add-a-method.md", "python")[0]
    assert len(text.splitlines()) < 60
    file = tmp_path / "l2sp.py"
    file.write_text(text, encoding="utf-8")
    assert main(["check", str(file)]) == 0
    said = capsys.readouterr().out
    assert "FAIL" not in said
    assert "ok    worker" in said
    store = tmp_path / "store"
    call = "l2sp[steps=3,batch_per_domain=2]"
    where = ["--store", str(store), "--cache-dir", str(tmp_path / "cache")]
    assert main(["run", call, "--target", "noto", *where, "--plugin", str(file)]) == 0
    assert main(["report", "--store", str(store), "--format", "md"]) == 0
    assert "l2sp" in (store / "report" / "table.md").read_text(encoding="utf-8")


def test_the_data_set_of_the_guide_passes_check(
    image_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    file = tmp_path / "zipped.py"
    page = ROOT / "docs" / "add-a-data-set.md"
    file.write_text(blocks(page, "python")[0], encoding="utf-8")
    shutil.make_archive(str(tmp_path / "images"), "zip", image_folder)
    assert main(["check", str(file), "--data-root", str(tmp_path)]) == 0
    assert "FAIL" not in capsys.readouterr().out


def test_the_guide_names_every_check() -> None:
    page = (ROOT / "docs" / "add-a-method.md").read_text(encoding="utf-8")
    for check in METHOD_CHECKS:
        assert f"`{check.name}`" in page


def test_the_sweep_of_the_guide_is_valid() -> None:
    first, several = map(yaml.safe_load, blocks(ROOT / "docs" / "sweeps.md", "yaml"))
    sweep = validated(SweepSpec, first, "docs/sweeps.md")
    assert len(plan_sweep(sweep, None).runs) == 3 * 4 * 3
    whole = {key: first[key] for key in ("name", "seeds", "methods")} | several
    runs = plan_sweep(validated(SweepSpec, whole, "docs/sweeps.md"), None, outline=True).runs
    assert len(runs) == 3 * 3 * 2 * (4 + 4 + 6)
    rates = {(run.dataset.name, run.config["lr"]) for run in runs if run.method == "clipood"}
    assert rates == {("PACS", 5e-6), ("OfficeHome", 1e-5), ("DomainNet", 5e-6)}
    assert {run.config["margin"] for run in runs if run.method == "alignclip"} == {0.3, 0.1}


def test_the_figures_of_the_guide_are_valid() -> None:
    (text,) = blocks(ROOT / "docs" / "tables.md", "yaml")
    kinds = [figure_spec(value, "docs/tables.md").kind for value in yaml.safe_load(text)["figures"]]
    assert kinds == ["table", "table", "ablation", "line", "curve"]


def test_the_cluster_file_of_the_guide_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(blocks(ROOT / "docs" / "slurm.md", "yaml")[0], encoding="utf-8")
    assert read_cluster(file).resources("alignclip").mem_gb == 48


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_parses(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r"python run_benchmark\.py ([^`\n#]+)", text)
    if page.name in (
        "README.md",
        "sweeps.md",
        "tables.md",
        "add-a-method.md",
        "quickstart.md",
        "slurm.md",
        "data.md",
        "exchange.md",
    ):
        assert commands
    for command in commands:
        build_parser().parse_args(command.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target
