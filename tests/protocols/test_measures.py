from __future__ import annotations

import pytest

from harness.protocols.measures import harmonic_mean, headline, measured, planned
from harness.specs import ProtocolSpec
from harness.store.store import Score
from tests.report.fakes import spec


@pytest.mark.parametrize(
    ("base", "new", "printed"),
    # Rows of CoCoOp's and MaPLe's tables: ImageNet and EuroSAT of CoOp, Caltech101 of CLIP.
    [(76.47, 67.88, 71.92), (92.19, 54.74, 68.69), (96.84, 94.00, 95.40), (80.47, 71.69, 75.83)],
)
def test_harmonic_mean_gives_the_published_rows(base: float, new: float, printed: float) -> None:
    assert harmonic_mean(base, new) == pytest.approx(printed, abs=0.006)
    assert harmonic_mean(0.0, 0.0) == 0.0


def test_measures_of_every_protocol() -> None:
    half, fifth = Score(correct=5, n=10), Score(correct=6, n=30)
    run = spec(protocol=ProtocolSpec(name="open_class"))
    values = measured(run, {"base": half, "new": fifth})
    assert values == {("noto", "base"): 0.5, ("noto", "new"): 0.2,
                      ("noto", "H"): pytest.approx(2 * 0.5 * 0.2 / 0.7)}  # fmt: skip
    assert headline(run, {"base": half, "new": fifth}) == values["noto", "H"]
    run = spec(protocol=ProtocolSpec(name="domain_and_class"))
    values = measured(run, {"base": half, "open": fifth})
    assert values["noto", "all"] == pytest.approx(11 / 40)  # over images, not over the two parts
    run = spec(target="b+c", protocol=ProtocolSpec(name="distribution_shift", source="a"))
    values = measured(run, {"b": half, "c": fifth, "a": Score(correct=9, n=10)})
    assert list(values) == planned(run) == [("b", "accuracy"), ("c", "accuracy"), ("a", "source")]
    assert headline(run, {"b": half, "c": fifth, "a": half}) == pytest.approx(0.35)
