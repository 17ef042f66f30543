"""Secrets reach neither failures nor logs nor the screen."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import IO, Any, cast

import pytest

from harness.cli.main import main
from harness.errors import UserError
from harness.execution.run import Shared
from harness.execution.worker import Stop, run_one
from harness.store.secrets import REDACTED, Discreet, redacted
from harness.store.store import Store
from tests.engine import make_context, make_spec


@pytest.mark.parametrize(
    "secret",
    [
        "hf_" + "aB3" * 11,
        "ghp_" + "x1" * 18,
        "github_pat_" + "x1" * 20,
        "sk-proj-" + "ab_C" * 8,
        "AKIA" + "ABCD1234" * 2,
        "xoxb-123456789-abc",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1",
    ],
)
def test_known_shapes(secret: str) -> None:
    assert redacted(f"401 for {secret!r}, try again") == f"401 for '{REDACTED}', try again"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://me:pa55@host/x", f"https://{REDACTED}@host/x"),
        ("Authorization: Bearer abcdef123456", f"Authorization: Bearer {REDACTED}"),
        ("GET /a?token=abc&x=1", f"GET /a?token={REDACTED}&x=1"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----.",
            f"{REDACTED}.",
        ),
        ("coop[class_token=end,key=x] lr=0.1", None),
        ("wandb: api_key=abc, --api-key=def", f"wandb: api_key={REDACTED}, --api-key={REDACTED}"),
        ("clipood[lr=0.1] on https://host/x: no tokenizer, 3 tokens, disk-key", None),
        ("runs/3f2a9c0d1e4b5a67: SHA-256 " + "0a1b" * 16, None),
    ],
)
def test_what_surrounds_a_secret_stays(text: str, wanted: str | None) -> None:
    assert redacted(text) == (text if wanted is None else wanted)


def test_values_of_variables_that_are_named_like_secrets() -> None:
    values = {"WANDB_API_KEY": "0123456789abcdef", "MY_PASSWORD": "short", "HOME": "/home/jane-doe"}
    text = "no key 0123456789abcdef in /home/jane-doe, short"
    assert redacted(text, values) == f"no key {REDACTED} in /home/jane-doe, short"


def test_what_libraries_print_is_written_without_secrets() -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(cast(IO[str], Discreet(out))):
        print("using hf_" + "a" * 30)
    assert out.getvalue() == f"using {REDACTED}\n"


def test_no_secret_in_failure_log_or_event(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "very-secret-value"
    monkeypatch.setenv("HUB_TOKEN", secret)
    spec = make_spec("zero_shot", image_folder, random_clip)
    context = make_context(tmp_path, image_folder)

    def fail(*_: Any) -> None:
        print(f"asking with {secret}")
        raise RuntimeError(f"401 with {secret}")

    monkeypatch.setattr(Shared, "bank", fail)
    out = io.StringIO()
    run_one(spec, context, Shared(context), cast(Stop, lambda: False), out)
    store = Store(tmp_path)
    log = (store.work_dir(spec.id) / "log.txt").read_text()
    failure = (store.root / "failures" / f"{spec.id}.json").read_text()
    assert "asking with" in log
    for text in (log, failure, out.getvalue()):
        assert secret not in text
        assert REDACTED in text


def test_no_secret_in_an_error_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> int:
        raise UserError("no access with hf_" + "b" * 30)

    monkeypatch.setattr("harness.cli.listing.run", fail)
    assert main(["list"]) == 2
    assert capsys.readouterr().err == f"error: no access with {REDACTED}\n"
