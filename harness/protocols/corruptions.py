"""Train on clean images, test on corrupted ones: ImageNet-C's corruptions of any data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from harness.dataset import Dataset
from harness.errors import UserError, plain_line, unknown_name
from harness.protocols.base import TARGETS, Protocol
from harness.protocols.splits import Samples

KINDS = (
    "gaussian_noise", "shot_noise", "impulse_noise",
    "defocus_blur", "glass_blur", "motion_blur", "zoom_blur",
    "snow", "frost", "fog", "brightness",
    "contrast", "elastic_transform", "pixelate", "jpeg_compression",
)  # fmt: skip
"""In ImageNet-C's order: noise, blur, weather, digital."""
CLEAN = "clean"
Severity = Annotated[int, Field(ge=1, le=5, strict=True)]


class Corruptions(Protocol):
    """All domains and classes of the data set train; its test images test, each kind at every
    severity, and as they are.

    A target is a kind, several, or ``all`` (Hendrycks and Dietterich, ICLR 2019, arXiv 1903.12261).
    What is drawn for an image follows from its key, so that all runs are tested on the same pixels.
    """

    name: Literal["corruptions"] = "corruptions"
    severities: tuple[Annotated[int, Field(ge=1, le=5, strict=True)], ...] = Field(
        (1, 2, 3, 4, 5), min_length=1
    )
    """Those of each kind, which a kind's accuracy is the mean over."""
    title = "corrupted test images"
    measures = ("accuracy", CLEAN)
    headline_measure = "accuracy"
    published: ClassVar = {}

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError for an unknown kind, or without the package that corrupts."""
        for kind in _kinds(target):
            if kind not in KINDS:
                raise unknown_name("corruption", kind, KINDS)
        try:
            import imagecorruptions  # noqa: F401 (an extra)
        except ImportError as error:  # or a library that OpenCV wants
            raise UserError(
                f"protocol corruptions needs imagecorruptions-imaug ({plain_line(error)}); "
                "pip install 'clip-benchmark-harness[corruptions]', on a machine without libGL "
                "opencv-python-headless after it"
            ) from None

    def targets_of(self, dataset: Dataset, asked: Sequence[str]) -> list[str]:
        """Return the one target of a run that tests all kinds that are asked for, in their order.

        Raises:
            UserError: As `check`.
        """
        self.check(dataset, TARGETS.join(asked))
        chosen = [kind for kind in KINDS if kind in _kinds(TARGETS.join(asked))]
        return ["all" if len(chosen) == len(KINDS) else TARGETS.join(chosen)]

    def source_domains(self, dataset: Dataset, target: str) -> tuple[str, ...]:
        """Return all domains."""
        return dataset.domains

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return the test images by kind, one severity after the other, then as they are."""
        every = self.trained_classes(dataset)
        parts = (self.parts(dataset, domain, data_seed).test for domain in dataset.domains)
        clean: Samples = sum(parts, ())
        made = {
            kind: tuple(
                replace(sample, corruption=f"{kind} {severity}")
                for severity in self.severities
                for sample in clean
            )
            for kind in _kinds(target)
        }
        return {name: (samples, every) for name, samples in (made | {CLEAN: clean}).items()}

    def cells(self, target: str) -> list[tuple[str, str]]:
        """Return the accuracy on each kind, then that on clean images."""
        return [*((kind, "accuracy") for kind in _kinds(target)), (CLEAN, CLEAN)]

    def test_set(self, target: str, measure: str) -> str:
        """Return the kind: its test set has its name."""
        return target

    def tested_words(self) -> str:
        """Return on which images it tests."""
        share = f"{100 * self.holdout_fraction:g} %"
        return (
            f"tested on the official test images, or {share} where there is no such split, under "
            f"ImageNet-C's corruptions at severity {', '.join(map(str, self.severities))} (plain "
            "accuracy: mCE divides by AlexNet's errors, which are known of ImageNet alone)"
        )

    def validated_words(self) -> str:
        """Return on which images it validates."""
        share = f"{100 * self.holdout_fraction:g} %"
        return f"validated on the official split, or {share} of the training images"


def _kinds(target: str) -> tuple[str, ...]:
    return KINDS if target == "all" else tuple(target.split(TARGETS))
