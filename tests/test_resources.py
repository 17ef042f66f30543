"""What comes with the harness, and what is the user's: who finds which, and whose name holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import registry, resources
from harness.cli.main import build_parser, main
from harness.errors import UserError
from harness.execution.slurm.cluster import read_cluster
from harness.sweep.file import read_sweep
from tests.test_registry import PLUGIN

SWEEP = "name: mine\ndescription: one of mine\nmethods: [zero_shot]\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty directory, with nothing found yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})


def write(file: str, text: str) -> Path:
    path = Path(file).absolute()
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_what_comes_with_the_harness_is_there() -> None:
    assert (resources.shipped("methods") / "clipood.py").is_file()
    assert (resources.shipped("models") / "tiny-emoji").is_dir()
    assert (resources.published() / "numbers.csv").is_file()
    assert resources.template("method.py.txt").is_file()
    assert (resources.ROOT / resources.guide("slurm")).is_file()


def test_plugins_in_the_working_directory_are_found_and_handed_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mine = write("methods/mine.py", PLUGIN)
    write("methods/_helper.py", "raise RuntimeError('harness')\n")
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    assert "mine" in said
    assert "not loaded" not in said
    assert registry.plugin_files() == [str(mine)]


@pytest.mark.parametrize(
    "verb",
    ["list", "info x", "run x", "sweep plan x", "sweep run x", "sweep submit x --cluster c",
     "sweep retry x", "sweep prepare x", "maps", "cost", "check x", "quickstart", "doctor"],
)  # fmt: skip
def test_every_verb_that_uses_plugins_takes_the_users(verb: str) -> None:
    # `main` looks into ./methods and ./datasets for the verbs that have the option.
    assert build_parser().parse_args([*verb.split(), "--plugin", "mine.py"]).plugin == ["mine.py"]


def test_a_worker_does_not_look_for_itself() -> None:
    write("methods/mine.py", PLUGIN)
    assert "mine" not in registry.discover("methods").plugins


def test_anybodys_folder_called_datasets_is_left_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("datasets/loader.py", "raise SystemExit('a script of another project')\n")
    clipood = resources.shipped("methods") / "clipood.py"
    write("methods/clipood.py", clipood.read_text())
    assert main(["list"]) == 0
    assert "not loaded" not in capsys.readouterr().out
    assert registry.plugin_files() == []


def test_in_the_checkout_nothing_is_found_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(resources.ROOT)
    assert resources.own("methods") is None
    registry.add_own_plugins()
    assert registry.plugin_files() == []


def test_a_plugin_of_a_taken_name_is_named_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    mine = write("methods/clipood.py", PLUGIN.replace('"mine"', '"clipood"', 1))
    assert main(["list"]) == 0
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("not loaded")]
    assert line.startswith(f"not loaded: {mine}: name 'clipood' is taken by {resources.ROOT}")


def test_a_bare_name_means_a_sweep_of_the_users_too(capsys: pytest.CaptureFixture[str]) -> None:
    write("sweeps/mine.yaml", SWEEP)
    assert read_sweep("mine").description == "one of mine"
    assert read_sweep("quickstart").name == "quickstart"
    write("sweeps/broken.yaml", "method: 3\n")
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    assert "one of mine" in said
    (line,) = [x for x in said.splitlines() if x.startswith("not loaded")]
    assert "broken" in line


def test_two_sweeps_of_one_name_are_told_apart_by_path() -> None:
    mine = write("sweeps/quickstart.yaml", SWEEP)
    with pytest.raises(UserError, match=f"^{mine}: name 'quickstart' is taken by ") as caught:
        read_sweep("quickstart")
    assert "\n" not in str(caught.value)
    assert read_sweep("sweeps/quickstart.yaml").name == "mine"
    assert read_sweep("table1-domain-shift").name  # the others go on


def test_an_unknown_sweep_says_where_to_look() -> None:
    with pytest.raises(UserError, match=r"gone: no such sweep file; see `.* list`"):
        read_sweep("gone")


def test_clusters_of_the_users_are_found_and_do_not_hide_ours() -> None:
    write("clusters/mine.yaml", "timeout_min: 7\n")
    (Path("config") / "clip-benchmark-harness" / "clusters").mkdir(parents=True)
    write("config/clip-benchmark-harness/clusters/home.yaml", "timeout_min: 8\n")
    assert [read_cluster(name).timeout_min for name in ("mine", "home")] == [7, 8]
    write("clusters/cpu.yaml", "timeout_min: 9\n")
    with pytest.raises(UserError, match=r"clusters/cpu\.yaml: name 'cpu' is taken by .*; choose"):
        read_cluster("cpu")
    with pytest.raises(UserError, match=r"unknown cluster 'min': did you mean mine.*academic"):
        read_cluster("min")


def test_a_child_process_imports_this_harness_and_not_one_where_it_stands(tmp_path: Path) -> None:
    write("harness/__init__.py", "raise RuntimeError('another harness')\n")
    done = subprocess.run(
        [sys.executable, "-m", "harness.cost.memory"],
        input="",  # it imports what it needs and then finds nothing to do
        env=resources.child_environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert "another harness" not in done.stderr
    assert json.JSONDecodeError.__name__ in done.stderr


def test_site_packages_is_not_put_before_the_standard_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "mine")
    assert resources.child_environment()["PYTHONPATH"] == f"{resources.CODE}{os.pathsep}mine"
    monkeypatch.setattr(resources, "CODE", Path("/usr/lib/python3/site-packages"))
    assert resources.child_environment()["PYTHONPATH"] == "mine"
