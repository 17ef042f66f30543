"""What is asked for: a RunSpec is one training and its test; its id is a hash of its content.

In the hash: everything that changes the numbers (method with its complete configuration, model,
data set, protocol, target, selection, seeds, precision). Not in the hash, and not in the spec:
where and when it ran, paths, the number of workers, and how a table calls the method (`label` and
`given`, which are kept beside the content for the reader).
"""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any, Literal

from pydantic import Field, field_validator

from harness.dataset import DatasetSpec as DatasetSpec
from harness.protocols import AnyProtocol
from harness.validation import Strict

Selection = Literal["own", "last", "averaged", "best"]
ELSEWHERE = "trained elsewhere: may have seen the test data"
"""What is said of weights that nobody here trained."""
Precision = Literal["fp32", "tf32", "bf16", "fp16", "fp16-replica"]


class ModelSpec(Strict):
    """An open_clip model: architecture and weights."""

    name: str
    """open_clip's name (`ViT-B-16`), `hf-hub:...`, `local-dir:...`, or one in models/."""
    pretrained: str = ""
    """open_clip's tag (`openai`) or a checkpoint file; empty when the name says it all."""
    preprocess: str = ""
    """Weights from a file alone: open_clip's tag whose mean, deviation, resize and interpolation
    they were trained with, where the tags of the architecture differ."""
    base: str = ""
    """A checkpoint of an image tower alone: open_clip's tag, or a file, whose other parts, the text
    tower above all, complete it."""
    elsewhere: bool = False
    """Tested as `evaluate` does: the weights were trained elsewhere and may have seen the test
    data, and learned prompts beside them classify."""
    precision: Precision = "fp32"
    """Autocast type of the forward pass; weights and their updates are float32. ``tf32`` lets a GPU
    multiply with ten binary digits, and is fp32 on a CPU. ``fp16-replica`` is the released code of
    CLIPood and AlignCLIP: the tower's weights are rounded to half after every step (see
    `harness.clip.half`) and gradients are not scaled."""
    compile: bool = False
    """Compile the image tower (torch.compile): faster on a GPU after a minute or two, with other
    last digits."""
    channels_last: bool = False
    """Lay convolutions out channels last: faster for ResNets in half precision, with other last
    digits."""
    fingerprint: str = ""
    """Hash of local files: their content stands in the identity instead of their path."""

    @field_validator("name")
    @classmethod
    def _one_spelling(cls, name: str) -> str:
        # OpenAI's ViT-B/16 is open_clip's ViT-B-16: one model, one identity.
        return name if ":" in name else name.replace("/", "-")

    def title(self) -> str:
        """Return how tables name it, e.g. ``ViT-B-16/openai``."""
        return f"{self.name}/{self.pretrained}" if self.pretrained else self.name

    @property
    def numerics(self) -> str:
        """How the forward pass is computed, e.g. ``bf16``, ``fp32, compiled``."""
        compiled = ["compiled"] if self.compile else []
        return ", ".join([self.precision, *compiled, *["channels last"] * self.channels_last])


_LATER_OF_MODELS = ("preprocess", "base", "elsewhere", "compile", "channels_last")
_LATER_OF_RECIPES = ("micro_batch", "clip_norm")
_LATER_OF_PROTOCOLS = ("left_out",)


class RunSpec(Strict):
    """One run: frozen, validated, complete. The same spec gives the same numbers."""

    method: str
    config: dict[str, Any]
    """The method's complete configuration: defaults filled in."""
    model: ModelSpec
    dataset: DatasetSpec
    protocol: AnyProtocol
    target: str
    """The held-out domain; for open_class the domain that trains and is tested; for
    distribution_shift the tested domains, sorted, joined by ``+``."""
    selection: Selection = "own"
    """Which weights are tested; `own` is what the method's paper reports."""
    seed: int = Field(ge=0)
    """Seeds batches, augmentation and initialisation."""
    data_seed: int = Field(ge=0)
    """Seeds the splits; runs of one data seed are paired across methods."""
    given: dict[str, Any] = Field(default_factory=dict)
    """What the user set, as against `config`, what was resolved. Not part of the identity."""
    label: str = ""
    """What tables call the method. Not part of the identity."""

    def data(self) -> tuple[DatasetSpec, ...]:
        """Return all data sets that the run reads."""
        return (self.dataset, *self.protocol.other_data(self.target))

    def content(self) -> dict[str, Any]:
        """Return what the identity is computed from: no path, no label.

        A model or checkpoint given by path is known by its file's hash, wherever it lies.
        """
        content = self.model_dump(mode="json", exclude={"given", "label"})
        for data in (content["dataset"], *content["protocol"].get("tests", ())):
            if data["options"].get("splits_sha256"):
                data["options"].pop("splits")  # known by its content
        # runs that do without what came later are who they were
        for part, later in (
            ("model", _LATER_OF_MODELS),
            ("config", _LATER_OF_RECIPES),
            ("protocol", _LATER_OF_PROTOCOLS),
        ):
            for key in later:
                if not content[part].get(key):
                    content[part].pop(key, None)
        if self.model.fingerprint:
            for key in ("name", "pretrained", "base"):
                text = content["model"].get(key, "")
                if "/" in text and not text.startswith("hf-hub:"):
                    content["model"][key] = "local"
        return content | _revisions(self.config)

    @property
    def id(self) -> str:
        """16 hex digits: SHA-256 over the canonical JSON of the content."""
        return _identity(self.content())

    @property
    def earlier_ids(self) -> frozenset[str]:
        """What `id` was to earlier versions of the engine, which gave other numbers."""
        content, revised = self.content(), _revisions(self.config)
        return frozenset(
            _identity({key: value for key, value in content.items() if key not in dropped})
            for n in range(1, len(revised) + 1)
            for dropped in itertools.combinations(revised, n)
        )

    def title(self) -> str:
        """Return the run in a few words, for progress displays and logs."""
        return f"{self.label or self.method} · {self.dataset.name}/{self.target} · seed {self.seed}"


def _identity(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


CROP_REVISION = 2
"""Of training crops: resized by Pillow, as the methods' authors do, since the second."""


def _revisions(config: dict[str, Any]) -> dict[str, Any]:
    """Return what keeps runs apart from earlier ones of the same words and other numbers.

    A change of the engine that changes numbers adds a key here, for the runs it concerns alone.
    """
    revisions: dict[str, Any] = {}
    if config.get("warmup_steps") and config.get("schedule") == "cosine":
        revisions["schedule_revision"] = 2  # the cosine restarts after the warm-up, as Dassl's does
    if "crop_scale" in config:
        revisions["crop_revision"] = CROP_REVISION
    return revisions
