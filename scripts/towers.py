"""Which of open_clip's models each method takes: ``python scripts/towers.py [MODEL ...]``.

Builds every model without weights, asks every method of methods/, with its defaults, whether the
towers will do, and runs the towers on shapes alone. Prints the table of docs/models.md: models that
are treated alike are one row. Ends with 1 if anything but a refusal is raised.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass

import torch

from harness import registry
from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest, trace
from harness.clip.info import outline
from harness.clip.names import check_packages, get_model_config_or_error
from harness.clip.openclip import open_clip
from harness.errors import UserError, error_line
from harness.specs import ModelSpec


@dataclass(frozen=True)
class Verdict:
    """What comes of a model."""

    tower: str
    """Kind of its image tower; empty if it cannot be built here."""
    refused: dict[str, str]
    """Reason by method."""
    package: str
    """What is missing here to use it."""


def verdict(name: str) -> Verdict:
    """Ask every method, and run what every method runs.

    Raises:
        Exception: Whatever is no refusal: a fault.
    """
    package = ""
    try:
        check_packages(get_model_config_or_error(name, name), name)
    except UserError as error:
        package = str(error)
    try:
        backbone = outline(ModelSpec(name=name))
    except UserError as error:
        return Verdict("", {}, package or str(error))
    refused = {}
    for method, cls in registry.discover("methods").plugins.items():
        try:
            cls.check_tower(cls.Config(), backbone)
        except UserError as error:
            refused[method] = str(error)
    run(backbone, "average_pooling" not in refused, "alignclip" not in refused)
    return Verdict(kind(backbone), refused, package)


@torch.no_grad()
def run(backbone: Backbone, patches: bool, attention: bool) -> None:
    """Run both towers on shapes; the features must fit each other."""
    side, model = backbone.preprocess.image_size, backbone.model
    images = torch.empty(2, 3, side, side, device="meta")
    # attention rows need a device with autocast, which shapes alone are not on
    request = TraceRequest(0, patches, "v-v-v" if attention else None, 1)
    traced = trace(backbone.visual, images, request)
    tokens = torch.empty(3, backbone.context_length, dtype=torch.int64, device="meta")
    text = model.encode_text(tokens)
    expected = [(2, backbone.embed_dim), (3, backbone.embed_dim)]
    if [tuple(traced.pooled.shape), tuple(text.shape)] != expected:
        raise AssertionError(f"features {traced.pooled.shape} and {text.shape}, not {expected}")


def kind(backbone: Backbone) -> str:
    """Return the kind of an image tower, ``timm convnext`` of all of its sizes."""
    name = type(backbone.visual).__name__
    if name != "TimmModel":
        return name
    return f"timm {type(backbone.visual.trunk).__name__}"


def main(names: list[str]) -> int:
    """Print the table; 1 if a model brought anything but a refusal."""
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    missing: dict[str, int] = defaultdict(int)
    faults = 0
    for name in names or open_clip.list_models():
        try:
            found = verdict(name)
        except Exception as error:
            faults += 1
            print(f"FAULT {name}: {error_line(error)}")
            continue
        part = "tokenizer" if found.tower else "text tower"
        missing[part] += bool(found.package)
        without = ", ".join(sorted(found.refused)) or "none"
        rows[found.tower or "not built here", without if found.tower else "all"].append(name)
    print("| image tower | models | for example | methods that refuse it |\n|---|---|---|---|")
    for (tower, without), members in sorted(rows.items(), key=lambda row: -len(row[1])):
        print(f"| {tower} | {len(members)} | {members[0]} | {without} |")
    print(f"\n{sum(map(len, rows.values()))} models, {faults} faults; without transformers here:")
    print(", ".join(f"{n} by their {part}" for part, n in missing.items() if n) or "none")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
