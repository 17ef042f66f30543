"""What is asked for: a RunSpec is one training and its test; its id is a hash of its content.

In the hash: everything that changes the numbers (method with its complete configuration, model,
data set, protocol, target, selection, seeds, precision). Not in the hash, and not in the spec:
where and when it ran, paths, the number of workers, and how a table calls the method (`label` and
`given`, which are kept beside the content for the reader).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from harness.errors import UserError

Selection = Literal["own", "last", "averaged", "best"]


class Strict(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSpec(Strict):
    """An open_clip model: architecture and weights."""

    name: str
    """open_clip's name (`ViT-B-16`), `hf-hub:...`, `local-dir:...`, or one in models/."""
    pretrained: str = ""
    """open_clip's tag (`openai`) or a checkpoint file; empty when the name says it all."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Autocast type of the forward pass; weights and their updates are always float32."""
    fingerprint: str = ""
    """Of local files: their content stands in the identity instead of their path."""

    @field_validator("name")
    @classmethod
    def _one_spelling(cls, name: str) -> str:
        # OpenAI's ViT-B/16 is open_clip's ViT-B-16: one model, one identity.
        return name if ":" in name else name.replace("/", "-")

    def title(self) -> str:
        """Return how tables name it, e.g. ``ViT-B-16/openai``."""
        return f"{self.name}/{self.pretrained}" if self.pretrained else self.name


class DatasetSpec(Strict):
    """A data set plugin by name and its options; never where its files are."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)
    fingerprint: str = ""
    """Only for `folder`: hash of the files listed, since the name does not say which they are."""


ProtocolName = Literal["domain_shift", "distribution_shift", "open_class", "domain_and_class"]
FEW_SHOT = ("open_class", "distribution_shift")
"""Protocols whose papers train on 16 images a class."""
AUTHORS: dict[str, dict[str, Any]] = {
    "domain_shift": {"test_on": "out"},
    "distribution_shift": {},
    "open_class": {"shots": 0},
    "domain_and_class": {},
}
"""What the preset `original` sets beside fixed splits and the bilinear test resize: AlignCLIP's
released scripts; see docs/protocols.md."""


class ProtocolSpec(Strict):
    """What trains, what is tested, over which classes; see docs/protocols.md.

    ``preset: original`` among the values stands for the choices of AlignCLIP's released code;
    what is given beside it wins. The spec holds the outcome, so the identity names every choice.
    """

    name: ProtocolName = "domain_shift"
    test_on: Literal["all", "in", "out"] = "all"
    """domain_shift: part of the held-out domain that is tested: all of it, DomainBed's 80 % or its
    20 %."""
    holdout_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Share of a source domain kept for validation (and again for testing, where a protocol tests
    in the training domain and the data set has no official split)."""
    disjoint_groups: bool = False
    """domain_shift: train on half of the groups (for emoji: of the pictured things), test on the
    other half."""
    shots: int = Field(default=0, ge=0)
    """Training images per class and source domain, drawn as CoOp draws them; 0 is all of them.
    16 by default for open_class and distribution_shift."""
    source: str = ""
    """distribution_shift: the domain that trains; by default the data set's own choice."""
    fixed_splits: bool = False
    """Seed the splits with 0 whatever the run's seed, as the released code does: seeds then vary
    only batches and augmentation."""
    test_resize: Literal["model", "bilinear", "bicubic"] = "model"
    """Interpolation of test images: as the model's own configuration says (bicubic for CLIP), or
    named; CLIPood's and AlignCLIP's code is bilinear."""

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = dict(values)
        name = given.get("name", "domain_shift")
        preset = given.pop("preset", None)
        if preset not in (None, "original"):
            raise ValueError(f"preset '{preset}' is unknown; use original, or leave it out")
        chosen: dict[str, Any] = {"shots": 16} if name in FEW_SHOT else {}
        if preset:
            chosen |= {"fixed_splits": True, "test_resize": "bilinear"}
            chosen |= AUTHORS.get(str(name), {})
        return chosen | given

    @model_validator(mode="after")
    def _only_what_has_a_meaning(self) -> Self:
        for field, names in (
            ("test_on", ("domain_shift",)),
            ("disjoint_groups", ("domain_shift",)),
            ("source", ("distribution_shift",)),
        ):
            default = type(self).model_fields[field].default
            if getattr(self, field) != default and self.name not in names:
                raise ValueError(f"'{field}' means nothing in protocol {self.name}; leave it out")
        return self


class RunSpec(Strict):
    """One run: frozen, validated, complete. The same spec gives the same numbers."""

    method: str
    config: dict[str, Any]
    """The method's complete configuration: defaults filled in."""
    model: ModelSpec
    dataset: DatasetSpec
    protocol: ProtocolSpec
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

    def content(self) -> dict[str, Any]:
        """Return what the identity is computed from: no path, no label.

        A model or checkpoint given by path is known by its file's hash, wherever it lies.
        """
        content = self.model_dump(mode="json", exclude={"given", "label"})
        if self.model.fingerprint:
            for key in ("name", "pretrained"):
                if "/" in content["model"][key] and not content["model"][key].startswith("hf-hub:"):
                    content["model"][key] = "local"
        return content

    @property
    def id(self) -> str:
        """16 hex digits: SHA-256 over the canonical JSON of the content."""
        text = json.dumps(self.content(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def title(self) -> str:
        """Return the run in a few words, for progress displays and logs."""
        return f"{self.label or self.method} · {self.dataset.name}/{self.target} · seed {self.seed}"


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
