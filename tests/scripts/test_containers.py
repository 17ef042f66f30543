"""The container files install the package as it can be installed, and the same way in both."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKER = (ROOT / "containers" / "Dockerfile").read_text(encoding="utf-8")
APPTAINER = (ROOT / "containers" / "clip-bench.def").read_text(encoding="utf-8")


def test_both_install_the_same_on_the_same_base() -> None:
    install = re.search(r"python -m pip install .*", DOCKER)
    assert install is not None
    assert install[0] in APPTAINER
    base = re.search(r"BASE=(\S+)", DOCKER)
    assert base is not None
    assert f"From: {base[1]}\n" in APPTAINER


def test_what_they_ask_for_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = re.search(r"clip-bench\[([\w,]+)\]", DOCKER)
    assert extras is not None
    assert set(extras[1].split(",")) <= set(project["optional-dependencies"])
    assert 'ENTRYPOINT ["clip-bench"]' in DOCKER
    assert "clip-bench" in project["scripts"]
    torch = re.search(r"pytorch/pytorch:([\d.]+)", DOCKER)
    least = next(
        re.search(r">=([\d.]+)", d) for d in project["dependencies"] if d.startswith("torch>")
    )
    assert torch is not None
    assert least is not None
    assert [int(x) for x in torch[1].split(".")] >= [int(x) for x in least[1].split(".")]


def test_every_line_of_the_dockerfile_is_an_instruction() -> None:
    joined = re.sub(r"\\\n", " ", DOCKER)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    known = {"ARG", "FROM", "COPY", "RUN", "ENV", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert {line.split()[0] for line in lines} <= known
    sections = {line.split()[0] for line in APPTAINER.splitlines() if line.startswith("%")}
    assert sections == {"%files", "%post", "%runscript", "%help"}
