"""The wheel, built from this tree and used in a fresh environment outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv as venvs
import zipfile
from dataclasses import dataclass
from pathlib import Path

import editables
import pytest

from harness import __version__, resources
from harness.store.store import Store
from tests.engine import outcome

pytestmark = pytest.mark.xdist_group("wheel")  # one process builds and installs, once
ROOT = resources.ROOT
BUNDLED = "harness/_bundled/"
RUN = ("zero_shot", "my_thing[steps=3,batch_per_domain=2]", "--target", "noto", "--workers", "1")

# What `sweep submit` leaves for a job, without a Slurm to give it to.
TAKE = """
import json
from pathlib import Path
from harness import registry
from harness.execution.context import Context
from harness.execution.slurm import snapshot
from harness.execution.slurm.ledger import JobTask
from harness.store.store import Store

registry.add_own_plugins()
desk = Path.cwd()
code, plugins = snapshot.take(desk / "snapshots", registry.plugin_files())
task = JobTask(
    context=Context(store=desk / "jobs", plugins=plugins),
    state_file=desk / "jobs" / "state.json",
    runs=tuple(record.spec for record in Store(desk / "results" / "runs").records()),
)
(desk / "task.json").write_text(task.model_dump_json())
print(json.dumps([str(code), str(desk / "task.json")]))
"""
JOB = """
import sys
import harness
from harness.execution.slurm.job import RunPack

print(harness.__file__, RunPack(sys.argv[1])())
"""


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel in it, and an empty directory to work in."""

    bin: Path
    desk: Path

    def run(self, program: str, *words: str, status: int = 0, **environment: str) -> str:
        """Run a program of the environment's on the desk; return what it printed."""
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST"))}
        plain |= {"OMP_NUM_THREADS": "1", "CLIP_BENCH_CACHE": str(self.desk / "cache")}
        done = subprocess.run(
            [str(self.bin / program), *words], cwd=self.desk, env=plain | environment,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


def build(target: str, source: Path, folder: Path) -> Path:
    """Build a wheel or sdist and return the file."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (file,) = folder.iterdir()
    return file


def environment(folder: Path, wheel: Path) -> Path:
    """Make a bare virtual environment with the wheel alone; return its bin/."""
    venvs.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps",
               "--no-index", "--quiet", str(wheel)]  # fmt: skip
    subprocess.run(command, check=True, cwd=folder, capture_output=True)
    return python.parent


def site_packages(bin_dir: Path) -> Path:
    (found,) = bin_dir.parent.glob("lib/python*/site-packages")
    return found


def with_third_parties(bin_dir: Path) -> None:
    """Let an environment see the third parties' packages of the one that runs the tests.

    A .pth file adds their folders at the end of the path and does not follow the .pth files there:
    a harness that is installed among them, editable or not, is out of reach.
    """
    folders = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (site_packages(bin_dir) / "third_parties.pth").write_text("\n".join(folders) + "\n")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    bin_dir = environment(folder / "venv", wheel)
    with_third_parties(bin_dir)
    (folder / "desk").mkdir()
    return Installed(bin_dir, folder / "desk")


def test_it_holds_everything_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    info = f"clip_benchmark_harness-{__version__}.dist-info"
    assert {name.split("/")[0] for name in packed} == {"harness", info}
    wanted = {}
    for folder in ("harness", "methods", "datasets", "models", "sweeps", "clusters",
                   "results/published"):  # fmt: skip
        inside = "" if folder == "harness" else BUNDLED
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                wanted[inside + path.relative_to(ROOT).as_posix()] = path.read_bytes()
    assert {f"{BUNDLED}datasets/emoji_data/noto.zip", "harness/py.typed"} <= set(wanted)
    rest = {name for name in packed if not name.startswith((f"{BUNDLED}docs/", info))}
    assert rest == set(wanted)
    assert all(packed[name] == content for name, content in wanted.items())
    licences = {name for name in packed if name.startswith(f"{info}/licenses/")}
    assert {name.rpartition("/")[2] for name in licences} == {"LICENSE", "NOTICE", "LICENSES.md"}
    assert b"\nLicense-Expression: Apache-2.0\n" in packed[f"{info}/METADATA"]


def test_a_source_archive_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = build("wheel", source, tmp_path / "wheel")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert sorted(
            (i.filename, i.CRC) for i in one.infolist() if "RECORD" not in i.filename
        ) == sorted((i.filename, i.CRC) for i in other.infolist() if "RECORD" not in i.filename)


@pytest.mark.parametrize("target", ["wheel", "wheel:editable"])
def test_it_never_shadows_hugging_faces_datasets(target: str, tmp_path: Path) -> None:
    bin_dir = environment(tmp_path / "venv", build(target, ROOT, tmp_path / "wheel"))
    # All that an editable install needs, and no other package that could be called `datasets`.
    (site_packages(bin_dir) / "editables").symlink_to(Path(editables.__file__).parent)
    script = (
        "import harness, importlib.util as u\n"
        "print(harness.__file__, [n for n in ('datasets', 'methods', 'tests') if u.find_spec(n)])"
    )
    done = subprocess.run(
        [str(bin_dir / "python"), "-c", script], cwd=tmp_path, capture_output=True, text=True,
        check=True, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    file, _, found = done.stdout.strip().partition(" ")
    assert found == "[]"
    copied = (site_packages(bin_dir) / "harness").exists()
    assert copied == (target == "wheel")  # an editable install leaves no copy to go stale
    assert Path(file).is_relative_to(site_packages(bin_dir) if copied else ROOT)


def test_from_an_empty_directory_to_a_page_with_a_method_of_ones_own(installed: Installed) -> None:
    desk = installed.desk
    said = installed.run("clip-bench", "new-method", "my_thing")
    assert "  clip-bench check methods/my_thing.py\n" in said
    assert "--plugin" not in said
    guide = Path(said.strip().splitlines()[-1].split(" says ")[0])
    assert guide.is_file()
    assert guide.is_relative_to(site_packages(installed.bin))  # it is the wheel's copy that runs
    said = installed.run("clip-bench", "list")
    for name in ("my_thing", "alignclip", "emoji", "table1-domain-shift"):
        assert f"\n {name} " in said, name
    assert "not loaded" not in said
    said = installed.run("clip-bench", "check", "methods/my_thing.py")
    assert "FAIL" not in said
    assert "ok    worker" in said
    said = installed.run("clip-bench", "run", *RUN)
    assert "table: clip-bench report --store results/runs" in said
    installed.run("clip-bench", "report", "--store", "results/runs", "--html", "--format", "md")
    report = desk / "results" / "runs" / "report"
    assert "my_thing" in (report / "table.md").read_text(encoding="utf-8")
    assert "my_thing" in (report / "leaderboard.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in desk.iterdir()) == ["cache", "methods", "results"]
    for record in Store(desk / "results" / "runs").records():
        assert record.provenance.git == ""  # nothing is said of a repository around it
        assert record.provenance.versions["clip-benchmark-harness"] == __version__


def test_a_snapshot_of_it_gives_a_job_the_same_numbers(installed: Installed) -> None:
    desk = installed.desk
    if not (desk / "results").is_dir():  # this test alone
        installed.run("clip-bench", "new-method", "my_thing")
        installed.run("clip-bench", "run", *RUN)
    said = installed.run("python", "-c", TAKE)
    code, file = json.loads(said.splitlines()[-1])
    assert (Path(code) / "harness" / "_bundled" / "methods" / "clipood.py").is_file()
    # What is edited after the submission, or lies where the job starts, must not reach it.
    (desk / "methods" / "my_thing.py").write_text("raise RuntimeError('harness: edited later')\n")
    said = installed.run("python", "-c", JOB, file, PYTHONPATH=code, PYTHONSAFEPATH="1")
    assert f"{code}/harness/__init__.py {{'done': 2, 'failed': 0" in said
    local, jobs = Store(desk / "results" / "runs"), Store(desk / "jobs")
    ids = {record.id for record in local.records()}
    assert ids == {record.id for record in jobs.records()}
    for run in ids:
        assert outcome(local.root, run) == outcome(jobs.root, run)
