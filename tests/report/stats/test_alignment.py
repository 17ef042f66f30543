"""Bins of images by the pretrained model's cosine."""

from __future__ import annotations

import numpy as np

from harness.report.stats.alignment import RIGHT, WRONG, alignment_bins, bin_names


def test_bins_are_equally_large_and_the_lowest_comes_first() -> None:
    cosine = np.random.default_rng(0).permutation(100) / 100
    masks = alignment_bins(cosine, cosine > 0.5, 5)
    assert list(masks) == list(bin_names(5))
    for number, name in enumerate(bin_names(5)[:-2]):
        assert sorted(cosine[masks[name]]) == [(20 * number + i) / 100 for i in range(20)]
    assert (masks[RIGHT] == (cosine > 0.5)).all()
    assert (masks[WRONG] == ~(cosine > 0.5)).all()


def test_equal_cosines_share_a_bin_and_every_image_is_in_one() -> None:
    cosine = np.array([0.1, 0.2, 0.2, 0.2, 0.2, 0.3], np.float16)
    masks = alignment_bins(cosine, cosine > 0, 3)
    assert sum(masks[name].astype(int) for name in bin_names(3)[:-2]).tolist() == [1] * 6
    assert any(masks[name][1:5].all() for name in bin_names(3)[:-2])


def test_names_are_shares() -> None:
    assert bin_names(3) == ("0–33.3 %", "33.3–66.7 %", "66.7–100 %", RIGHT, WRONG)
