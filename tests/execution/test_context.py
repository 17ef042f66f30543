"""Where a run happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.execution.context import Context


def test_the_cache_is_the_users_unless_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLIP_BENCH_CACHE", raising=False)
    home = Context(store=tmp_path).cache
    assert home == tmp_path / ".cache" / "clip-benchmark-harness"
    monkeypatch.setenv("CLIP_BENCH_CACHE", str(tmp_path / "mine"))
    assert Context(store=tmp_path).cache == tmp_path / "mine"
    assert Context(store=tmp_path, cache=None).cache is None  # in memory only


def test_it_reaches_a_worker_as_it_was(tmp_path: Path) -> None:
    context = Context(store=tmp_path, plugins=("a.py",), log=("wandb",), threads=3)
    assert Context.model_validate_json(context.model_dump_json()) == context
    with pytest.raises(ValueError, match="thread"):
        Context.model_validate({"store": tmp_path, "thread": 3})
