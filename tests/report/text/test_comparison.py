"""The comparison of a table's rows, in every format."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from harness.report.build import Choice, report_blocks
from harness.report.comparison.model import TableComparison
from harness.report.text import comparison, grid
from harness.store.store import Store
from tests.report.fakes import fill, realistic


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> TableComparison:
    (part,) = report_blocks(realistic(tmp_path_factory.mktemp("real")), Choice())
    assert part.evidence is not None
    return part.evidence


def test_markdown_gives_the_answer_the_numbers_and_the_legend(evidence: TableComparison) -> None:
    main, leads = comparison.to_markdown(evidence).split("\n| domain")
    assert leads.startswith("        | best      |    % | lead |")
    answer, _, head, rule, *rows = main.splitlines()
    assert answer.startswith(f"{evidence.about}: ")
    titles = ["method", "difference to CLIPood", "95 % CI", "p (Holm)", "verdict", "seeds needed"]
    assert [cell.strip() for cell in head.strip("|").split("|")] == titles
    assert rule.startswith("| :-")
    for line, row in zip(evidence.rows, rows, strict=False):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[1] == f"{line.difference:+.2f}"
        assert cells[4] == line.verdict
        p = "&lt; 0.001" if line.holm_p < 0.001 else f"{line.holm_p:#.3g}"
        assert cells[3] == ("–" if line.verdict == "too few seeds" else p)
    assert rows[-1].startswith("Difference to CLIPood in points.")
    assert "Holm-corrected for 6 comparisons" in rows[-1]


def test_latex_sets_signed_numbers_as_mathematics(evidence: TableComparison) -> None:
    text = comparison.to_latex(evidence, "tab:x")
    assert r"\label{tab:x}" in text
    assert "Method & difference & " in text
    assert r"\caption{Difference to CLIPood in points: emoji, leave one domain out, " in text
    assert "AlignCLIP is best with" in text.split(r"\end{tabular}")[1]
    for line in evidence.rows:
        interval = line.comparison.t
        ends = f"${interval.low:+.2f}$ to ${interval.high:+.2f}$" if interval else "--"
        assert f" & ${line.difference:+.2f}$ & {ends} & " in text


def test_a_label_with_a_sign_is_no_number(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"-1 x": {"x": (1000, 1010, 1020)}, "b": {"x": (1100, 1120, 1130)}})
    (part,) = report_blocks(store, Choice(against="b"))
    assert part.evidence is not None
    assert "\n-1 x & $" in comparison.to_latex(part.evidence)


def test_csv_has_everything_unrounded(evidence: TableComparison) -> None:
    rows = list(csv.DictReader(io.StringIO(grid.to_csv(comparison.lines(evidence)))))
    assert [row["method"] for row in rows] == [line.label for line in evidence.rows]
    for row, line in zip(rows, evidence.rows, strict=True):
        assert float(row["difference"]) == line.difference
        assert line.iqm is not None
        interval = line.comparison.t
        assert row["t_low"] == ("" if interval is None else str(interval.low))
        assert float(row["iqm_high"]) == line.iqm.high
        assert (row["images_difference"], row["images_p"]) == ("", "")
        assert row["reading"] == line.reading


def test_the_terminal_colours_verdicts(evidence: TableComparison) -> None:
    console = Console(file=io.StringIO(), width=160, force_terminal=True, color_system="standard")
    console.print(comparison.to_terminal(evidence))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for verdict in {line.verdict for line in evidence.rows}:
        code = {"better": "32", "worse": "31"}.get(verdict, "2")
        assert re.search(rf"\x1b\[{code}m *{verdict}", text)


def test_too_few_seeds_have_no_p(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000,)}, "b": {"x": (1100,)}})
    (part,) = report_blocks(store, Choice())
    assert part.evidence is not None
    (row,) = [r for r in comparison.to_markdown(part.evidence).splitlines() if r.startswith("| b")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:5] == ["+5.00", "–", "–", "too few seeds"]


def test_of_one_method_only_the_answer_is_left(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000, 1010)}})
    (part,) = report_blocks(store, Choice())
    assert part.evidence is not None
    assert "|" not in comparison.to_markdown(part.evidence)
    assert "nothing to compare" in comparison.to_markdown(part.evidence)
    assert comparison.to_terminal(part.evidence) is None
