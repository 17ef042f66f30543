"""Read numbers of the literature from CSV; every row is checked."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from harness import resources
from harness.errors import UserError
from harness.protocols import PROTOCOLS
from harness.validation import Strict, shortened, validated

FOLDER = resources.published()
NUMBERS = FOLDER / "numbers.csv"
COST = "cost"
"""Stands for a protocol where time or work is published, not accuracy."""
_OPTIONAL = ("spread", "n_seeds")


class PublishedNumber(Strict):
    """One number of the literature; accuracies in percent."""

    source: str = Field(min_length=1)
    where: str
    """Table or figure of the source; empty if it has but one."""
    protocol: str
    """The name of a protocol, or ``cost``."""
    dataset: str
    """A data set, or ``mean of datasets``."""
    domain: str
    """The held-out domain, or ``mean``; empty where a data set is not divided."""
    method: str = Field(min_length=1)
    backbone: str = Field(min_length=1)
    metric: str = Field(min_length=1)
    value: float = Field(ge=0, allow_inf_nan=False)
    spread: float | None = Field(ge=0, allow_inf_nan=False)
    spread_kind: Literal["", "unstated", "std", "sem", "ci95"]
    """``unstated``: the source does not say what its ± is."""
    n_seeds: int | None = Field(ge=1)
    note: str

    @field_validator("protocol")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in (*PROTOCOLS, COST):
            raise ValueError(f"use {', '.join((*PROTOCOLS, COST))}")
        return name

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.protocol != COST:
            metrics = PROTOCOLS[self.protocol].published
            if self.metric not in metrics:
                raise ValueError(
                    f"metric '{self.metric}' is unknown in {self.protocol}; "
                    f"known: {', '.join(metrics)}"
                )
            if self.value > 100:
                raise ValueError(f"value {self.value} is no percentage; use 0 to 100")
            if not self.dataset:
                raise ValueError("dataset is empty; name it, or 'mean of datasets'")
        if (self.spread is None) != (self.spread_kind == ""):
            raise ValueError("spread and spread_kind go together; give both or neither")
        return self

    @property
    def place(self) -> str:
        """Return source and place in it."""
        return f"{self.source}, {self.where}" if self.where else self.source

    @property
    def by_authors(self) -> bool:
        """Tell whether the source repeats what the method's authors published."""
        return self.note.startswith("as published by its authors")

    @property
    def rerun(self) -> bool:
        """Tell whether the source ran another group's method itself."""
        return self.note.startswith("reproduced by")

    @property
    def cell(self) -> tuple[str, ...]:
        """Return what the number is of, whoever printed it."""
        return self.protocol, self.dataset, self.domain, self.method, self.backbone, self.metric


def load_numbers(path: Path = NUMBERS) -> list[PublishedNumber]:
    """Return the rows of a CSV file with a column for each field of `PublishedNumber`.

    Raises:
        UserError: Naming file, line and field: for a file that cannot be read, another header, an
            unknown protocol or metric, no number where one belongs, or a row given twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(f"{path}: cannot be read ({why}); give a CSV file") from None
    reader = csv.reader(text.splitlines(keepends=True))
    header = next(reader, [])
    fields = list(PublishedNumber.model_fields)
    if header != fields:
        found = f"{path}, line 1: columns are {shortened(header)}" if text else f"{path}: is empty"
        raise UserError(f"{found}; the first line must be {','.join(fields)}")
    numbers: list[PublishedNumber] = []
    lines: dict[tuple[Any, ...], int] = {}
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if len(row) != len(fields):
            raise UserError(f"{where}: {len(row)} fields, {len(fields)} are needed; quote commas")
        given = dict(zip(fields, row, strict=True))
        values = {k: None if k in _OPTIONAL and not v else v for k, v in given.items()}
        number: PublishedNumber = validated(PublishedNumber, values, where)
        key = (*number.cell, number.source, number.where, number.note)
        if key in lines:
            raise UserError(f"{where}: the same published number as line {lines[key]}; keep one")
        lines[key] = reader.line_num
        numbers.append(number)
    return numbers
