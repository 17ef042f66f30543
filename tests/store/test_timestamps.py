"""The form in which records say when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from harness.store.timestamps import now


def test_it_is_utc_to_the_second() -> None:
    said = now()
    read = datetime.fromisoformat(said)
    assert read.utcoffset() == timedelta(0)
    assert read.microsecond == 0
    assert len(said) == len("2026-01-01T00:00:00+00:00")
    assert abs(datetime.now(UTC) - read) < timedelta(minutes=1)
