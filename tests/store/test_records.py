from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.store.store import Store
from tests.store.made import record
from tests.test_specs import spec


def test_a_record_with_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    store, run = Store(tmp_path), spec()
    store.write(record(run), b"")
    path = store.run_dir(run.id) / "record.json"
    content = json.loads(path.read_text())
    content["provenance"]["wall_s"] = float("nan")
    path.write_text(json.dumps(content))
    with pytest.raises(
        UserError,
        match=r"record.json: field 'provenance.wall_s' is nan.*; restore or delete the file$",
    ):
        store.read(run.id)


def test_a_newer_record_is_refused_not_misread(tmp_path: Path) -> None:
    store, run = Store(tmp_path), spec()
    store.write(record(run), b"")
    path = store.run_dir(run.id) / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "novelty": 1}))
    with pytest.raises(UserError, match="unknown field 'novelty'"):
        store.read(run.id)
