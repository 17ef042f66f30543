from __future__ import annotations

import numpy as np
import pytest

from harness.maps.figures.panels import MapColumn, MapImage, map_picture, overlay
from tests.report.figures.pixels import ink, pixels, size_of

DRAW = np.random.default_rng(0)
IMAGE = DRAW.integers(0, 255, (16, 16, 3)).astype(np.uint8)


def image(name: str = "a", masked: bool = False) -> MapImage:
    mask = np.zeros((16, 16), dtype=np.uint8)
    mask[4:12, 4:12] = 255
    return MapImage(name, IMAGE, mask if masked else None)


def column(label: str, n: int = 1, group: str = "g") -> MapColumn:
    draw = np.random.default_rng(1)
    return MapColumn(group, label, tuple(draw.random((16, 16)) for _ in range(n)))


def test_an_overlay_mixes_the_grey_image_and_the_map() -> None:
    values = np.linspace(0, 1, 256).reshape(16, 16)
    only_map, only_image = overlay(values, IMAGE, 0.0), overlay(values, IMAGE, 1.0)
    assert np.ptp(only_image, axis=-1).max() == pytest.approx(0)  # grey
    assert only_map[0, 0] == pytest.approx([0.267, 0.005, 0.329], abs=0.001)  # viridis' ends
    assert only_map[-1, -1] == pytest.approx([0.993, 0.906, 0.144], abs=0.001)
    assert overlay(values, IMAGE, 0.25) == pytest.approx(0.75 * only_map + 0.25 * only_image)


def test_rows_and_columns_make_the_picture_grow() -> None:
    small = size_of(map_picture([image()], [column("one")], "c"))
    wide = size_of(map_picture([image()], [column("one"), column("two")], "c"))
    high = size_of(map_picture([image(), image("b")], [column("one", 2)], "c"))
    apart = size_of(map_picture([image()], [column("one"), column("two", group="h")], "c"))
    panel = (0.86 + 0.045) * 200
    assert wide[0] - small[0] == pytest.approx(panel, abs=1)
    assert (high[0], high[1] - small[1]) == (small[0], pytest.approx(panel, abs=1))
    assert apart[0] - wide[0] == pytest.approx((0.16 - 0.045) * 200, abs=1)


LEFT, TOP, PANEL = 404, 106, 172
"""Of the first map's panel, in dots."""


@pytest.mark.parametrize(("masked", "share"), [(False, 0.35), (True, 0.15)])
def test_more_of_the_map_shows_where_an_outline_is_drawn(masked: bool, share: float) -> None:
    one = column("one")
    picture = map_picture([image(masked=masked)], [one], "c")
    panel = pixels(picture)[TOP : TOP + PANEL // 5, LEFT : LEFT + PANEL]  # above the outline
    expected = overlay(one.maps[0], IMAGE, share)[:3]
    assert panel.mean(axis=(0, 1)) == pytest.approx(expected.mean(axis=(0, 1)), abs=0.02)


def test_a_name_of_two_lines_stands_in_the_middle_of_its_row() -> None:
    dark = ink(map_picture([image("a name of two lines")], [column("one")], "c"))
    rows = np.flatnonzero(dark[TOP : TOP + PANEL, : LEFT - 240].any(axis=1))
    assert np.ptp(rows) > 27  # dots of one line
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(PANEL / 2, abs=4)


def test_an_outline_is_drawn_on_maps_and_not_on_the_image() -> None:
    with_outline, without = (
        map_picture([image(masked=masked)], [column("one")], "c") for masked in (True, False)
    )
    assert size_of(with_outline) == size_of(without)
    assert with_outline != without


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_a_picture_has_the_same_bytes_twice(kind: str) -> None:
    columns = [column("one"), column("two")]
    pictures = [map_picture([image(masked=True)], columns, "c", kind) for _ in range(2)]
    assert pictures[0] == pictures[1]
