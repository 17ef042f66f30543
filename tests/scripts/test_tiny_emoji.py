"""The embedded model: it loads through open_clip, its words mean something, its card holds."""

import io
import json
import zipfile
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open

from harness.clip.openclip import open_clip

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "tiny-emoji"
WEIGHTS = MODEL / "open_clip_model.safetensors"
DATA = ROOT / "datasets" / "emoji_data"

# Percent. The card has 43, 46, 30 and 44.
LEAST = {"fluent_3d": 40, "noto": 40, "openmoji_line": 27, "twemoji": 40}

NEAR_AND_FAR = [
    ("mammal", "bird", "hammer"),
    ("fruit", "vegetable", "clock"),
    ("violin", "guitar", "sandwich"),
]


@pytest.fixture(scope="module")
def loaded():
    name = f"local-dir:{MODEL}"
    model, _, preprocess = open_clip.create_model_and_transforms(name)
    return model.eval(), preprocess, open_clip.get_tokenizer(name)


@torch.no_grad()
def features(loaded, words):
    model, _, tokenize = loaded
    return model.encode_text(tokenize([f"a photo of a {w}." for w in words]), normalize=True)


def test_weights_are_small_and_half_precision():
    assert WEIGHTS.stat().st_size < 20_000_000
    with safe_open(WEIGHTS, "pt") as file:
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.float16}  # noqa: SIM118


def test_the_scale_is_in_clips_range(loaded):
    assert 20 <= loaded[0].logit_scale.exp() <= 60


def test_words_of_no_class_have_finite_and_distinct_features(loaded):
    found = features(loaded, ["wrench", "sunflower", "giraffe", "trumpet", "skyscraper"])
    assert torch.isfinite(found).all()
    alike = found @ found.T - torch.eye(len(found))
    assert alike.max() < 0.95


@pytest.mark.parametrize(("word", "near", "far"), NEAR_AND_FAR)
def test_alike_words_are_nearer_than_unlike_ones(loaded, word, near, far):
    anchor, close, distant = features(loaded, [word, near, far])
    assert anchor @ close > anchor @ distant + 0.1


@pytest.mark.parametrize("domain", sorted(LEAST))
def test_zero_shot_is_as_the_card_says(loaded, domain):
    model, preprocess, _ = loaded
    classes = json.loads((DATA / "index.json").read_text(encoding="utf-8"))["classes"]
    pictures, truth = [], []
    with zipfile.ZipFile(DATA / f"{domain}.zip") as archive:
        for member in archive.namelist():
            picture = Image.open(io.BytesIO(archive.read(member))).convert("RGBA")
            canvas = Image.new("RGBA", picture.size, "white")
            pictures.append(preprocess(Image.alpha_composite(canvas, picture).convert("RGB")))
            truth.append(classes.index(member.split("/")[0].replace("_", " ")))
    with torch.no_grad():
        image = model.encode_image(torch.stack(pictures), normalize=True)
    hits = (image @ features(loaded, classes).T).argmax(1) == torch.tensor(truth)
    assert 100 * hits.float().mean() >= LEAST[domain]
