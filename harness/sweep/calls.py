"""The one grammar of a method with its parameters: ``name[key=value, key=value]``.

A value is a number, ``true``, ``false``, ``null``, a list ``[a, b]`` or a text. A text needs no
quotes unless it would be read as something else: ``template={} texture.`` is a text, and so is
``ctx_init="a photo, of a"``, whose comma has to be quoted. What is printed here is read here as the
same values, so a row of a table can be pasted back into a command.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from harness.errors import UserError

_CALL = re.compile(r"\s*([^\[\]]*[^\[\]\s])\s*\[(.*)\]\s*", re.DOTALL)
_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_WORDS = {"true": True, "false": False, "null": None, "~": None}
_CLOSING = {"[": "]", "{": "}", "(": ")"}


def parse_call(text: str, kind: str = "method") -> tuple[str, dict[str, Any]]:
    """Split ``name[key=value, ...]`` into the name and its values.

    Args:
        text: What was written.
        kind: What it names, for messages.

    Raises:
        UserError: If brackets or quotes do not close, or something is not ``key=value``.
    """
    if "[" not in text and "]" not in text:
        return _name(text, f"{kind} '{text}'"), {}
    match = _CALL.fullmatch(text)
    if match is None:
        raise UserError(f"{kind} '{text}': write name or name[param=value,param=value]")
    try:
        return _name(match[1], f"{kind} '{text}'"), _arguments(match[2])
    except ValueError as error:
        raise UserError(f"{kind} '{text}': {error}") from None


def parse_value(text: str) -> Any:
    """Return what a value stands for; see the module.

    Raises:
        ValueError: If brackets or quotes do not close.
    """
    value, end = _value(text, 0, "")
    if end != len(text):
        raise ValueError(f"'{text[end:].strip()}' follows the value {text[:end].strip()}")
    return value


def parse_pair(text: str, option: str) -> tuple[str, Any]:
    """Split the ``KEY=VALUE`` of a command-line option.

    Raises:
        UserError: If it is none, or brackets or quotes do not close.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UserError(f"{option} {text}: write KEY=VALUE")
    try:
        return key.strip(), parse_value(value)
    except ValueError as error:
        raise UserError(f"{option} {text}: {error}") from None


def print_value(value: Any) -> str:
    """Return a value as a user would type it; a text only has quotes where it needs them."""
    if isinstance(value, str):
        return value if _reads_back(f"x={value}", {"x": value}) else _in_quotes(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_print_item, value))}]"
    return json.dumps(value, default=str)


def _print_item(item: Any) -> str:
    if isinstance(item, str):
        return item if _reads_back(f"x=[{item}]", {"x": [item]}) else _in_quotes(item)
    return print_value(item)


def _in_quotes(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _reads_back(text: str, values: dict[str, Any]) -> bool:
    # Brackets must close within the text: beside another value they might close there.
    if one_line(text) != text or not all(_balanced(text, *pair) for pair in _CLOSING.items()):
        return False
    try:
        return _arguments(text) == values
    except ValueError:
        return False


def _balanced(text: str, opening: str, closing: str) -> bool:
    depth = 0
    for char in text:
        depth += (char == opening) - (char == closing)
        if depth < 0:
            return False
    return depth == 0


def print_call(name: str, values: Mapping[str, Any]) -> str:
    """Return ``name[key=value, ...]``, or the bare name without values."""
    inner = ", ".join(f"{key}={print_value(value)}" for key, value in values.items())
    return f"{name}[{inner}]" if inner else name


def canonical(text: str) -> str:
    """Return the one spelling of a row's name: order, spaces and ``5`` or ``5.0`` do not matter.

    A text that is no call, such as a label, is returned as `one_line` does.
    """
    match = _CALL.fullmatch(text)
    try:
        values = _arguments(match[2]) if match else {}
    except ValueError:
        match = None
    if match is None:
        return one_line(text)
    pairs = sorted((key, print_value(_as_float(value))) for key, value in values.items())
    return f"{one_line(match[1])}[{','.join(f'{key}={value}' for key, value in pairs)}]"


def one_line(text: str) -> str:
    """Return `text` on one line, without control characters: it goes into cells and file names."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _name(name: str, where: str) -> str:
    if not re.fullmatch(r"[\w.-]+", name.strip()):
        raise UserError(f"{where}: write name or name[param=value,param=value]")
    return name.strip()


def _arguments(text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    at = _behind_blanks(text, 0)
    while at < len(text):
        item = text[at:].partition(",")[0]
        key, equals, _ = item.partition("=")
        name = key.strip()
        if not equals or not name:
            raise ValueError(f"'{item.strip()}' is not param=value")
        if name in values:
            raise ValueError(f"'{name}' is given twice")
        values[name], at = _value(text, at + len(key) + 1, ",")
        if at < len(text) and text[at] != ",":
            raise ValueError(f"'{text[at:].strip()}' follows the value of {name}; put a comma")
        at = _behind_blanks(text, at)
    return values


def _behind_blanks(text: str, at: int) -> int:
    while at < len(text) and (text[at] == "," or text[at].isspace()):
        at += 1
    return at


def _value(text: str, at: int, stops: str) -> tuple[Any, int]:
    """Return the value that begins at `at` and the place behind it: a stop or the end."""
    while at < len(text) and text[at].isspace():
        at += 1
    for opening, read in (("'\"", _quoted), ("[", _items)):
        if text[at : at + 1] and text[at] in opening:
            value, end = read(text, at)
            rest = len(text[end:]) - len(text[end:].lstrip())
            if end + rest == len(text) or text[end + rest] in stops or opening != "[":
                return value, end + rest
    end = at
    while end < len(text) and text[end] not in stops:
        end = _behind(text, end)
    return _scalar(text[at:end].strip()), end


def _scalar(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _items(text: str, at: int) -> tuple[list[Any], int]:
    """Return the list whose bracket is at `at`, and the place behind it."""
    items: list[Any] = []
    start, at = at, at + 1
    while at < len(text):
        if text[at] == "]":
            return items, at + 1
        if text[at] == "," or text[at].isspace():
            at += 1
            continue
        item, at = _value(text, at, ",]")
        items.append(item)
        if at < len(text) and text[at] not in ",]":
            raise ValueError(f"'{text[at:].strip()}' follows {print_value(item)}; put a comma")
    raise ValueError(f"'[' is not closed in '{text[start:].strip()}'")


def _behind(text: str, at: int) -> int:
    """Return the place behind the character at `at`, or behind the bracket that closes it.

    A brace or parenthesis that nothing closes is an ordinary character of a text.
    """
    opening, depth = text[at], 0
    if opening == "]":
        raise ValueError(f"']' closes nothing in '{text.strip()}'")
    if opening not in _CLOSING:
        return at + 1
    for place in range(at, len(text)):
        depth += (text[place] == opening) - (text[place] == _CLOSING[opening])
        if depth == 0:
            return place + 1
    if opening == "[":
        raise ValueError(f"'[' is not closed in '{text.strip()}'")
    return at + 1


def _quoted(text: str, at: int) -> tuple[str, int]:
    """Return the text in quotes that begins at `at`, and the place behind it."""
    if text[at] == '"':  # as JSON
        try:
            value, end = json.JSONDecoder().raw_decode(text, at)
        except ValueError:
            raise ValueError(f"the quote is not closed in {text[at:].strip()}") from None
        return str(value), end
    match = re.compile(r"'((?:[^']|'')*)'").match(text, at)  # as YAML
    if match is None:
        raise ValueError(f"the quote is not closed in {text[at:].strip()}")
    return match[1].replace("''", "'"), match.end()


def _as_float(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_float(item) for item in value]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number else value
