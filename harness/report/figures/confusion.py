"""A confusion matrix as a picture."""

from __future__ import annotations

import numpy as np

from harness.report.figures.frame import plot, styled
from harness.report.tables.confusion import Confusion

_NAMED = 60
"""Classes up to which the axes name them."""
_NUMBERS = 16
"""Classes up to which shares are written into the matrix."""


def confusion_picture(confusion: Confusion, kind: str = "png") -> bytes:
    """Return the shares of each label's images as ``png`` or ``pdf``."""
    n = len(confusion.class_names)
    totals = confusion.counts.sum(axis=1, keepdims=True)
    shares = 100 * confusion.counts / np.maximum(totals, 1)
    named = n <= _NAMED
    side = min(max(0.3 * n, 2.6), 6.0) if n <= _NUMBERS else 5.4
    size = 8.5 if n <= 25 else 5.0
    longest = max(map(len, confusion.class_names)) if named else 0
    room = 0.45 + 0.0072 * size * longest if named else 0.45
    runs = f"{confusion.n_runs} run{'s' if confusion.n_runs > 1 else ''}"
    notes = (
        f"{confusion.label}: {confusion.about}. Percent of the images of each class, {runs} "
        "together." + ("" if named else f" {n} classes in the data set's order.")
    )
    with styled():
        frame, axes = plot(
            side + room + 0.75, side, notes, sides=(room, 0.75), labels=room + 0.2, head=0.25
        )
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        axes.set_xlabel("prediction", fontsize=9.5)
        axes.set_ylabel("label", fontsize=9.5)
        if named:
            axes.set_xticks(range(n), confusion.class_names, rotation=90, fontsize=size)
            axes.set_yticks(range(n), confusion.class_names, fontsize=size)
        axes.tick_params(width=0.5, length=2)
        if n <= _NUMBERS:
            for i, j in zip(*np.nonzero(shares >= 0.5), strict=True):
                colour = "white" if shares[i, j] > 60 else "black"
                text = f"{shares[i, j]:.0f}"
                axes.text(j, i, text, ha="center", va="center", fontsize=7.5, color=colour)
        box = axes.get_position()
        bar = frame.figure.add_axes((box.x1 + 0.12 / frame.width, box.y0, 0.1 / frame.width,
                                     box.height))  # fmt: skip
        frame.figure.colorbar(image, cax=bar).ax.tick_params(labelsize=8)
        return frame.encode(kind)
