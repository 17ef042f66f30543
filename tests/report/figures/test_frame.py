"""Sizes in inches, titles, notes and legends, and the same bytes every time."""

from __future__ import annotations

from itertools import pairwise

import matplotlib as mpl
import pytest

from harness.report.figures.frame import DPI, Frame, dress, plot, styled
from tests.report.figures.pixels import ink, size_of

ROOM = {"sides": (0.6, 0.2), "labels": 0.5, "head": 0.4}


def test_a_place_is_in_inches_whatever_the_size() -> None:
    with styled():
        frame = Frame()
        frame.resize(4, 2)
        box = frame.axes(1, 0.5, 2, 1).get_position()
        frame.text(1, 0.5, "x")
    assert [box.x0, box.y0, box.width, box.height] == pytest.approx([0.25, 0.25, 0.5, 0.5])
    assert frame.figure.texts[0].get_position() == (0.25, 0.25)
    assert size_of(frame.encode("png")) == (4 * DPI, 2 * DPI)


def test_lines_are_as_wide_as_they_may_be_and_no_wider() -> None:
    with styled():
        frame = Frame()
        text = "words of several lengths that do not fit into a line of two inches " * 2
        lines = frame.wrap(text, 2.0, fontsize=9)
        widths = [frame.text_width(line, fontsize=9) for line in lines]
        assert " ".join(lines) == text.strip()
        assert max(widths) <= 2.0
        for line, after in pairwise(lines):
            longer = f"{line} {after.split()[0]}"
            assert frame.text_width(longer, fontsize=9) > 2.0
        assert frame.wrap("unbreakably" * 9, 1.0) == ["unbreakably" * 9]
        assert frame.wrap("", 1.0) == []


def test_a_plot_has_room_for_every_line_of_its_title_and_notes() -> None:
    long = "many words that do not fit into a line of the figure " * 4
    with styled():
        plain, _ = plot(4.0, 2.0, "note", **ROOM)
        titled, _ = plot(4.0, 2.0, "note", "title", **ROOM)
        noted, axes = plot(4.0, 2.0, long, **ROOM)
        lines = len(noted.wrap(long, 3.7, fontsize=8.5))
    assert lines > 2
    assert plain.height == pytest.approx(2.0 + 0.5 + 0.15 + 0.4)
    assert titled.height - plain.height == pytest.approx(0.23)
    assert titled.title_foot == pytest.approx(titled.height - 0.23)
    assert titled.figure.texts[0].get_position()[1] * titled.height == pytest.approx(
        titled.height - 0.24
    )
    assert noted.height - plain.height == pytest.approx(0.16 * (lines - 1))
    box = axes.get_position()
    assert box.height * noted.height == pytest.approx(2.0)
    assert (box.x0 * 4, (1 - box.x1) * 4) == pytest.approx((0.6, 0.2))
    baselines = [text.get_position()[1] * noted.height for text in noted.figure.texts]
    assert baselines == pytest.approx([0.15 + 0.16 * i for i in reversed(range(lines))])


def test_a_legend_follows_the_names_given() -> None:
    with styled():
        frame, axes = plot(4.0, 2.0, "note", **ROOM)
        axes.axhline(1, label="line")
        axes.bar([0], [1], label="bar")
        frame.legend(axes, 0.05)
        frame.legend(axes, 0.05, ["bar", "line"], fontsize=7)
    first, second = (
        [text.get_text() for text in legend.get_texts()] for legend in frame.figure.legends
    )
    assert first == ["line", "bar"]
    assert second == ["bar", "line"]


def test_a_legend_stands_below_the_title() -> None:
    with styled():
        frame, axes = plot(4.0, 2.0, "note", "title", **ROOM)
        axes.axhline(1, label="line")
        frame.legend(axes, 0.05)
    top = frame.figure.legends[0].get_bbox_to_anchor().y0 / DPI
    assert top == pytest.approx(frame.height - 0.23 - 0.05)


def test_a_rule_is_as_long_and_as_thick_as_asked() -> None:
    with styled():
        frame = Frame()
        frame.resize(2, 1)
        frame.rule(0.5, 1.5, 0.5, 3.6)  # points: 10 dots
        dark = ink(frame.encode("png"))
    assert dark[:, 200].sum() == pytest.approx(10, abs=1)
    assert dark[100].sum() == pytest.approx(200, abs=12)  # with its caps


def test_dressed_axes_have_a_grid_and_no_box() -> None:
    with styled():
        _, axes = plot(4.0, 2.0, "note", **ROOM)
        dress(axes, "y", 10, 9)
    shown = {side for side, spine in axes.spines.items() if spine.get_visible()}
    assert shown == {"left", "bottom"}
    assert axes.get_ylabel() == "y"
    assert all(line.get_visible() for line in axes.get_ygridlines())


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_bytes_are_the_same_and_the_users_style_stays_theirs(kind: str) -> None:
    def drawn() -> bytes:
        with styled():
            frame, axes = plot(3.0, 1.0, "price in $", "a $ sign", **ROOM)
            axes.plot([0, 1], [0, 1])
            return frame.encode(kind)

    before = drawn()
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30}):
        assert drawn() == before
        assert mpl.rcParams["lines.linewidth"] == 9
    assert b"CreationDate" not in before
    assert b"Matplotlib" not in before
