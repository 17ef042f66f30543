"""One default for the report, the command line and Python."""

from __future__ import annotations

import argparse
import inspect

from harness import api
from harness.cli.report import add_arguments
from harness.report.build import Choice
from harness.report.stats import Design


def test_the_same_test_wherever_none_is_asked_for() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    python = inspect.signature(api.compare).parameters
    assert Design().test == Choice().test == parser.parse_args([]).test == "t"
    for name in ("test", "unit", "alpha", "power"):
        assert python[name].default == getattr(Design(), name)
