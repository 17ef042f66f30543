"""Gain over the reference by what the pretrained model made of the images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.report.figures.frame import PALETTE, dress, plot, styled
from harness.report.tables.alignment import Alignment
from harness.report.tables.caption import title_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#000000", *PALETTE[1:])
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def alignment_picture(alignment: Alignment, kind: str = "png") -> bytes | None:
    """Return the gains in each bin as ``png`` or ``pdf``; None without a reference."""
    labels = [row.label for row in alignment.table.rows if row.label != alignment.reference]
    if alignment.reference is None or not labels:
        return None
    level = next((g.t.level for own in alignment.gains for g in own.values() if g.t), 0.95)
    notes = (
        f"Gain {title_text(alignment.table)}. Points over {alignment.reference}; bars: "
        f"{100 * level:g} % interval of Student's t over seeds, of each bin alone. Below: mean "
        "cosine of image and its label's text under the pretrained model, in bins of each test "
        "set; share of images that it gets right and wrong."
    )
    per_line = 4
    lines = -(-len(labels) // per_line)
    with styled():
        frame, axes = plot(
            6.4, 2.8, notes, sides=(0.62, 0.18), labels=0.85, head=0.2 + 0.24 * lines
        )
        _draw(axes, alignment, labels)
        frame.legend(axes, 0.08, ncols=min(len(labels), per_line), fontsize=9, columnspacing=1.2)
        return frame.encode(kind)


def _draw(axes: Axes, alignment: Alignment, labels: list[str]) -> None:
    n = len(alignment.bins)
    places = [*range(n - 2), n - 1.5, n - 0.5]  # the last two are another way to divide the same
    step = min(0.12, 0.6 / len(labels))
    for number, label in enumerate(labels):
        shift = step * (number - (len(labels) - 1) / 2)
        colour = _COLOURS[number % len(_COLOURS)]
        style: dict[str, Any] = {"color": colour, "markersize": 4, "zorder": 3}
        style["marker"] = _MARKERS[number % len(_MARKERS)]
        for part in (range(n - 2), range(n - 2, n)):
            known = [(places[i] + shift, alignment.gains[i].get(label)) for i in part]
            points = [(x, g, g.difference) for x, g in known if g and g.difference is not None]
            if not points:
                continue
            x, y = [p[0] for p in points], [p[2] for p in points]
            axes.plot(x, y, linewidth=1.2, label=label, **style)
            for at, gain, _ in points:
                if gain.t:
                    ends = [gain.t.low, gain.t.high]
                    axes.plot([at, at], ends, color=colour, linewidth=0.9, zorder=2)
    axes.axhline(0, color="#555555", linewidth=0.9, zorder=1)
    axes.axvline(n - 2.25, color="#BBBBBB", linewidth=0.8, linestyle=":", zorder=1)
    own = alignment.bins
    texts = [f"{b.name}\n{b.cosine:.2f}" for b in own[:-2]]
    texts += [f"{b.name}\n{b.share:.0f} %".replace(" ", "\n", 1) for b in own[-2:]]
    axes.set_xticks(places, texts)
    axes.set_xlim(-0.6, n)
    axes.tick_params(axis="x", labelsize=9, width=0.7)
    # a few seeds' intervals may be far wider than all the gains
    gains = [g.difference for own in alignment.gains for g in own.values() if g.difference]
    ends = [
        end
        for own in alignment.gains
        for g in own.values()
        if g.t and g.difference is not None
        for end in (g.t.low, g.t.high)
    ]
    reach = 3 * max((abs(gain) for gain in gains), default=1.0) + 0.5
    low, high = min([0.0, *gains, *ends]), max([0.0, *gains, *ends])
    room = 0.06 * (min(high, reach) - max(low, -reach))
    axes.set_ylim(max(low, -reach) - room, min(high, reach) + room)
    dress(axes, "Gain (points)", 10.5, 9.5)
