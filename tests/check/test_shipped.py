"""Every plugin that comes with the repository passes the suite that others' must pass."""

from __future__ import annotations

import pytest

from harness import registry
from harness.check.bench import Bench
from harness.check.data import check_dataset
from harness.check.method import check_method
from tests.engine import SMALL


@pytest.mark.parametrize("name", sorted(registry.discover("methods").plugins))
def test_methods(name: str, bench: Bench) -> None:
    short = ("steps", "batch_per_domain")
    given = {key: value for key, value in SMALL.get(name, {}).items() if key not in short}
    cls = registry.method_class(name)
    # Resuming and workers: test_loop.py, test_worker.py.
    results = list(check_method(cls, bench, given, frozenset({"resume", "worker"})))
    assert [r for r in results if r.status == "FAIL"] == []
    assert {"gradient", "frozen"} <= {r.check for r in results} or not cls.trains


def test_data_sets(bench: Bench) -> None:
    for name in ("emoji", "folder"):
        results = list(check_dataset(registry.dataset_class(name), bench.data_root))
        assert [r for r in results if r.status != "ok"] == []
