"""From a run's weights to numbers: where its attention and its similarity lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest
from harness.data.bank import ImageBank
from harness.dataset import Sample
from harness.maps.compute import maps_of, tower_of
from harness.maps.foreground import Shares, all_shares, mask_pixels, shares
from harness.specs import RunSpec
from harness.training.build import BuiltMethod

BATCH = 128
FEATURE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Pictured:
    """A held-out image and the text of its label."""

    sample: Sample
    class_name: str


def held_out_images(spec: RunSpec, bank: ImageBank) -> list[Pictured]:
    """Return what the run was tested on, in the data set's order within each test set."""
    parts = spec.protocol.test_sets(bank.dataset, spec.target, spec.data_seed)
    return [
        Pictured(sample, part.class_names[sample.label])
        for part in parts
        for sample in part.samples
    ]


def texts_of(backbone: Backbone, bank: ImageBank, images: Sequence[Pictured]) -> Tensor:
    """Return [n, D] features of the images' labels in the data set's template."""
    names = tuple(dict.fromkeys(image.class_name for image in images))
    features = backbone.text_features(names, bank.dataset.prompts)
    return features[[names.index(image.class_name) for image in images]]


@torch.no_grad()
def shows_its_tower(built: BuiltMethod, bank: ImageBank, image: Pictured) -> bool:
    """Tell whether the method classifies by what its image tower, as it stands, looks at.

    CoOp leaves the tower as it was, so its maps are those of zero-shot, which trains nothing; a
    method that adds something to the tower from outside (MaPLe's prompts) would be shown without
    it.
    """
    if built.method.frozen_image_tower:
        return not built.method.trains
    pixels = bank.test_images([image.sample])
    trace = built.backbone.trace(pixels, TraceRequest(patches=True))
    assert trace.patches is not None
    own = built.method.image_features(pixels)
    # The class token, or the patches' mean (average_pooling).
    return any(
        torch.allclose(own, F.normalize(feature, dim=-1), atol=FEATURE_TOLERANCE)
        for feature in (trace.pooled, trace.patches.mean(1))
    )


def shares_of(built: BuiltMethod, bank: ImageBank, images: Sequence[Pictured]) -> Shares | None:
    """Measure every image that has a mask; None if none has."""
    grid = tower_of(built.backbone).grid
    known = [(image, bank.dataset.mask(image.sample)) for image in images]
    masked = [(image, mask) for image, mask in known if mask is not None]
    texts = texts_of(built.backbone, bank, [image for image, _ in masked]) if masked else None
    batches = []
    for start in range(0, len(masked), BATCH):
        batch = masked[start : start + BATCH]
        assert texts is not None
        maps = maps_of(
            built.backbone,
            bank.test_images([image.sample for image, _ in batch]),
            texts[start : start + BATCH],
        )
        masks = torch.stack([mask_pixels(mask, bank.backbone.preprocess) for _, mask in batch])
        batches.append(shares(maps, masks, grid))
    return all_shares(batches) if batches else None


def numbers_of(one: Shares, layers: int) -> dict[str, float]:
    """Return one number a measure, in percent: the mean over the images.

    Args:
        one: Shares of one run's images.
        layers: K, for the means over the first and the last K blocks.
    """
    by_block = one.attention.mean(0)
    area = float(one.area.mean())
    values = {"area": area}
    values |= {f"block {i + 1}": float(share) for i, share in enumerate(by_block)}
    for name, rows in (
        (f"first {layers}", by_block[:layers]),
        (f"last {layers}", by_block[-layers:]),
        ("all blocks", by_block),
    ):
        values[name] = float(rows.mean())
        values[f"{name} / area"] = values[name] / area
    values |= {f"difference {k}": float(v.nanmean()) for k, v in one.difference.items()}
    values |= {f"hit {k}": float(v.mean()) for k, v in one.hit.items()}
    return {name: 100 * value for name, value in values.items()}
