"""What a method says of itself: summary, source, parameters."""

from __future__ import annotations

import re

from pydantic import ValidationError

from harness.check.bench import Subject
from harness.check.result import Skip, Wrong
from harness.method import TrainConfig
from harness.validation import in_words

SUMMARY_LENGTH = 60
_SOURCE = re.compile(r"arxiv|doi|https?://|\b(19|20)\d\d\b|unpublished", re.IGNORECASE)
_SAY_IT_THEMSELVES = {k for k, f in TrainConfig.model_fields.items() if not f.description}


def described(subject: Subject) -> None:
    """Summary of one line, a source that can be found."""
    summary, citation = subject.cls.summary, subject.cls.citation
    if not summary.strip() or "\n" in summary or len(summary) > SUMMARY_LENGTH:
        raise Wrong(
            "write `summary` as one short line",
            "`list` shows it beside the name",
            f"1 to {SUMMARY_LENGTH} characters on one line",
            f"{len(summary)} characters on {len(summary.splitlines())} line(s)",
        )
    if not _SOURCE.search(citation):
        raise Wrong(
            "name in `citation` where the method can be read",
            "records and `info` carry it",
            "authors and title with an arXiv id, a doi, a link, or venue and year; "
            "or the word unpublished",
            repr(citation),
        )


def config(subject: Subject) -> None:
    """The configuration survives JSON, and refuses what it does not know."""
    cls = subject.cls
    if cls.trains and not issubclass(cls.Config, TrainConfig):
        raise Wrong(
            f"derive {cls.Config.__name__} from harness.method.TrainConfig, or set trains = False",
            "the training loop reads steps, lr and the like from it",
            "a subclass of TrainConfig",
            f"bases {', '.join(base.__name__ for base in cls.Config.__bases__)}",
        )
    try:
        made = cls.Config.model_validate({})
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise Wrong(
            f"give field '{field}' of {cls.Config.__name__} a valid default",
            "a method is run by its name alone, with its paper's values",
            "every field has one",
            in_words(error.errors()[0]),
        ) from None
    try:
        again = cls.Config.model_validate_json(made.model_dump_json())
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise Wrong(
            f"give field '{field}' a type and default that JSON can carry",
            "workers get the configuration as JSON, and a run's id is a hash of it",
            "the same configuration after a trip through JSON",
            in_words(error.errors()[0]),
        ) from None
    for field in cls.Config.model_fields:
        before, after = getattr(made, field), getattr(again, field)
        if before != after:
            raise Wrong(
                f"make field '{field}' keep its value through JSON (mind its validator)",
                "workers get the configuration as JSON, and a run's id is a hash of it",
                repr(before),
                repr(after),
            )
    try:
        cls.Config.model_validate({"no_such_parameter": 1})
    except ValidationError:
        return
    raise Wrong(
        f"keep extra='forbid' in model_config of {cls.Config.__name__}",
        "a misspelt parameter would silently run the default",
        "an error for the parameter 'no_such_parameter'",
        "accepted",
    )


def documented(subject: Subject) -> None:
    """Every parameter says what it means."""
    for key, field in subject.cls.Config.model_fields.items():
        if not field.description and key not in _SAY_IT_THEMSELVES:
            raise Wrong(
                f"write a docstring below field '{key}' of {subject.cls.Config.__name__}",
                "`info` prints it",
                "one sentence: meaning, unit, where the default is from",
                "none",
            )


def presets(subject: Subject) -> None:
    """Every preset is valid and sets what it says."""
    cls = subject.cls
    if not cls.presets:
        raise Skip("it has none")
    for name, values in cls.presets.items():
        change = f"correct preset '{name}'"
        unknown = sorted(set(values) - set(cls.Config.model_fields))
        if unknown:
            fields = ", ".join(cls.Config.model_fields)
            raise Wrong(f"{change}: there is no parameter '{unknown[0]}'", "", fields, unknown[0])
        try:
            made = cls.Config.model_validate(dict(values))
        except ValidationError as error:
            problem = error.errors()[0]
            key = ".".join(map(str, problem["loc"])) or "values"
            raise Wrong(
                f"{change}: '{key}'", "", in_words(problem), repr(problem["input"])
            ) from None
        for key, value in values.items():
            if getattr(made, key) != value:
                raise Wrong(
                    f"{change}: '{key}' does not keep its value",
                    "a validator replaces it",
                    repr(value),
                    repr(getattr(made, key)),
                )
