"""The frame of every figure: size, title, notes and axes, and files that are the same every time.

Matplotlib is used without global state. Lengths are inches from the lower left corner.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.console.notes import warn
from harness.report.text.letters import CJK, scripts_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONTS = ("STIXGeneral", "DejaVu Sans")
"""Both come with matplotlib and have Latin, Greek and Cyrillic letters: pictures of such names do
not depend on the machine."""
CJK_FONTS = (
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Noto Sans CJK SC",
    "Noto Sans CJK JP", "Noto Serif CJK SC", "Noto Serif CJK JP", "Source Han Sans SC",
)  # fmt: skip
"""For what the others lack, the first that is installed: TrueType before OpenType with PostScript
outlines, which matplotlib puts into a PDF in a way that strict readers refuse."""
STYLE: dict[str, Any] = {
    "mathtext.fontset": "stix",
    "text.usetex": False,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "axes.unicode_minus": True,
    "pdf.fonttype": 42,  # text stays text; publishers refuse type 3
    "pdf.compression": 6,
    "path.simplify": False,
    "savefig.dpi": "figure",
    "svg.hashsalt": "report",
}
DPI = 200
# Okabe and Ito's palette: told apart by colour-blind readers; light to dark, so in grey too.
PALETTE = ("#BBBBBB", "#56B4E9", "#E69F00", "#0072B2", "#CC79A7", "#009E73", "#D55E00", "#F0E442")
_SIDE, _TITLE, _TITLE_LINE, _NOTE, _NOTE_LINE = 0.15, 12, 0.23, 8.5, 0.16


@contextmanager
def styled() -> Iterator[None]:
    """Use our style for drawing and saving, and the caller's again afterwards."""
    import matplotlib as mpl

    # the user's matplotlibrc must not change our pictures; the backend is not ours to change
    values: dict[Any, Any] = {k: v for k, v in mpl.rcParamsDefault.items() if k != "backend"}
    values |= STYLE | {"font.family": [*FONTS, *_installed()[:1]]}
    fonts = logging.getLogger("matplotlib.font_manager")  # says that a font has no bold
    level = fonts.level
    with mpl.rc_context(values), warnings.catch_warnings(record=True) as said:
        warnings.filterwarnings("always", message=_NO_GLYPH)
        fonts.setLevel(logging.ERROR)
        try:
            yield
        finally:
            fonts.setLevel(level)
    lacking = [found for one in said if (found := re.match(_NO_GLYPH, str(one.message)))]
    for one in said:
        if not re.match(_NO_GLYPH, str(one.message)):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    if lacking:
        _say_lacking(tuple(scripts_of(chr(int(found[1])) for found in lacking)))


_NO_GLYPH = r"Glyph (\d+) .*missing from"


def _installed() -> list[str]:
    from matplotlib.font_manager import fontManager

    names = {font.name for font in fontManager.ttflist}
    return [name for name in CJK_FONTS if name in names]


@cache
def _say_lacking(scripts: tuple[str, ...]) -> None:
    """Say once in a process that names are drawn as boxes, and what helps."""
    import matplotlib as mpl

    helps = "use other names"
    if CJK.intersection(scripts):
        fonts = f"{mpl.get_cachedir()}/fontlist-*.json"  # read again only if it is not there
        helps = f"install fonts-wqy-microhei (Debian), delete {fonts} and report again"
    boxes = f"pictures: no font here has letters of {', '.join(scripts)}: drawn as boxes"
    warn(f"{boxes}; {helps}")


class Frame:
    """A figure without a window and without pyplot."""

    def __init__(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(1, 1), dpi=DPI, facecolor="white")
        FigureCanvasAgg(self.figure)
        self.width = self.height = self.title_foot = 1.0

    def resize(self, width: float, height: float) -> None:
        """Set the size, before anything is drawn."""
        self.width, self.height, self.title_foot = width, height, height
        self.figure.set_size_inches(width, height)

    def text_width(self, text: str, **font: Any) -> float:
        """Return how wide `text` is."""
        from matplotlib.text import Text

        artist = Text(0, 0, text, figure=self.figure, **font)
        renderer = self.figure.canvas.get_renderer()  # type: ignore[attr-defined]
        return float(artist.get_window_extent(renderer).width) / DPI

    def wrap(self, text: str, width: float, **font: Any) -> list[str]:
        """Break `text` into lines no wider than `width`."""
        lines: list[str] = []
        line = ""
        for word in text.split():
            longer = f"{line} {word}" if line else word
            if line and self.text_width(longer, **font) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        return [*lines, line] if line else lines

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Write `text` at a place."""
        self.figure.text(x / self.width, y / self.height, text, **style)

    def lines(self, x: float, y: float, lines: Sequence[str], step: float, **style: Any) -> None:
        """Write lines below each other, the first at `y`; a negative step goes up."""
        for i, line in enumerate(lines):
            self.text(x, y - step * i, line, **style)

    def rule(self, left: float, right: float, y: float, weight: float) -> None:
        """Draw a horizontal line, `weight` points thick."""
        from matplotlib.lines import Line2D

        x = [left / self.width, right / self.width]
        line = Line2D(x, [y / self.height] * 2, color="black", linewidth=weight)
        self.figure.add_artist(line)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Add axes, their lower left corner at a place."""
        box = (x / self.width, y / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def legend(self, axes: Axes, down: float, names: Sequence[str] = (), **style: Any) -> None:
        """Put the legend `down` from the title, its entries in the order of `names` if given."""
        handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        names = names or list(handles)
        self.figure.legend(
            [handles[name] for name in names],
            names,
            loc="upper center",
            bbox_to_anchor=(0.5, (self.title_foot - down) / self.height),
            frameon=False,
            borderaxespad=0,
            **{"ncols": len(names), **style},
        )

    def encode(self, kind: str) -> bytes:
        """Return the figure as ``png`` (200 dots per inch) or ``pdf``; no date, no version."""
        out = io.BytesIO()
        if kind == "png":
            self.figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
        else:
            absent = dict.fromkeys(("CreationDate", "Creator", "Producer"))
            self.figure.savefig(out, format="pdf", metadata=absent)
        return out.getvalue()


def plot(
    width: float,
    height: float,
    notes: str,
    title: str = "",
    *,
    sides: tuple[float, float],
    labels: float,
    head: float,
    foot: float = 0.15,
) -> tuple[Frame, Axes]:
    """Return a frame with its title and notes, and empty axes between them.

    Args:
        width: Of the figure.
        height: Of the axes.
        notes: What a reader must know, below.
        title: Above; perhaps none.
        sides: Room to the left and to the right of the axes.
        labels: From the axes down to the first line of the notes.
        head: Room above the axes beside that of the title.
        foot: Below the last line of the notes.
    """
    frame = Frame()
    lines = frame.wrap(notes, width - 2 * _SIDE, fontsize=_NOTE)
    titles = frame.wrap(title, width - 2 * _SIDE, fontsize=_TITLE)
    below = labels + _NOTE_LINE * (len(lines) - 1) + foot
    frame.resize(width, below + height + head + _TITLE_LINE * len(titles))
    frame.title_foot = frame.height - _TITLE_LINE * len(titles)
    box = (sides[0] / width, below / frame.height, 1 - sum(sides) / width, height / frame.height)
    axes = frame.figure.add_axes(box)
    top = frame.height - 0.24
    frame.lines(width / 2, top, titles, _TITLE_LINE, ha="center", fontsize=_TITLE)
    frame.lines(_SIDE, below - labels, lines, _NOTE_LINE, fontsize=_NOTE, color="#333333")
    return frame, axes


def dress(axes: Axes, y_label: str, label_size: float, tick_size: float) -> None:
    """Label the y axis and leave of the box its left and lower side, and a grid to read y by."""
    axes.set_ylabel(y_label, fontsize=label_size)
    axes.tick_params(axis="y", labelsize=tick_size, width=0.7)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
