"""Bins of images by what the pretrained model made of them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

RIGHT, WRONG = "zero-shot right", "zero-shot wrong"


def bin_names(bins: int) -> tuple[str, ...]:
    """Return what the bins are called: by cosine, lowest first, then by the prediction."""
    edges = [f"{100 * i / bins:.3g}" for i in range(bins + 1)]
    quantiles = (f"{low}–{high} %" for low, high in itertools.pairwise(edges))
    return (*quantiles, RIGHT, WRONG)


def alignment_bins(
    cosine: NDArray[Any], right: NDArray[np.bool_], bins: int
) -> dict[str, NDArray[np.bool_]]:
    """Return which of n images are in each bin; one may be empty.

    Args:
        cosine: [n], of each image with its label's text. Equal ones share a bin.
        right: [n], whether the pretrained model is right.
        bins: Of equally many images each, by cosine.
    """
    values = cosine.astype(np.float64)
    edges = np.quantile(values, np.arange(1, bins) / bins) if len(values) else np.zeros(bins - 1)
    place = np.searchsorted(edges, values, side="left")
    masks = [place == number for number in range(bins)]
    return dict(zip(bin_names(bins), (*masks, right, ~right), strict=True))
