"""The console of verbs, when its reader goes."""

from __future__ import annotations

import os

import pytest

from harness.console.terminal import Terminal


def test_a_reader_that_has_gone_is_told_to_main() -> None:
    read, write = os.pipe()
    os.close(read)
    console = Terminal(width=80)
    with pytest.raises(BrokenPipeError), open(write, "w", buffering=1) as console.file:
        console.print("a line")
