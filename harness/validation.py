"""What everything read from outside is checked with: frozen models, and one line per mistake."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.errors import UserError

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=120)]
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
        # pydantic would read `steps: true` as one step
        for key, value in values.items() if isinstance(values, dict) else ():
            field = cls.model_fields.get(key)
            items = value if isinstance(value, list | tuple) else (value,)
            if field and any(isinstance(i, bool) for i in items) and _numeric(field.annotation):
                raise ValueError(f"'{key}' is {value}: give a number")
        return values


def _numeric(annotation: Any) -> bool:
    """Tell whether an annotation takes numbers and no truth value."""
    inner = get_args(annotation)
    types = {t for part in inner for t in (part, *get_args(part))} if inner else {annotation}
    return bool(types & {int, float}) and bool not in types and Any not in types


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
        raise UserError(f"{where}: {_first_problem(model, error)}") from None


def _first_problem(model: type[BaseModel], error: ValidationError) -> str:
    problem = error.errors()[0]
    field = ".".join(str(part) for part in problem["loc"]) or "value"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "missing":
        return f"field '{field}' is missing; add it{more}"
    if problem["type"] == "union_tag_invalid":
        found = problem["ctx"]
        key = str(found["discriminator"]).strip("'")
        return f"field '{field}.{key}' is '{found['tag']}': use {found['expected_tags']}{more}"
    if problem["type"] == "extra_forbidden":
        if len(problem["loc"]) > 1:
            return f"unknown field '{field}'{more}"
        near = difflib.get_close_matches(field, model.model_fields, n=1)
        meant = f": did you mean {near[0]}?" if near else ""
        return (
            f"unknown field '{field}'{meant}; known: {', '.join(sorted(model.model_fields))}{more}"
        )
    return f"field '{field}' is {problem['input']!r}: {problem['msg']}{more}"
