#!/usr/bin/env python
"""Write models/tiny-emoji in open_clip's ``local-dir:`` layout, and measure it zero-shot."""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from towers import CLIP, EMBED, MEAN, STD, TEXT, VISION, open_clip

ROOT = Path(__file__).parents[2]
CONFIG = {
    "model_cfg": {
        "embed_dim": EMBED,
        "quick_gelu": False,
        "vision_cfg": VISION,
        "text_cfg": TEXT,
    },
    "preprocess_cfg": {
        "size": [VISION["image_size"]] * 2,
        "mode": "RGB",
        "mean": list(MEAN),
        "std": list(STD),
        "interpolation": "bicubic",
        "resize_mode": "squash",  # the pictures are square: nothing is lost, nothing cropped
        "fill_color": 255,
    },
}


def assemble(corpus: Path) -> dict[str, Tensor]:
    """Join the two towers; the learned text map becomes part of the text projection."""
    image = torch.load(corpus / "image.pt", weights_only=True)["state"]
    state = dict(torch.load(corpus / "text.pt", weights_only=True))
    state["text_projection"] = state["text_projection"] @ image["text_map"]
    state["logit_scale"] = image["log_scale"]
    state |= {k: v for k, v in image.items() if k.startswith("visual.")}
    CLIP(EMBED, VISION, TEXT).load_state_dict(state)  # complete, and nothing too much
    return {k: v.detach().half().contiguous() for k, v in state.items()}


@torch.no_grad()
def zero_shot(model_dir: Path, data: Path, template: str) -> tuple[dict[str, float], Tensor]:
    """Return the accuracy in percent on each domain, and how alike the class texts are."""
    name = f"local-dir:{model_dir}"
    model, _, preprocess = open_clip.create_model_and_transforms(name)
    model.eval()
    classes = json.loads((data / "index.json").read_text(encoding="utf-8"))["classes"]
    tokens = open_clip.get_tokenizer(name)([template.format(c) for c in classes])
    text = model.encode_text(tokens, normalize=True)
    found = {}
    for file in sorted(data.glob("*.zip")):
        with zipfile.ZipFile(file) as archive:
            members = archive.namelist()
            pictures = [Image.open(io.BytesIO(archive.read(m))) for m in members]
        truth = np.array([classes.index(m.split("/")[0].replace("_", " ")) for m in members])
        batch = torch.stack([preprocess(_on_white(picture)) for picture in pictures])
        features = F.normalize(model.encode_image(batch), dim=-1)
        hits = (features @ text.T).argmax(1).numpy() == truth
        found[file.stem] = 100 * float(hits.mean())
    return found, text @ text.T


def _on_white(picture: Image.Image) -> Image.Image:
    canvas = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    canvas.alpha_composite(picture.convert("RGBA"))
    return canvas.convert("RGB")


def main() -> None:
    """Write the model, then print what it does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="holds text.pt and image.pt; else measure only")
    parser.add_argument("--out", type=Path, default=ROOT / "models" / "tiny-emoji")
    parser.add_argument("--data", type=Path, default=ROOT / "datasets" / "emoji_data")
    args = parser.parse_args()
    if args.corpus:
        args.out.mkdir(parents=True, exist_ok=True)
        save_file(assemble(args.corpus), args.out / "open_clip_model.safetensors")
        text = json.dumps(CONFIG, indent=2) + "\n"
        (args.out / "open_clip_config.json").write_text(text, encoding="utf-8")
    if not (args.data / "index.json").is_file():
        return
    for template in ("a photo of a {}.", "{}"):
        accuracy, alike = zero_shot(args.out, args.data, template)
        line = " ".join(f"{domain} {value:.1f}" for domain, value in accuracy.items())
        print(f"{template!r}: {line} mean {np.mean(list(accuracy.values())):.1f}")
    classes = json.loads((args.data / "index.json").read_text(encoding="utf-8"))["classes"]
    for i, name in enumerate(classes):
        order = alike[i].argsort(descending=True)[1:4].tolist()
        print(name, "->", ", ".join(f"{classes[j]} {alike[i, j]:.2f}" for j in order))


if __name__ == "__main__":
    main()
