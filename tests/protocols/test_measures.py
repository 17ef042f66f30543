from __future__ import annotations

import pytest

from harness.protocols.measures import harmonic_mean


@pytest.mark.parametrize(
    ("base", "new", "printed"),
    # Rows of CoCoOp's and MaPLe's tables: ImageNet and EuroSAT of CoOp, Caltech101 of CLIP.
    [(76.47, 67.88, 71.92), (92.19, 54.74, 68.69), (96.84, 94.00, 95.40), (80.47, 71.69, 75.83)],
)
def test_harmonic_mean_gives_the_published_rows(base: float, new: float, printed: float) -> None:
    assert harmonic_mean(base, new) == pytest.approx(printed, abs=0.006)
    assert harmonic_mean(0.0, 0.0) == 0.0
