"""Learned prompts of an exported run: one vector for each class, in place of its text's feature."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from harness.errors import UserError, plain_line

FILE = "classes.safetensors"
"""Beside the weights in a folder that `export` wrote."""


@dataclass(frozen=True)
class ClassVectors:
    """The vectors that a run classified with, where they are not its texts' features."""

    file: Path
    by_name: Mapping[str, Tensor]

    def of(self, class_names: Sequence[str]) -> Tensor:
        """Return the vectors [C, D] of these classes.

        Raises:
            UserError: If one is not among them: what was learned says nothing of other classes.
        """
        for name in class_names:
            if _spoken(name) not in self.by_name:
                raise UserError(
                    f"{self.file}: prompts learned for {len(self.by_name)} classes, and "
                    f"'{name}' is none of them; give the data set they were learned on, or a copy "
                    f"of the folder without {FILE} to classify by the classes' texts"
                )
        return torch.stack([self.by_name[_spoken(name)] for name in class_names])


def learned_vectors(folder: Path) -> ClassVectors | None:
    """Return the learned vectors of an exported folder; None where its texts classify.

    Raises:
        UserError: If the file cannot be read, or does not name its classes.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        with safe_open(file, "pt") as opened:
            about = json.loads((opened.metadata() or {})["about"])
            names = json.loads(about["class_names"])
            vectors = opened.get_tensor("classes").float()
        if about.get("vectors") == "texts":
            return None
        by_name = {_spoken(name): row for name, row in zip(names, vectors, strict=True)}
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{file}: cannot be read as the classes of an exported run ({plain_line(error)}); "
            "export it again"
        ) from None
    return ClassVectors(file, by_name)


def _spoken(name: str) -> str:
    return name.replace("_", " ")
