"""YAML files of users: read once, with one kind of message."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UserError


class _Loader(yaml.SafeLoader):
    """YAML with two habits changed: a key given twice is an error, and 1e-4 is a number.

    YAML 1.1 reads a number without a dot before its exponent as a text.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping's values.

        Raises:
            yaml.MarkedYAMLError: For a key that is there twice: the first would be lost unseen.
        """
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key '{key}' is there twice", problem_mark=key_node.start_mark
                )
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+0123456789."),
)


def read_yaml(file: Path, shown: str = "") -> Any:
    """Return what a YAML file says.

    Args:
        file: The file.
        shown: How messages name it; by default its path.

    Raises:
        UserError: If it is not there, cannot be read, or is no YAML; with the line.
    """
    shown = shown or str(file)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(f"{shown}: cannot be read ({why}); give a YAML file") from None
    return parse_yaml(text, shown)


def parse_yaml(text: str, shown: str) -> Any:
    """Return what a YAML text says; messages name it as `shown`.

    Raises:
        UserError: If it is no YAML; with the line.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise UserError(f"{shown}: not valid YAML ({_where(error)}); fix it") from None
    except (ValueError, AttributeError) as error:  # PyYAML's of a value that is no date, no number
        raise UserError(f"{shown}: not valid YAML ({error}); fix it") from None
    except RecursionError:
        raise UserError(f"{shown}: nested too deeply; fix it") from None


def _where(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem}, line {error.problem_mark.line + 1}"
    return " ".join(str(error).split())
