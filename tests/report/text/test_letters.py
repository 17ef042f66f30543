"""Greek and Chinese names: what LaTeX is told, and pictures with and without a font for them."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import fontManager

from harness.report.figures import frame
from harness.report.figures.table import table_picture
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.model import Table
from harness.report.text.letters import scripts_of
from harness.report.text.markup import engine_for, latex
from harness.report.text.tables import to_latex
from harness.store.store import Store
from tests.report.fakes import fill
from tests.report.figures.pixels import ink

GREEK, CHINESE = "Φωτογραφία", "素描"


def named(root: Path, domain: str) -> Table:
    store = Store(root)
    fill(store, {"a": {domain: (1000, 1010)}, "b": {domain: (1100, 1120)}})
    return summarise(load_frame(store))


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        (GREEK, ["% needs XeLaTeX or LuaLaTeX: pdfLaTeX has no letters of GREEK",
                 "% needs \\usepackage{fontspec}"]),
        (CHINESE, ["% needs XeLaTeX or LuaLaTeX: pdfLaTeX has no letters of CJK",
                   "% needs \\usepackage{xeCJK}"]),
        ("Fotografía žluťoučký", []),
    ],
)  # fmt: skip
def test_a_file_says_at_its_head_what_its_letters_need(
    tmp_path: Path, name: str, needs: list[str]
) -> None:
    text = to_latex(named(tmp_path, name))
    head = [line for line in text.splitlines() if line.startswith("% needs")]
    assert head[0] == r"% needs \usepackage{booktabs}"
    assert len(head) == 1 + len(needs)
    for line, start in zip(head[1:], needs, strict=True):
        assert line.startswith(start)
    assert f"Method & {name}" in text  # as it is


def test_a_letter_alone_is_mathematics_and_needs_nothing() -> None:
    text = latex("ε = 0.9, χ² and Δ, κ=5")
    assert text == (
        r"\ensuremath{\varepsilon} = 0.9, \ensuremath{\chi}\ensuremath{^2} and "
        r"\ensuremath{\Delta}, \ensuremath{\kappa}=5"
    )
    assert engine_for(text) == []
    assert latex(GREEK) == GREEK
    assert engine_for("\N{CYRILLIC SMALL LETTER ZHE} ★")[0].endswith("CYRILLIC, SIGNS")


def test_scripts_are_the_first_words_of_names() -> None:
    assert scripts_of("αβ素カー가x!") == ["CJK", "GREEK", "HANGUL", "KATAKANA", "LATIN", "SIGNS"]


def test_greek_needs_no_font_of_the_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "CJK_FONTS", ())
    table_picture(named(tmp_path, GREEK))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_without_a_font_for_them_a_line_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(frame, "CJK_FONTS", ())
    frame._say_lacking.cache_clear()
    table = named(tmp_path, CHINESE)
    for _ in range(2):  # said once
        table_picture(table, kind)
    (line,) = capsys.readouterr().err.splitlines()
    assert "no font here has letters of CJK: drawn as boxes; install fonts-wqy-microhei" in line
    assert mpl.get_cachedir() in line


def font(path: Path, letters: str) -> Path:
    """Write a font in which every one of the letters is a black square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for x, y in ((0, 900), (900, 900), (900, 0)):
        pen.lineTo((x, y))
    pen.closePath()
    square, empty = pen.glyph(), TTGlyphPen(None).glyph()
    builder = FontBuilder(1000, isTTF=True)
    names = [".notdef", *(f"g{i}" for i in range(len(letters)))]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(c): f"g{i}" for i, c in enumerate(letters)})
    builder.setupGlyf({name: empty if name == ".notdef" else square for name in names})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    name = {"familyName": "Black Squares", "styleName": "Regular", "psName": "BlackSquares"}
    builder.setupNameTable(name)
    builder.setupOS2(sTypoAscender=900, sTypoDescender=-100)
    builder.setupPost()
    builder.save(path)
    return path


def test_an_installed_font_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fontManager, "ttflist", list(fontManager.ttflist))
    fontManager.addfont(font(tmp_path / "squares.ttf", CHINESE))
    monkeypatch.setattr(frame, "CJK_FONTS", ("Not There", "Black Squares"))
    frame._say_lacking.cache_clear()
    table = named(tmp_path / "store", CHINESE)
    assert "BlackSquares" in table_picture(table, "pdf").decode("latin-1")
    squares = ink(table_picture(table))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(frame, "CJK_FONTS", ())
    assert squares.sum() > 500 + ink(table_picture(table)).sum()  # frames of boxes are thin
