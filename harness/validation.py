"""What everything read from outside is checked with: frozen models, and one line per mistake."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import UserError


class Strict(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
        known = ", ".join(sorted(model.model_fields)) if len(problem["loc"]) == 1 else ""
        return f"unknown field '{field}'{'; known: ' + known if known else ''}{more}"
    return f"field '{field}' is {problem['input']!r}: {problem['msg']}{more}"
