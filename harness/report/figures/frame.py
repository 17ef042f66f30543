"""Matplotlib without global state, and files whose bytes are the same every time."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Both fonts come with matplotlib, so pictures do not depend on the machine.
STYLE: dict[str, Any] = {
    "font.family": ["STIXGeneral", "DejaVu Sans"],
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


@contextmanager
def styled() -> Iterator[None]:
    """Use our style for drawing and saving, and the caller's again afterwards."""
    import matplotlib as mpl

    # the user's matplotlibrc must not change our pictures; the backend is not ours to change
    values: dict[Any, Any] = {k: v for k, v in mpl.rcParamsDefault.items() if k != "backend"}
    values.update(STYLE)
    with mpl.rc_context(values), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, in inches; no window, no pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def encode(figure: Figure, kind: str) -> bytes:
    """Return the figure as ``png`` or ``pdf``; no date and no version inside."""
    out = io.BytesIO()
    if kind == "png":
        figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    else:
        absent = dict.fromkeys(("CreationDate", "Creator", "Producer"))
        figure.savefig(out, format="pdf", metadata=absent)
    return out.getvalue()


def text_width(figure: Figure, text: str, **font: Any) -> float:
    """Return how wide `text` is, in inches."""
    from matplotlib.text import Text

    artist = Text(0, 0, text, figure=figure, **font)
    box = artist.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    return float(box.width) / DPI


def wrap(figure: Figure, text: str, width: float, **font: Any) -> list[str]:
    """Break `text` into lines no wider than `width` inches."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and text_width(figure, longer, **font) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines
