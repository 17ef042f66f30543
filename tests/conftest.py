"""Shared: a folder data set on disk, and a tiny CLIP in open_clip's local-dir layout."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test that reaches for the network must fail
# The same examples every time, and no limit on a machine that does other things, too.
settings.register_profile("here", derandomize=True, deadline=None, database=None)
settings.load_profile("here")

COLOURS = {"red_thing": (200, 30, 30), "green_thing": (30, 180, 40), "blue_thing": (40, 50, 210)}


def draw(colour: tuple[int, int, int], domain: int, number: int, size: int = 24) -> Image.Image:
    """Return a noisy square of a colour; its background and place depend on the domain."""
    rng = np.random.default_rng((domain, number, *colour))
    pixels = np.full((size, size, 3), 60 * domain + 60, dtype=np.float64)
    top, left = rng.integers(0, size // 3, 2)
    pixels[top : top + 14, left : left + 14] = colour
    pixels += rng.normal(0, 12, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def make_folder(root: Path, domains: int = 3, per_class: int = 10) -> Path:
    """Write root/domain/class/*.png and return the root."""
    for d in range(domains):
        for name, colour in COLOURS.items():
            folder = root / f"domain{d}" / name
            folder.mkdir(parents=True)
            for i in range(per_class):
                draw(colour, d, i).save(folder / f"{i:02d}.png")
    return root


def make_model(folder: Path, seed: int = 0) -> Path:
    """Write a random tiny CLIP (image 16, patch 8, 3 blocks) as an open_clip local-dir."""
    import torch
    from safetensors.torch import save_file

    from harness.clip.compat import ensure_torchvision

    ensure_torchvision()
    from open_clip.model import CLIP

    config = {
        "embed_dim": 16,
        "vision_cfg": {
            "image_size": 16, "layers": 3, "width": 32, "head_width": 16, "patch_size": 8,
        },
        "text_cfg": {
            "context_length": 24, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2,
        },
    }  # fmt: skip
    torch.manual_seed(seed)
    model = CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])  # type: ignore[arg-type]
    folder.mkdir(parents=True)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    preprocess = {
        "size": [16, 16], "mean": mean, "std": std,
        "interpolation": "bicubic", "resize_mode": "shortest",
    }  # fmt: skip
    text = json.dumps({"model_cfg": config, "preprocess_cfg": preprocess})
    (folder / "open_clip_config.json").write_text(text)
    return folder


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("images") / "data")


@pytest.fixture(scope="session")
def random_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "random-clip")


SLOW_PLUGIN = '''
import os, signal, time
from harness import registry
base = registry.method_class("finetune")

class Slow(base):
    """Fine-tuning whose steps take a while; an odd seed ends its own process."""
    name = "slow"
    summary = "slow"

    def losses(self, batch):
        print("step", batch.step, flush=True)
        time.sleep(0.05)
        if self.seed % 2 and batch.step == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().losses(batch)

    def build(self, backbone, task):
        self.seed = task.seed
        return super().build(backbone, task)
'''


@pytest.fixture(scope="module")
def slow_plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    from harness import registry

    before = registry._extra_files, registry._found
    registry._extra_files, registry._found = list(before[0]), {}
    file = tmp_path_factory.mktemp("plugin") / "slow.py"
    file.write_text(SLOW_PLUGIN)
    registry.add_plugin_file(str(file))
    yield file
    registry._extra_files, registry._found = before


@pytest.fixture(autouse=True)
def _plugins_as_they_were() -> Iterator[None]:
    """Forget plugin files that a test gave: the next one's registry is not to know them."""
    from harness import registry

    files, found = list(registry._extra_files), dict(registry._found)
    yield
    if registry._extra_files != files:
        registry._extra_files[:] = files
        registry._found.clear()
        registry._found.update(found)
