"""LaTeX tables fit into the text, measured with Computer Modern's own widths."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.ft2font import FT2Font, LoadFlags

from harness.report.comparison.compare import compare_rows
from harness.report.comparison.marks import marked
from harness.report.comparison.model import ImageEvidence, TableComparison
from harness.report.stats import Interval
from harness.report.tables.cells import cell_of, mark_best, mean_cell
from harness.report.tables.columns import Datasets
from harness.report.tables.model import Row, Table
from harness.report.text import comparison
from harness.report.text.fit import TEXT_WIDTH, Text, ems, layout_of
from harness.report.text.grid import Grid, GridCell, cells, to_latex
from harness.report.text.tables import to_latex as table_to_latex
from tests.report.tables.test_caption import table

ROOT = Path(__file__).resolve().parents[3]
METHODS = sorted(path.stem for path in (ROOT / "methods").glob("[a-z]*.py"))
EMOJI = ("fluent_3d", "noto", "openmoji_line", "twemoji")
DOMAINNET = ("clipart", "infograph", "painting", "quickdraw", "real", "sketch")
DOMAINBED = ("PACS", "VLCS", "OfficeHome", "TerraIncognita", "DomainNet")
LONG = (
    "zero-shot CLIP",
    "alignclip[attention_alignment=false, similarity_alignment=false]",
    "CLIPood (tuned, leave-one-source-out, 8 trials)",
)
SIZES = {"": 1.0, "small": 0.925, "footnotesize": 0.85, "scriptsize": 0.797}
"""Of a letter in cmr10, cmr9, cmr8 and cmr7."""
BOLD = 1.15
"""Of a figure in cmbx10, which matplotlib has not."""
PRINTED = {
    r"\ensuremath{\dagger}": "†", r"\ensuremath{\ddagger}": "‡", r"$\pm$": "±", r"\%": "%",
    r"\_": "_", "{[}": "[", "{]}": "]", "--": "–", r"\textless{}": "<", r"\textgreater{}": ">",
    r"\&": "&", r"\allowbreak{}": "", r"\raggedright ": "",
}  # fmt: skip
OTHER = {
    "†": 4.44,
    "‡": 4.44,
    "±": 7.78,
    "−": 7.78,
    "–": 5.0,
    "_": 3.6,
    "<": 7.78,
    ">": 7.78,
    " ": 3.33,
}


@cache
def font() -> Any:
    opened = FT2Font(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "cmr10.ttf"))
    opened.set_size(10, 72)
    return opened


def points(text: str) -> float:
    return sum(
        OTHER.get(c) or font().load_char(ord(c), LoadFlags.NO_HINTING).linearHoriAdvance / 65536
        for c in text
    )


def cell_width(code: str, size: float) -> float:
    for command, printed in PRINTED.items():
        code = code.replace(command, printed)
    code = re.sub(r"\$(.*?)\$", lambda found: found[1].replace("-", "−"), code)
    small = re.findall(r"\{\\scriptsize ?([^{}]*)\}", code)
    code = re.sub(r"\{\\scriptsize ?[^{}]*\}", "", code)
    bold = re.findall(r"\\textbf\{([^{}]*)\}", code)
    code = re.sub(r"\\textbf\{[^{}]*\}", "", code)
    assert not re.search(r"[\\{}$]", code), code
    width = size * (points(code) + BOLD * sum(points(text) for text in bold))
    return width + SIZES["scriptsize"] * sum(points(text) for text in small)


def widths(code: str) -> list[float]:
    """Return how wide each tabular of some LaTeX code is."""
    out = []
    for part in code.split(r"\begin{table}")[1:]:
        size = next((s for s in SIZES if s and f"\n\\{s}\n" in part), "")
        told = re.search(r"\\setlength\{\\tabcolsep\}\{(\d+)pt\}", part)
        room = 2 * float(told[1]) if told else 12.0
        for body in re.findall(r"\\begin\{tabular\}(.*?)\\end\{tabular\}", part, re.DOTALL):
            fixed = re.match(r"\{p\{([\d.]+)pt\}", body)
            rows = [line[:-3].split(" & ") for line in body.splitlines() if line.endswith(r" \\")]
            columns = [
                max(cell_width(cell, SIZES[size]) for cell in column)
                for column in zip(*rows, strict=True)
            ]
            if fixed:
                columns[0] = float(fixed[1])
            out.append(sum(columns) + room * len(columns))
    return out


def measured(labels: tuple[str, ...], domains: tuple[str, ...], **key: Any) -> Table:
    draws = np.random.default_rng(3)
    seeds = [(s, s) for s in range(3)]
    rows = []
    for label in labels:
        scores = [{s: float(draws.normal(85, 1.5)) for s in seeds} for _ in domains]
        own = tuple(cell_of(by_seed, 0, 0, "std") for by_seed in scores)
        names = frozenset({label})
        rows.append(Row(label, names, label, "last", own, mean_cell(own, seeds, "std")))
    made = table(*mark_best(rows), domains=domains, **key)
    return replace(made, usual_n=3)


def compared(of: Table) -> TableComparison:
    """Return the comparison with an interval over images in every row: all columns."""
    found = compare_rows(of, references=["clipood"])
    assert found is not None
    interval = Interval(-10.25, -12.34, 11.56, 0.95)
    images = ImageEvidence(interval, {}, 512, 3)
    return replace(found, rows=tuple(replace(row, images=images) for row in found.rows))


def joined(labels: tuple[str, ...]) -> Table:
    return replace(measured(labels, DOMAINBED), kind=Datasets())


@pytest.mark.parametrize("labels", [tuple(METHODS), (*METHODS[:3], *LONG)], ids=["names", "long"])
@pytest.mark.parametrize("columns", [EMOJI, DOMAINNET, DOMAINBED], ids=["emoji", "net", "bed"])
def test_tables_and_comparisons_fit(labels: tuple[str, ...], columns: tuple[str, ...]) -> None:
    own = joined(labels) if columns == DOMAINBED else measured(labels, columns)
    found = compare_rows(own)
    text = table_to_latex(marked(own, found))
    (width,) = widths(text)
    assert width <= TEXT_WIDTH
    (width,) = widths(comparison.to_latex(compared(own)))
    assert width <= TEXT_WIDTH


def test_a_table_is_in_the_largest_type_that_fits() -> None:
    text = table_to_latex(measured(("a", "b"), EMOJI))
    assert r"\begin{tabular}{lccccc}" in text
    assert "tabcolsep" not in text
    smaller = table_to_latex(measured(tuple(METHODS), DOMAINNET))
    assert re.search(r"\\label\{.*?\}\n\\scriptsize\n\\setlength\{\\tabcolsep\}\{3pt\}", smaller)
    assert "footnotesize" in table_to_latex(joined(tuple(METHODS)))


def test_a_long_name_is_broken_where_it_has_no_blanks() -> None:
    text = table_to_latex(measured(LONG, DOMAINNET))
    assert r"\begin{tabular}{p{" in text
    assert r"\raggedright alignclip{[}\allowbreak{}attention\_\allowbreak{}alignment=" in text


def test_columns_too_many_for_any_type_go_below_each_other() -> None:
    domains = tuple(f"location_{i}" for i in range(14))
    text = table_to_latex(measured(("zero_shot", "clipood"), domains))
    found = widths(text)
    assert len(found) > 1
    assert max(found) <= TEXT_WIDTH
    assert text.count("zero\\_shot &") == len(found)
    heads = re.findall(r"location\\_\d+", text)
    assert heads == [f"location\\_{i}" for i in range(14)]


def test_the_caption_is_short_and_the_rest_below() -> None:
    text = table_to_latex(measured(("a", "b"), EMOJI))
    (caption,) = re.findall(r"\\caption\{(.*)\}", text)
    assert caption == (
        "Accuracy in \\%: PACS, leave one domain out, ViT-B-16/openai (fp16). Mean "
        "\\ensuremath{\\pm} sample standard deviation over n = 3 seeds; 'mean' averages over "
        "domains within each seed first. Bold: best of the column's complete cells."
    )
    below = text.split(r"\end{tabular}")[1]
    assert "tested on all images of the held-out domain" in below
    assert "Weights tested: last." in below


def test_estimates_are_no_less_than_the_fonts_own_widths() -> None:
    for letter in set(map(chr, range(33, 127))) - set('\\"<>|_{}^~`'):  # not there in cmr10.ttf
        assert 10 * ems(letter) >= points(letter) - 0.02, letter
    assert ems("模型") == 2.0


def test_a_grid_says_by_its_text_how_wide_it_is() -> None:
    narrow = Grid(("a", "b"), (cells(("x", "1")),), "lc", "c", label="l")
    wide = replace(narrow, rows=((GridCell("x"), GridCell("m" * 46)),))
    assert "tabcolsep" not in to_latex(narrow)
    assert r"\small" in to_latex(wide)
    assert layout_of([[Text("x"), Text("1")]]).parts == ((0, 1),)
