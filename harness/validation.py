"""What everything read from outside is checked with: frozen models, and one line per mistake."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Sequence
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from harness.errors import UserError


def _a_files_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise ValueError("use letters, digits, '.', '_' and '-', a letter or a digit first")
    return text


Name = Annotated[str, Field(max_length=120), AfterValidator(_a_files_name)]
"""A name that is also a file's: letters, digits, ``.``, ``_``, ``-``, and no dot first."""
Seed = Annotated[int, Field(ge=0)]


class Strict(BaseModel):
    """Frozen; an unknown key and a number that is not finite are errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class Written(Strict):
    """What a user writes: a truth value for a number is an error, too.

    Records are not: there are thousands, written by ourselves.
    """

    @model_validator(mode="before")
    @classmethod
    def _no_truth_values_for_numbers(cls, values: Any) -> Any:
        refuse_truth_values(cls, values)
        return values


def refuse_truth_values(model: type[BaseModel], values: Any) -> None:
    """Raise ValueError where a number of the model is true or false.

    pydantic would read ``steps: true`` as one step.
    """
    for key, value in values.items() if isinstance(values, dict) else ():
        field = model.model_fields.get(key)
        items = value if isinstance(value, list | tuple) else (value,)
        if field and any(isinstance(i, bool) for i in items) and _numeric(field.annotation):
            raise ValueError(f"'{key}' is {value}: give a number")


def _numeric(annotation: Any) -> bool:
    """Tell whether an annotation takes numbers and no truth value."""
    inner = get_args(annotation)
    types = {t for part in inner for t in (part, *get_args(part))} if inner else {annotation}
    return bool(types & {int, float}) and bool not in types and Any not in types


_LIST = "give a list"
_KEYS = "give a mapping, e.g. {{key: value}}"
_WHOLE = "give a whole number"
_NUMBER = "give a number"
_TRUTH = "give true or false"
_WORDS = {
    "tuple_type": _LIST, "list_type": _LIST, "set_type": _LIST,
    "dict_type": _KEYS, "model_type": _KEYS, "model_attributes_type": _KEYS,
    "string_type": "give a text",
    "bool_type": _TRUTH, "bool_parsing": _TRUTH,
    "int_type": _WHOLE, "int_parsing": _WHOLE, "int_from_float": _WHOLE,
    "int_parsing_size": "give a smaller number",
    "float_type": _NUMBER, "float_parsing": _NUMBER, "finite_number": "give a finite number",
    "none_required": "leave it out",
    "greater_than": "give a number above {gt}", "greater_than_equal": "give {ge} or more",
    "less_than": "give a number below {lt}", "less_than_equal": "give {le} or less",
    "too_short": "give at least {min_length}", "too_long": "give at most {max_length}",
    "string_too_short": "it is empty; write a text",
    "string_too_long": "write {max_length} letters or less",
    "value_error": "{error}",
    "missing": "it is missing; add it",
}  # fmt: skip
"""What is said for each of pydantic's types of errors."""
_SHOWN = 80
"""Characters of a value in a message."""


def validated(model: type[BaseModel], values: Any, where: str) -> Any:
    """Validate `values` as `model`; on failure raise one line that names place, field and value.

    Args:
        model: The pydantic model.
        values: What was read, usually a dict.
        where: The file, plugin or option, for the message.

    Raises:
        UserError: With the first problem and, for an unknown key, the nearest known ones.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{where}: {_first_problem(model, values, error)}") from None


def in_words(problem: ErrorDetails) -> str:
    """Return what is wanted in place of a value that pydantic refused."""
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    if kind in ("literal_error", "union_tag_invalid"):
        value = context.get("tag", value)
        known = context.get("expected_tags") or context["expected"].replace(" or ", ", ")
        names = [name.strip("'") for name in known.split(", ")]
        near = difflib.get_close_matches(str(value), names, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        return f"{meant}use {', '.join(names)}"
    if kind in _WORDS:
        example = f", [{value!r}]" if isinstance(value, int | float) else ", [a, b]"
        return _WORDS[kind].format(**context) + (example if _WORDS[kind] == _LIST else "")
    return problem["msg"]


def _first_problem(model: type[BaseModel], values: Any, error: ValidationError) -> str:
    problems = error.errors()
    first, field = problems[0], _field(problems[0], values)
    fields = [_field(problem, values) for problem in problems]
    more = len(set(fields)) - 1
    rest = f" (and {more} more)" if more else ""
    kind, shown = first["type"], shortened(first["input"])
    if kind == "missing":
        return f"field '{field}' is missing; add it{rest}"
    if kind in ("extra_forbidden", "invalid_key"):
        known = sorted(_known_fields(model, first["loc"]))
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        meant = f": did you mean {near[0]}?" if near else ""
        return f"unknown field '{field}'{meant}; known: {', '.join(known)}{rest}"
    if kind == "union_tag_invalid":
        key = first["ctx"]["discriminator"].strip("'")
        field, shown = field if key.endswith(")") else f"{field}.{key}", repr(first["ctx"]["tag"])
        return f"field '{field}' is {shown}: {in_words(first)}{rest}"
    # what each member of a union wants
    wanted = [in_words(p) for p, own in zip(problems, fields, strict=True) if own == field]
    words = " or ".join([wanted[0], *(text.removeprefix("give ") for text in wanted[1:])])
    if field:
        return f"field '{field}' is {shown}: {words}{rest}"
    if kind == "model_type":
        holds = "is empty" if values is None or values == "" else f"holds {shown}"
        return f"{holds}; write fields with their values: {', '.join(model.model_fields)}"
    return f"{words}{rest}"


def _field(problem: ErrorDetails, values: Any) -> str:
    """Return the path to a problem, without the names that pydantic gives a union's members."""
    path = [str(part) for part in problem["loc"]]
    if not (isinstance(values, dict) and path and problem["loc"][0] in values):
        return ".".join(path)  # not as written: a short form's
    kept = []
    for part, text in zip(problem["loc"], path, strict=True):
        try:
            values = values[part]
            kept.append(text)
        except (KeyError, IndexError, TypeError):
            continue
    return ".".join([*kept, *path[-1:]] if problem["type"] == "missing" else kept)


def _known_fields(model: type[BaseModel], path: Sequence[int | str]) -> set[str]:
    """Return the fields of the model, or of those in a union, that has the last one of a path."""
    models = [model]
    for part in path[:-1]:
        fields = [m.model_fields[part] for m in models if part in m.model_fields]
        inner = [found for field in fields for found in _models_in(field.annotation)]
        models = inner or [m for m in models if _is_called(m, part)] or models
    return {name for model in models for name in model.model_fields}


def _is_called(model: type[BaseModel], tag: int | str) -> bool:
    """Tell whether a union knows the model by this tag: one of its fields is always that."""
    return any(get_args(field.annotation) == (tag,) for field in model.model_fields.values())


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def shortened(value: Any) -> str:
    """Return a value as a message shows it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
