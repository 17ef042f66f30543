"""What a store holds: the record of a run, its predictions, failures, the plans of sweeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from harness.specs import RunSpec
from harness.store.formats import FORMAT, Format
from harness.validation import Name, Strict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOP = 5
"""How many of an image's best classes are kept."""
NO_CLASS = 2**16 - 1
"""Fills up the best classes where there are fewer."""


class Record(Strict):
    """Frozen; an unknown key is an error, so that a newer store is not misread, and so is NaN."""


class Score(Record):
    """Top-1 accuracy over some images."""

    correct: int
    n: int

    @property
    def accuracy(self) -> float:
        """Fraction in 0..1."""
        return self.correct / self.n if self.n else float("nan")


class Metrics(Record):
    """What the run measured. Identical bytes for identical specs on identical software."""

    tests: dict[str, Score]
    """By test set, with the selected weights: ``target`` for domain_shift, ``base`` and ``new`` or
    ``open`` where classes are left out, the tested domains for distribution_shift."""
    source_val: dict[str, Score]
    """The source domains' validation parts, with the selected weights."""
    zero_shot_val: dict[str, Score]
    """The same before training: a trained method should beat where it started."""
    selection: str
    """`last`, `averaged` or `best`: the weights that were tested."""
    selected_step: int
    """The optimiser step of the tested weights (the last one unless `best`)."""
    losses: dict[str, list[float]] = Field(default_factory=dict)
    """Named loss terms, each the mean over consecutive tenths of the run."""


class Provenance(Record):
    """Where, when and with what the run was made. Never part of a run's identity."""

    started: str
    """ISO 8601, UTC."""
    wall_s: float
    """Seconds from start to finish; of all attempts, if the run was resumed."""
    step_ms: float | None
    """Median milliseconds of an optimiser step, data included; None without training."""
    peak_memory_mb: float
    """Peak resident memory of the process, or allocated memory of the CUDA device."""
    energy_j: float | None = None
    """Joules of the GPU from start to finish, by its own counter, others' share of it included;
    None where nothing counts them."""
    settings: dict[str, str] = Field(default_factory=dict)
    """What last digits depend on beside versions and threads: of CUDA, see
    `harness.store.provenance.settings`."""
    resumed: int = 0
    """How often the run continued from a checkpoint."""
    device: str
    """The CPU's or the GPU's name."""
    gpu: str = ""
    """Which of the machine's GPUs, as CUDA_VISIBLE_DEVICES calls it."""
    runs_per_gpu: int = 1
    """How many runs shared it: times are of its share."""
    threads: int
    host: str
    git: str
    """Commit of the code, with ``+dirty`` when files differed; empty outside a checkout."""
    versions: dict[str, str]
    """python, torch, open_clip_torch, numpy, clip-benchmark-harness."""
    command: list[str]


class OtherData(Record):
    """A data set that was tested, other than the one that trained."""

    class_names: tuple[str, ...]
    """To which the predictions' indices of its test set refer."""
    fingerprint: str


class RunRecord(Record):
    """Everything about one finished run."""

    schema_version: Format = FORMAT
    id: str
    spec: RunSpec
    metrics: Metrics
    provenance: Provenance
    dataset_fingerprint: str
    """SHA-256 over the relative names and sizes of the data set's files, 16 digits."""
    model_fingerprint: str
    """SHA-256 over the pretrained weights, 16 digits."""
    class_names: tuple[str, ...]
    """All of the data set's classes, to which the predictions' indices refer."""
    other_data: dict[str, OtherData] = Field(default_factory=dict)
    """By test set, where another data set's images were tested."""
    trained_classes: tuple[int, ...]
    """Which of them were trained on."""
    trained_parameters: int
    total_parameters: int
    citation: str
    predictions_sha256: str
    method_source: str = ""
    """Hash of the code that the method is, 16 digits: see `harness.source.source_hash`."""

    @property
    def accuracy(self) -> float:
        """The run's one number, a fraction: see `Protocol.headline`."""
        return self.spec.protocol.headline(self.spec.target, self.metrics.tests)


class Failure(Record):
    """A run that raised or was lost."""

    schema_version: Format = FORMAT
    written_by: str = ""
    """The version of the harness."""
    id: str
    spec: RunSpec
    error: str
    """One line: type and message."""
    traceback: str
    when: str
    attempts: int = 1


Rule = Literal["training-domain", "leave-one-source-out", "oracle"]
"""What a trial is chosen by."""


class Candidate(Record):
    """The values of one trial."""

    values: dict[str, Any]
    """What was drawn; empty where the row's own values stay."""
    config: dict[str, Any]
    """The complete configuration of its final runs."""
    runs: tuple[RunSpec, ...]
    """That the trial consists of: its score is their mean."""


class Search(Record):
    """The trials of a row for one held-out domain, and what runs with the values chosen."""

    row: str
    rule: Rule
    about: str
    """Budget and rule in a sentence, for captions."""
    order: int
    """Its row's place in the plan's runs."""
    candidates: tuple[Candidate, ...] = Field(min_length=1)
    finals: tuple[RunSpec, ...] = Field(min_length=1)
    """A run for each seed, as the first candidate would have it."""

    def finals_of(self, number: int) -> tuple[RunSpec, ...]:
        """Return the final runs with the values of a candidate."""
        chosen = self.candidates[number]
        return tuple(
            spec.model_copy(update={"config": chosen.config, "given": spec.given | chosen.values})
            for spec in self.finals
        )


class SweepPlan(Record):
    """What a sweep asked for; tells the report which cells are missing."""

    schema_version: Format = FORMAT
    written_by: str = ""
    """The version of the harness."""
    name: Name
    source: dict[str, Any]
    """The sweep as the user gave it, figures included."""
    runs: tuple[RunSpec, ...]
    """Of rows whose values are given."""
    searches: tuple[Search, ...] = ()
    """Of rows whose values are chosen from trials: see `harness.tune.choice`."""

    @property
    def trials(self) -> tuple[RunSpec, ...]:
        """The runs that values are chosen by, each once: rules may share them."""
        runs = (run for search in self.searches for c in search.candidates for run in c.runs)
        return tuple({run.id: run for run in runs}.values())

    def possible_finals(self) -> Iterator[RunSpec]:
        """Yield all runs that a choice might ask for."""
        for search in self.searches:
            for number in range(len(search.candidates)):
                yield from search.finals_of(number)


@dataclass(frozen=True)
class Predictions:
    """Per test image, in the data set's order, one test set after the other."""

    test: NDArray[np.uint8]
    """Which of the record's ``metrics.tests``, in their order."""
    label: NDArray[np.uint16]
    """Index into the record's ``class_names``."""
    prediction: NDArray[np.uint16]
    """The same; only classes that the test set is scored over."""
    confidence: NDArray[np.float16]
    """Softmax probability of the predicted class."""
    score: NDArray[np.float16]
    """Largest logit divided by the logit scale (a cosine, for CLIP-like heads)."""
    top: NDArray[np.uint16] | None = None
    """[n, k]: the classes of the k = min(5, C) largest logits, largest first, ties by index;
    `NO_CLASS` where a test set has fewer classes than another of the run. None in records made
    before it was kept, as are those below."""
    logits: NDArray[np.float16] | None = None
    """[n, k]: their logits divided by the logit scale; minus infinity beside `NO_CLASS`."""
    alignment: NDArray[np.float16] | None = None
    """Cosine of the pretrained model's feature of the image with that of its label's text, by the
    data set's template: the same in all runs of a model and a test set. Also None where that text
    is longer than the model takes."""
    zero_shot: NDArray[np.uint16] | None = None
    """What the pretrained model predicts by these texts; None where `alignment` is."""
    log_probability: NDArray[np.float32] | None = None
    """Natural logarithm of the label's probability, by the softmax that `confidence` is of."""

    def of(self, images: NDArray[np.bool_]) -> Predictions:
        """Return those of some of the images."""
        arrays: dict[str, Any] = {
            name: values if values is None else values[images]
            for name, values in vars(self).items()
        }
        return Predictions(**arrays)
