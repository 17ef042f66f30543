"""A parser whose refusal is one line, with the nearest name."""

from __future__ import annotations

import argparse
import difflib
import re
from itertools import pairwise
from typing import Any, NoReturn

from harness.errors import UserError, unknown_name


class Parser(argparse.ArgumentParser):
    """As argparse's, but for what it says of a mistake."""

    def error(self, message: str) -> NoReturn:
        """Refuse: one line in place of the usage.

        Raises:
            UserError: Always.
        """
        raise UserError(f"{message}; see `{self.prog} --help`")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; an unknown option or an empty value is an error."""
        for before, word in pairwise(["", *args]):
            if not word.strip() or re.fullmatch(r"--[\w-]+=", word):
                self.error(f"'{before} {word}': a value is empty; give one, or leave it out")
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            options = re.findall(r"--[\w-]+", self.format_usage())
            near = difflib.get_close_matches(unknown[0].partition("=")[0], options, n=1)
            meant = f": did you mean {near[0]}?" if near else ""
            self.error(f"unknown argument '{' '.join(unknown)}'{meant}")
        return found, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            error = unknown_name("value", str(value), map(str, action.choices))
            raise argparse.ArgumentError(action, str(error))
