"""What a protocol is: what trains, what is tested, over which classes, and what that is called.

A protocol is one class in a file of this package; it is found there by its name. The values of its
fields are a run's identity. What a run may touch while it trains and selects comes from ``sources``
and holds nothing else; the tested samples come from ``test_sets``, which the engine calls after the
weights are fixed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from harness.dataset import Dataset, DatasetSpec
from harness.errors import UserError
from harness.protocols.draws import VAL_SHOTS
from harness.protocols.measures import Counted, fraction
from harness.protocols.splits import (
    Parts,
    Samples,
    Sources,
    TestSet,
    official_parts,
    relabelled,
)
from harness.validation import Strict

TARGETS = "+"
"""Joins the domains of a run that tests several."""


class Protocol(Strict):
    """Base of the protocols.

    ``preset: original`` among the values stands for the choices of AlignCLIP's released code; what
    is given beside it wins. The fields hold the outcome, so the identity names every choice.

    The fields here are part of every protocol's identity, though some have a meaning in one
    protocol only (``options``): a spec that sets another's is refused. A field that a protocol adds
    in its own class changes no other protocol's identity.
    """

    name: str
    test_on: Literal["all", "in", "out", "nothing", "oracle", "rest"] = "all"
    """domain_shift: part of the held-out domain that is tested: all of it, DomainBed's 80 % or its
    20 %; see there for `nothing`, `oracle` and `rest`, which are for tuning."""
    holdout_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Share of a source domain kept for validation (and again for testing, where a protocol tests
    in the training domain and the data set has no official split)."""
    disjoint_groups: bool = False
    """domain_shift: train on half of the groups (for emoji: of the pictured things), test on the
    other half."""
    shots: int = Field(default=0, ge=0)
    """Training images per class and source domain, drawn as CoOp draws them; 0 is all of them.
    16 by default for the protocols whose papers train on so many."""
    source: str = ""
    """distribution_shift: the domain that trains; by default the data set's own choice."""
    fixed_splits: bool = False
    """Seed the splits with 0 whatever the run's seed, as the released code does: seeds then vary
    only batches and augmentation."""
    test_resize: Literal["model", "bilinear", "bicubic", "authors"] = "model"
    """Interpolation of test images: as the model's own configuration says (bicubic for CLIP),
    named, or as each method's authors do it: CLIPood and AlignCLIP bilinear, CoOp's family bicubic
    (see ``Method.authors_resize``)."""

    title: ClassVar[str]
    """What headings say: ``leave one domain out``."""
    measures: ClassVar[tuple[str, ...]]
    """In the order of tables; see `harness.protocols.measures.MEANING`."""
    headline_measure: ClassVar[str]
    """The one that stands for a run."""
    options: ClassVar[frozenset[str]] = frozenset()
    """Which of `test_on`, `disjoint_groups` and `source` have a meaning."""
    few_shot: ClassVar[bool] = False
    """Its papers train on 16 images a class of an official split, so that is the default."""
    original: ClassVar[Mapping[str, Any]] = {}
    """What ``preset: original`` sets beside fixed splits and the authors' test resize."""
    published: ClassVar[Mapping[str, tuple[str, ...]]]
    """Metrics of published tables, each with the measures that are its counterpart."""
    published_source: ClassVar[str] = ""
    """The domain that published runs train on, where one is chosen."""
    published_domains: ClassVar[bool] = True
    """False: what published tables list as data sets are domains of one data set here."""

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = dict(values)
        preset = given.pop("preset", None)
        if preset not in (None, "original"):
            raise ValueError(f"preset '{preset}' is unknown; use original, or leave it out")
        chosen: dict[str, Any] = {"shots": 16} if cls.few_shot else {}
        if preset:
            chosen |= {"fixed_splits": True, "test_resize": "authors", **cls.original}
        return chosen | given

    @model_validator(mode="after")
    def _only_what_has_a_meaning(self) -> Self:
        for option in ("test_on", "disjoint_groups", "source"):
            default = Protocol.model_fields[option].default
            if getattr(self, option) != default and option not in self.options:
                raise ValueError(f"'{option}' means nothing in protocol {self.name}; leave it out")
        return self

    # --- what trains and what is tested

    def completed(self, dataset: Dataset) -> Self:
        """Return the protocol with what it takes from the data set filled in.

        Raises:
            UserError: If the data set does not say.
        """
        return self

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError unless the protocol can be run on the data set with this target."""
        raise NotImplementedError(f"{type(self).__name__}.check")

    def targets_of(self, dataset: Dataset, asked: Sequence[str]) -> list[str]:
        """Return the `target` of each run that the user's list (or ``["all"]``) stands for.

        Raises:
            UserError: For a name that is no domain, or a protocol that does not fit the data set.
        """
        chosen = list(dataset.domains) if list(asked) == ["all"] else list(asked)
        for target in chosen:
            self.check(dataset, target)
        return chosen

    def trained_classes(self, dataset: Dataset) -> tuple[int, ...]:
        """Return the classes that are trained on, in label order."""
        return tuple(range(len(dataset.class_names)))

    def source_domains(self, dataset: Dataset, target: str) -> tuple[str, ...]:
        """Return the domains that train, in the data set's order."""
        return tuple(domain for domain in dataset.domains if domain != target)

    def parts(self, dataset: Dataset, domain: str, data_seed: int) -> Parts:
        """Return what a source domain is split into: the official parts, or DomainBed's split."""
        return official_parts(dataset, domain, self.holdout_fraction, self.shots, data_seed)

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return by name what is tested: samples, and the classes they are scored over."""
        raise NotImplementedError(f"{type(self).__name__}.tested")

    def training_images(self, dataset: Dataset, target: str) -> int:
        """Return how many images an epoch has.

        With shots as many as are asked for, whether or not a class has them, so that a plan made
        without the files is that of the machine that has them.

        Raises:
            UserError: If all images train and the data set has no files to count.
        """
        if self.shots:
            classes = len(self.trained_classes(dataset))
            return self.shots * classes * len(self.source_domains(dataset, target))
        train = self.sources(dataset, target, 0).train
        return sum(len(samples) for samples in train.values())

    def sources(self, dataset: Dataset, target: str, data_seed: int) -> Sources:
        """Return the training and validation samples.

        Raises:
            UserError: If the protocol cannot be run on the data set with this target.
        """
        self.check(dataset, target)
        classes = self.trained_classes(dataset)
        train, val = {}, {}
        for domain in self.source_domains(dataset, target):
            parts = self.parts(dataset, domain, data_seed)
            train[domain] = relabelled(parts.train, classes)
            val[domain] = relabelled(parts.val, classes)
            if not train[domain] or not val[domain]:
                raise UserError(
                    f"data set '{dataset.name}': domain '{domain}' is too small to split "
                    f"({len(train[domain])} to train, {len(val[domain])} to validate)"
                )
        return Sources(train, val, tuple(dataset.class_names[c] for c in classes))

    def other_data(self, target: str) -> tuple[DatasetSpec, ...]:
        """Return the data sets, beside the one that trains, whose images are tested."""
        return ()

    def with_other_data(self, found: Mapping[str, DatasetSpec]) -> Self:
        """Return the protocol with `other_data` as a plan found them: with their fingerprints."""
        return self

    def test_sets(
        self,
        dataset: Dataset,
        target: str,
        data_seed: int,
        others: Mapping[str, Dataset] | None = None,
    ) -> tuple[TestSet, ...]:
        """Return what is tested; call it when training is over.

        Args:
            dataset: That trains.
            target: The run's.
            data_seed: Seed of the splits.
            others: `other_data` by name, opened; None where nobody opens any.

        Raises:
            UserError: As `sources`, or if a set is empty.
        """
        self.check(dataset, target)
        sets = []
        for name, (samples, classes) in self.tested(dataset, target, data_seed).items():
            own = relabelled(samples, classes)
            if not own:
                raise UserError(
                    f"data set '{dataset.name}', protocol {self.name}: no image to test "
                    f"'{name}' on for target '{target}'"
                )
            sets.append(TestSet(name, own, tuple(dataset.class_names[c] for c in classes), classes))
        return tuple(sets)

    # --- what tables show of it

    def cells(self, target: str) -> list[tuple[str, str]]:
        """Return the (target, measure) pairs that a run gives or will give, in table order."""
        return [(target, measure) for measure in self.measures]

    def measured(self, target: str, tests: Mapping[str, Counted]) -> dict[tuple[str, str], float]:
        """Return each of `cells`' pairs with its value, a fraction in 0..1.

        Args:
            target: The run's.
            tests: The scores by the names of `tested`.
        """
        return {cell: fraction(tests[self.test_set(*cell)]) for cell in self.cells(target)}

    def headline(self, target: str, tests: Mapping[str, Counted]) -> float:
        """Return the one number of a run: the mean over its targets' headline measure."""
        measured = self.measured(target, tests).items()
        values = [value for (_, measure), value in measured if measure == self.headline_measure]
        return sum(values) / len(values)

    def test_set(self, target: str, measure: str) -> str:
        """Return the name of the test set that a measure is over, empty if it is over several."""
        return measure

    def unknown_set(self) -> str:
        """Return the name of the test set of classes not trained on, empty if there is none."""
        return ""

    def only_tested(self) -> bool:
        """Tell whether a test may open what it is scored on alone, though weights are fixed."""
        return False

    def score_words(self) -> str:
        """Return what stands before a trial's score; empty for the test that a protocol is for."""
        return ""

    def same_images(self) -> bool:
        """Tell whether all seeds of a target are tested on the same images, in the same order."""
        return False

    # --- words of captions and files

    def setting_words(self) -> list[str]:
        """Return what differs from the protocol's plain form, for captions."""
        words = [f"trained on {self.source}"] if self.source else []
        words += [f"{self.shots} images a class"] if self.shots else []
        words += ["splits of seed 0 for all runs"] if self.fixed_splits else []
        resize = {
            "model": [],
            "authors": ["test images resized as each method's authors do"],
        }.get(self.test_resize, [f"{self.test_resize} test images"])
        return words + resize

    def tested_words(self) -> str:
        """Return on which images it tests, for captions."""
        return "tested on the official test images, or all where there is no such split"

    def validated_words(self) -> str:
        """Return on which images it validates, for captions."""
        share = f"{100 * self.holdout_fraction:g} %"
        if not self.few_shot:
            return f"{share} of each source domain held out for validation"
        if self.shots:
            return f"validated on {min(self.shots, VAL_SHOTS)} images a class"
        return f"validated on the official split, or {share} of the training images"

    @classmethod
    def file_part(cls, option: str, value: Hashable) -> str:
        """Return how file names tell tables apart that differ in an option."""
        if isinstance(value, bool):
            yes, no = {
                "disjoint_groups": ("disjoint", "shared"),
                "fixed_splits": ("fixed-splits", "own-splits"),
            }.get(option, (option, f"no-{option}"))
            return yes if value else no
        if option == "shots":
            return f"{value}-shot" if value else "all-shots"
        named = {"test_on": "test", "holdout_fraction": "holdout", "test_resize": "resize"}
        return f"{named[option]}-{value}" if option in named else str(value)
