"""The parser of all verbs, and what every command does with its output and its store."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import build_parser, main

ROOT = Path(__file__).resolve().parents[2]


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("list", "info", "run", "sweep", "report", "cost", "doctor", "quickstart"):
        with pytest.raises(SystemExit) as caught:
            build_parser().parse_args([verb, "--help"])
        assert caught.value.code == 0
        assert "usage: run_benchmark.py" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["list", "data list"])
def test_a_reader_that_leaves_is_no_failure(verb: str) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "run_benchmark.py", *verb.split()],
        cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_the_signs_gets_others(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "run_benchmark.py", "report", "--store", str(tmp_path / "gone±\udcff")],
        cwd=ROOT, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 2
    assert rb"gone+/-\udcff" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_error_is_one_line_that_no_terminal_acts_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "a\n\x1b[2J\udcff"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: method 'a\\n\\x1b[2J\\udcff': write name or name[")
    assert error[:-1].isprintable()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("rnu", "argument VERB: unknown value 'rnu': did you mean run? known: bench, "),
        ("sweep plna", "argument ACTION: unknown value 'plna': did you mean plan? known: "),
        ("run coop --trget noto", "unknown argument '--trget noto': did you mean --target?"),
        ("list more", "unknown argument 'more'; see `run_benchmark.py list --help`"),
        ("run coop --precision fp3", "--precision: unknown value 'fp3': did you mean fp32"),
        ("run coop --workers few", "argument --workers: 'few': give a whole number from 1; see"),
        ("run coop --limit 1.5", "argument --limit: '1.5': give a whole number from 1; see"),
        ("leaderboard verify a --repeat -1", "argument --repeat: '-1': give a whole number from 0"),
        ("data split emoji --data-seed -1", "argument --data-seed: '-1': give a whole number"),
        ("run coop --device gpu", "'gpu': write auto, cpu, cuda or cuda:1; see"),
        ("run coop --dry-run --log x", "unknown logger 'x': known: tensorboard, wandb; write"),
        ("bench --dry-run --only stpe", "unknown group 'stpe': did you mean step"),
        ("bench --dry-run --model ViT-B-61", "unknown model 'ViT-B-61': did you mean ViT-B-16"),
        ("list --plugin README.md", "--plugin README.md: no Python file; give the path of one"),
        (
            "run coop --dry-run --preprocess openai",
            "preprocess 'openai' does not go with tiny-emoji, which brings its own weights",
        ),
        ("run coop --cache-gb -1", "argument --cache-gb: '-1': give a number from 0; see"),
        ("run coop --cache-gb nan", "argument --cache-gb: 'nan': give a number from 0; see"),
        ("sweep power --store s --alpha 1", "'1': give a number between 0 and 1; see"),
        ("report --store=", "'report --store=': a value is empty; give one, or leave it out"),
        ("report --store ''", "'--store ': a value is empty; give one, or leave it out"),
        ("report --a\033[2J", r"unknown argument '--a\x1b[2J'"),
    ],
)
def test_what_the_parser_refuses_is_one_line(
    command: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(shlex.split(command)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert said in line


def test_a_path_that_no_system_takes_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    name = "x" * 300
    for words in (
        ["list", "--plugin", name],
        ["run", "zero_shot", "--model", name],  # said by the process that plans
        ["data", "verify", "PACS", "--data-root", name],
        ["data", "import", "PACS", "--data-root", "d", "--parquet", "p", "--classes", name],
    ):
        assert main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert f"{name}: File name too long; give " in line.replace("/PACS", "")


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("file", "not a folder"),
        ("file/below", "Not a directory"),
        ("n" * 300, "File name too long"),
        ("/proc/of/ours", "cannot be written to"),
    ],
)
def test_a_store_that_cannot_be_is_one_line(
    store: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    where = tmp_path / store
    assert main(["run", "zero_shot", "--target", "noto", "--store", str(where)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: store {where}: ")
    assert said in line
    assert "name another" in line
