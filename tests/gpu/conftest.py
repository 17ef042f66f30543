"""Where the tests of this folder run: on a GPU a ViT-B/16 on photographs, on a CPU all small."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.bench.pictures import write_pictures
from harness.execution.context import Context
from harness.execution.run import Shared
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.sweep import plan
from tests import engine
from tests.conftest import make_folder, make_model

PRECISIONS = ("fp32", "bf16", "fp16")
ON_GPU = torch.cuda.is_available()
METHODS = tuple(m for m in engine.SMALL if m not in ("zero_shot", "clip_surgery"))
"""What trains; on a CPU a few stand for all, which other tests train there."""


@dataclass
class Place:
    """A device, a model and a data set that fit each other."""

    device: str
    model: str
    images: Path
    root: Path
    measured: dict[str, Any] = field(default_factory=dict)
    """What the tests found out, for the file that `make gpu` leaves."""

    def spec(self, method: str, precision: str = "fp32", seed: int = 0, **given: Any) -> RunSpec:
        """Return a short run: six steps on a GPU."""
        recipe = dict(engine.SMALL[method])
        if ON_GPU:
            changes = {"aligned_layers": 5, "branch_depth": 6, "depth": 9, "steps": 6}
            recipe |= {key: value for key, value in changes.items() if key in recipe}
        model = ModelSpec(name=f"local-dir:{self.model}", precision=precision)  # type: ignore[arg-type]
        dataset = DatasetSpec(name="folder")
        opened = plan.open_dataset(dataset, self.images)
        choice = plan.resolve_method(method, recipe | given)
        target = opened.domains[0]
        (spec,) = plan.expand([choice], model, dataset, DomainShift(), [target], [seed], opened)
        return spec

    def context(self, store: str, **changes: Any) -> Context:
        """Return a context on the device."""
        threads = min(8, os.cpu_count() or 1) if ON_GPU else 1
        return Context(
            store=self.root / store, data_root=self.images, cache=None, device=self.device,
            decode_threads=threads, **changes,
        )  # fmt: skip

    def shared(self, store: str, **changes: Any) -> Shared:
        """Return what runs of this process share, into a store of that name."""
        return Shared(self.context(store, **changes))


def _big_model(folder: Path) -> Path:
    """Write a ViT-B/16 with random weights as an open_clip folder."""
    import open_clip
    from safetensors.torch import save_file

    torch.manual_seed(0)
    config = {"model_cfg": open_clip.get_model_config("ViT-B-16"), "preprocess_cfg": {}}
    model = open_clip.create_model("ViT-B-16")
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    weights = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("gpu")
    if ON_GPU:
        model, images = _big_model(root / "model"), write_pictures(root / "images", 12)
        found = Place("cuda:0", str(model), images, root)
    else:
        found = Place("cpu", str(make_model(root / "model")), make_folder(root / "images"), root)
    yield found
    out = os.environ.get("GPU_RESULTS")
    if out:
        name = torch.cuda.get_device_name() if ON_GPU else "CPU"
        content = {"device": name, "torch": torch.__version__, **found.measured}
        Path(out).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
