"""The embedded data: the same emoji in every domain."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from harness import registry
from harness.dataset import Dataset


@pytest.fixture(scope="module")
def emoji() -> Dataset:
    cls = registry.dataset_class("emoji")
    return cls(cls.Options(), None)


def test_every_domain_has_the_same_things_in_the_same_classes(emoji: Dataset) -> None:
    kinds = {
        domain: {sample.group: sample.label for sample in emoji.samples(domain)}
        for domain in emoji.domains
    }
    assert all(len(emoji.samples(domain)) == 512 for domain in emoji.domains)
    first = kinds[emoji.domains[0]]
    assert len(first) == 512
    assert all(found == first for found in kinds.values())
    assert set(first.values()) == set(range(len(emoji.class_names)))


def test_an_image_its_size_and_its_mask(emoji: Dataset) -> None:
    for domain in emoji.domains:
        sample = emoji.samples(domain)[0]
        data = emoji.read(sample)
        assert emoji.size(sample) == len(data)
        mask = emoji.mask(sample)
        assert mask is not None
        assert mask.shape == Image.open(io.BytesIO(data)).size == (64, 64)
        assert 0.05 < float(np.mean(mask > 127)) < 1


def test_a_line_drawings_mask_holds_what_its_lines_enclose(emoji: Dataset) -> None:
    fuller = 0
    for sample in emoji.samples("openmoji_line")[:20]:
        strokes = np.asarray(Image.open(io.BytesIO(emoji.read(sample))).convert("RGBA"))[..., 3]
        mask = emoji.mask(sample)
        assert mask is not None
        assert (mask >= strokes).all()
        fuller += int((mask > 127).sum() > 1.2 * (strokes > 127).sum())
    assert fuller > 10
