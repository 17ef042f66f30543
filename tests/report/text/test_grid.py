"""One small grid through every writer, byte for byte."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest
from rich.console import Console

from harness.report.text import grid
from harness.report.text.grid import Grid, GridCell, cells

SMALL = Grid(
    head=("method", "a|b", "gain"),
    rows=(
        (GridCell("x_1"), GridCell("47.2", "± 0.4", "(2/3)", best=True), GridCell("–")),
        (
            GridCell("[red]y"),
            GridCell("7.0", note="†"),
            GridCell("-1.0 to +2.0", signed=True, style="green"),
        ),
    ),
    align="lcr",
    caption="All in %.",
    label="tab:small",
    title="A title",
)


def shown(table: object, width: int = 60) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines() if line.strip()]


def test_markdown_pads_columns_and_puts_the_caption_below() -> None:
    assert grid.to_markdown(SMALL) == (
        "| method   |                 a\\|b |         gain |\n"
        "| :------- | -------------------: | -----------: |\n"
        "| x_1      | **47.2** ± 0.4 (2/3) |            – |\n"
        "| \\[red\\]y |                7.0 † | -1.0 to +2.0 |\n"
        "\n"
        "All in %.\n"
    )


def test_markdown_with_a_rule_of_its_own_pads_nothing() -> None:
    lines = grid.to_markdown(SMALL, rule=4).splitlines()
    assert lines[:3] == [
        r"| method | a\|b | gain |",
        "| :--- | ---: | ---: |",
        "| x_1 | **47.2** ± 0.4 (2/3) | – |",
    ]


def test_a_grid_without_caption_ends_with_its_last_row() -> None:
    bare = Grid(("one",), (cells(["x"]),), "l")
    assert grid.to_markdown(bare) == "| one |\n| :-- |\n| x   |\n"


def test_latex_sets_best_spread_note_and_signs() -> None:
    assert grid.to_latex(SMALL) == (
        "% needs \\usepackage{booktabs}\n"
        "\\begin{table}[t]\n\\centering\n"
        "\\caption{All in \\%.}\n\\label{tab:small}\n"
        "\\begin{tabular}{lcr}\n\\toprule\n"
        "method & a\\textbar{}b & gain \\\\\n\\midrule\n"
        "x\\_1 & \\textbf{47.2} {\\scriptsize$\\pm$ 0.4} {\\scriptsize (2/3)} & -- \\\\\n"
        "{[}red{]}y & 7.0 {\\scriptsize \\ensuremath{\\dagger}} & $-1.0$ to $+2.0$ \\\\\n"
        "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
    )


def test_latex_says_once_what_several_tables_need() -> None:
    wide = Grid(("one",), (cells(["x" * 90]),), "l", "c", "short", "the rest")
    text = grid.to_latex(SMALL, wide)
    assert text.count("% needs") == 1
    first, second = text.split(r"\end{table}")[:2]
    assert "tabcolsep" not in first
    assert "\\caption{short}\n\\label{}\n\\" in second
    below = second.split("\\end{tabular}\n")[1]
    notes = "\\begin{minipage}{\\linewidth}\\footnotesize\nthe rest\n\\end{minipage}\n"
    assert below == f"\\par\\smallskip\n{notes}"


def test_csv_keeps_every_digit_and_leaves_none_empty() -> None:
    text = grid.to_csv(grid.Lines(["a", "b", "c", "d"], [[1 / 3, None, 'x,"y"\nz', True]]))
    assert text.startswith("a,b,c,d\n0.3333333333333333,,")
    ((first, second, third, fourth),) = list(csv.reader(io.StringIO(text)))[1:]
    assert (float(first), second, third, fourth) == (1 / 3, "", 'x,"y"\nz', "True")


def test_json_keeps_names_as_they_are_and_has_no_number_that_json_lacks() -> None:
    head = ["class", "mean", "n"]
    rows = [["007", 1 / 3, np.int64(2)], ["nan", math.nan, 3], ["=1+1", np.float64(math.inf), None]]
    assert json.loads(grid.to_json(grid.Lines(head, rows))) == [
        {"class": "007", "mean": 1 / 3, "n": 2},
        {"class": "nan", "mean": None, "n": 3},
        {"class": "=1+1", "mean": None, "n": None},
    ]


def test_terminal_shows_title_cells_and_caption_and_reads_no_markup() -> None:
    lines = shown(grid.to_terminal(SMALL))
    assert lines[0] == "A title"
    assert lines[1].split() == ["method", "a|b", "gain"]
    assert lines[3].split() == ["x_1", "47.2", "±", "0.4", "(2/3)", "–"]
    assert lines[4].split() == ["[red]y", "7.0", "†", "-1.0", "to", "+2.0"]
    assert lines[-1] == "All in %."


def test_terminal_aligns_numbers_to_the_right() -> None:
    lines = shown(grid.to_terminal(SMALL))
    assert lines[3].index("(2/3)") + len("(2/3)") == lines[4].index("†") + 1
    assert len(lines[3]) == len(lines[4])
    assert lines[1].startswith(" method ")


def test_terminal_styles_the_best_and_what_the_cell_asks_for() -> None:
    console = Console(file=io.StringIO(), width=60, force_terminal=True, color_system="standard")
    console.print(grid.to_terminal(SMALL))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[1m47.2\x1b[0m" in text
    assert "\x1b[2m ± 0.4\x1b[0m" in text
    assert "\x1b[32m-1.0 to +2.0\x1b[0m" in text


def test_a_narrow_terminal_gets_spreads_below_their_numbers() -> None:
    wide, narrow = (shown(grid.to_terminal(SMALL, width)) for width in (60, 30))
    assert len(narrow) == len(wide) + 2 + 1  # spread and note of a cell, note of another
    assert shown(grid.to_terminal(SMALL, 60)) == shown(grid.to_terminal(SMALL))


def test_layout_is_rich_s_own() -> None:
    table = grid.to_terminal(SMALL, title_justify="center", pad_edge=True)
    assert (table.title_justify, table.pad_edge, table.caption_justify) == ("center", True, "left")


def test_no_number_is_cut_however_narrow_the_terminal() -> None:
    lines = shown(grid.to_terminal(SMALL, 16), 16)
    assert "…" not in "".join(lines)


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "@SUM(A1)", "+1", "-2"])
def test_a_name_is_no_formula_in_a_spreadsheet_and_a_number_stays_one(name: str) -> None:
    head, row = csv.reader(io.StringIO(grid.to_csv(grid.Lines([name, "x"], [[name, -2.5]]))))
    assert head == [f"'{name}", "x"]
    assert row == [f"'{name}", "-2.5"]
