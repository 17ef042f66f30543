"""What the columns of a table are: domains of one block, or blocks side by side.

Each kind of columns is a class that knows what is said and done otherwise for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.protocols.measures import MEANING
from harness.report.runs.rows import TaskKey

WORST, MACRO, TOP5 = "worst domain", "per class", "top-5"
ECE, NLL, AUROC, FPR95 = "ECE", "NLL", "AUROC", "FPR95"
BEYOND = {
    WORST: "the lowest of the domains within a seed",
    MACRO: "mean of the classes' accuracies",
    TOP5: "the label is among the five best classes",
    ECE: "expected calibration error in 15 bins, lower is better",
    NLL: "negative log-likelihood of the label in hundredths of a nat, lower is better",
    AUROC: "how well the highest cosine over the names scored tells images of known classes from "
    "others; 50 is chance",
    FPR95: "images of other classes that pass for known by that cosine where 95 % of the known do; "
    "95 is chance, lower is better",
}
"""Measures beyond accuracy, and what they are."""


@dataclass(frozen=True)
class ColumnKind:
    """A kind of columns. The defaults hold for the domains of one block."""

    name: ClassVar[str] = "domains"
    """As a sweep file says it."""
    one: ClassVar[str] = "domain"
    many: ClassVar[str] = "domains"
    """What a mean over the columns is over."""
    title: ClassVar[str] = ""
    """What a table's title ends with."""
    about: ClassVar[str] = ""
    """What the line that says what a table is about begins with."""
    varies: ClassVar[tuple[str, ...]] = ()
    """Fields of a block's key that may differ from column to column."""
    one_block: ClassVar[bool] = True
    """Whether all cells are those of one block, as a published number's must be."""
    of_domains: ClassVar[bool] = True
    """Whether a cell is of one domain, not a mean over domains."""
    comparable: ClassVar[bool] = True
    """Whether a mean over the columns says anything."""
    last_decides: ClassVar[bool] = True
    """Whether the best of the last column may be called the best."""
    one_setting: ClassVar[bool] = True
    """Whether all runs are on one data set and one backbone, so that costs compare."""
    names_weights: ClassVar[bool] = True
    """Whether the caption says which weights were tested."""

    def task(self, column: str, dataset: str) -> TaskKey | None:
        """Return data set and domain of a column; None if it is not in the mean."""
        return dataset, column

    def measure(self, columns: Sequence[str], measure: str) -> str:
        """Return what is measured, as a caption begins."""
        text = MEANING[measure]
        return text[0].upper() + text[1:]

    def lower_is_better(self, column: str) -> bool:
        """Tell whether the best of a column is the lowest."""
        return False


@dataclass(frozen=True)
class Domains(ColumnKind):
    """The held-out domains of one block."""


DOMAINS = Domains()
"""What the columns are unless said otherwise."""


@dataclass(frozen=True)
class Shifts(ColumnKind):
    """The training domain's column, then the domains tested on; the mean is over the latter."""

    source: str

    name: ClassVar[str] = "shifts"
    title: ClassVar[str] = " with the training domain"
    many: ClassVar[str] = "the domains not trained on"
    one_block: ClassVar[bool] = False

    def task(self, column: str, dataset: str) -> TaskKey | None:
        """Leave the training domain out."""
        return None if column == self.source else (dataset, column)


@dataclass(frozen=True)
class Joined(ColumnKind):
    """Blocks side by side: a column is a block's mean over its domains."""

    one_block: ClassVar[bool] = False
    of_domains: ClassVar[bool] = False


@dataclass(frozen=True)
class Datasets(Joined):
    """Data sets side by side."""

    name: ClassVar[str] = "datasets"
    one: ClassVar[str] = "data set"
    many: ClassVar[str] = "data sets"
    title: ClassVar[str] = " by data set"
    varies: ClassVar[tuple[str, ...]] = ("dataset", "dataset_options", "dataset_fingerprint")
    one_setting: ClassVar[bool] = False

    def task(self, column: str, dataset: str) -> TaskKey | None:
        """Return the column's own data set."""
        return column, "all domains"


@dataclass(frozen=True)
class Models(Joined):
    """Backbones side by side."""

    name: ClassVar[str] = "models"
    one: ClassVar[str] = "backbone"
    many: ClassVar[str] = "backbones"
    title: ClassVar[str] = " by backbone"
    varies: ClassVar[tuple[str, ...]] = ("model", "precision", "model_fingerprint")
    one_setting: ClassVar[bool] = False


@dataclass(frozen=True)
class Measures(Joined):
    """Measures of the same runs side by side; no mean over them."""

    name: ClassVar[str] = "measures"
    one: ClassVar[str] = "measure"
    many: ClassVar[str] = "measures"
    title: ClassVar[str] = " by measure"
    varies: ClassVar[tuple[str, ...]] = ("measure",)
    comparable: ClassVar[bool] = False

    def measure(self, columns: Sequence[str], measure: str) -> str:
        """Return what each of the columns measures."""
        texts = "; ".join(f"{name}: {MEANING[name]}" for name in columns if name in MEANING)
        return f"Top-1 accuracy by what is tested ({texts})" if texts else "Top-1 accuracy"


@dataclass(frozen=True)
class Shots(Joined):
    """Numbers of training images a class side by side; no mean over them."""

    name: ClassVar[str] = "shots"
    one: ClassVar[str] = "number of shots"
    many: ClassVar[str] = "numbers of shots"
    title: ClassVar[str] = " by shots"
    varies: ClassVar[tuple[str, ...]] = ("shots",)
    comparable: ClassVar[bool] = False
    one_setting: ClassVar[bool] = False

    def measure(self, columns: Sequence[str], measure: str) -> str:
        """Return what is measured, and which column the words on the protocol are of."""
        return f"{super().measure(columns, measure)} by training images a class (below: the most)"


@dataclass(frozen=True)
class Beyond(ColumnKind):
    """What `harness.report.tables.metrics` measures of one block beside its accuracy."""

    name: ClassVar[str] = "beyond"
    about: ClassVar[str] = "beyond accuracy: "
    one_block: ClassVar[bool] = False
    names_weights: ClassVar[bool] = False
    comparable: ClassVar[bool] = False

    def measure(self, columns: Sequence[str], measure: str) -> str:
        """Return what each of the columns measures."""
        texts = "; ".join(f"{name}: {BEYOND[name]}" for name in columns)
        return f"Beyond {MEANING[measure]} ({texts})"

    def lower_is_better(self, column: str) -> bool:
        """Tell errors from scores."""
        return column in (ECE, NLL, FPR95)


@dataclass(frozen=True)
class ByAlignment(ColumnKind):
    """Images in bins by what the pretrained model made of them."""

    bins: int

    name: ClassVar[str] = "alignment"
    last_decides: ClassVar[bool] = False
    about: ClassVar[str] = "by alignment: "
    one_block: ClassVar[bool] = False
    one_setting: ClassVar[bool] = False
    names_weights: ClassVar[bool] = False
    comparable: ClassVar[bool] = False

    def measure(self, columns: Sequence[str], measure: str) -> str:
        """Return what the columns are."""
        text = super().measure(columns, measure)
        return (
            f"{text}, of images in {self.bins} bins of each test set by the pretrained model's "
            "cosine of image and its label's text, the lowest first, and of those that it gets "
            "right and wrong,"
        )


SIDE_BY_SIDE: dict[str, Joined] = {
    own.name: own for own in (Datasets(), Measures(), Models(), Shots())
}
"""What a sweep file or the page may put side by side, by its name there."""
