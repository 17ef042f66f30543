"""Results of checks for a terminal and for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from harness.check.result import Result

_COLUMN = 15


def lines(result: Result) -> list[str]:
    """Return a result as text: one line, and for a finding what was expected and seen."""
    head = f"  {result.status:<4}  {result.check}"
    text = result.message + (f" ({result.where})" if result.where else "")
    shown = [f"{head:<{8 + _COLUMN}}{text}".rstrip()]
    for title, value in (("why", result.why), ("want", result.expected), ("seen", result.seen)):
        if value:
            shown.append(f"{'':<{8 + _COLUMN}}{title}: {value}")
    return shown


def summary(results: Sequence[Result]) -> str:
    """Return how many checks passed, failed and so on, in one line."""
    counts = {status: sum(r.status == status for r in results) for status in ("ok", "FAIL")}
    more = [
        f"{n} {word}"
        for word, n in (
            ("warned", sum(r.status == "warn" for r in results)),
            ("left out", sum(r.status == "skip" for r in results)),
        )
        if n
    ]
    seconds = sum(r.seconds for r in results)
    parts = [f"{counts['ok']} ok", f"{counts['FAIL']} failed", *more]
    return f"{', '.join(parts)}; {seconds:.0f} s"


def as_json(results: Iterable[Result]) -> str:
    """Return all results as JSON: ``ok``, and ``results`` with the fields of `Result`."""
    listed = [asdict(result) for result in results]
    ok = all(result["status"] != "FAIL" for result in listed)
    return json.dumps({"ok": ok, "results": listed}, indent=1)
