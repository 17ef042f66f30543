from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.caption import caption_text, with_initials
from harness.report.tables.model import Table
from harness.report.text.grid import to_csv
from harness.report.text.tables import lines, to_latex, to_markdown, to_terminal
from harness.store.store import Store
from tests.report.fakes import DOMAINS, add, fill, realistic, spec

HOSTILE = [
    "a|b",
    r"a\|b",
    "100% & {more} $x^2$ #1 ~_~",
    "<script>alert(1)</script> &amp;",
    "*star* _under_ `code` [link](http://x)",
    "[1cm] --- \"quoted\" 'x' ``y''",
    "[red]not red[/red]",
    r"\input{secret}",
    "two\nlines\tand\x00nul",
    "Größe 模型 ±",
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return summarise(load_frame(realistic(tmp_path_factory.mktemp("real"))))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Table:
    store = Store(tmp_path_factory.mktemp("hostile"))
    for i, name in enumerate(HOSTILE):
        for seed in (0, 1):
            add(store, spec(name, r"do|main_$\x", seed, config={"i": i}), 1000 + 10 * i + seed)
    return summarise(load_frame(store))


def test_markdown_shows_the_numbers_and_the_best(table: Table) -> None:
    lines = to_markdown(table).splitlines()
    assert lines[0].split() == ["|", "method", "|", *" | ".join(DOMAINS).split(), "|", "mean", "|"]
    (best,) = [line for line in lines if line.startswith("| AlignCLIP")]
    assert best.count("**") == 10
    assert "**47.2** ± 0.1" in best


def test_markdown_renders_hostile_names_as_they_are(hostile: Table) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(hostile))
    cells = [token for token in tokens if token.type == "inline"][:-1]  # the last: the caption
    texts = ["".join(child.content for child in cell.children or []) for cell in cells]
    assert all(
        child.type in {"text", "text_special", "strong_open", "strong_close"}
        for cell in cells
        for child in cell.children or []
    )
    assert len(texts) == 2 * (1 + len(HOSTILE))
    assert {row.label for row in hostile.rows} == set(texts[2::2])
    assert texts[1] == hostile.domains[0]


def test_csv_comes_back_with_pandas(table: Table) -> None:
    frame = pd.read_csv(io.StringIO(to_csv(lines(table))))
    assert len(frame) == 7 * 5
    for row in table.rows:
        for domain, cell in zip((*DOMAINS, "mean"), table.cells(row), strict=True):
            line = frame[(frame["method"] == row.label) & (frame["domain"] == domain)].iloc[0]
            spread = None if pd.isna(line["spread"]) else line["spread"]
            assert (line["mean"], spread, line["seeds"]) == (cell.mean, cell.spread, cell.n)
            assert (line["spread_kind"], line["missing"]) == ("std", 0)


def test_csv_of_several_tables_has_one_header(table: Table, hostile: Table) -> None:
    together = to_csv(lines(table, hostile))
    assert together == to_csv(lines(table)) + to_csv(lines(hostile)).split("\n", 1)[1]


def test_csv_keeps_hostile_names(hostile: Table) -> None:
    frame = pd.read_csv(io.StringIO(to_csv(lines(hostile))))
    assert set(frame["method"]) == {row.label for row in hostile.rows}


@pytest.mark.parametrize("name", ["table", "hostile"])
def test_latex_is_well_formed(name: str, request: pytest.FixtureRequest) -> None:
    table: Table = request.getfixturevalue(name)
    text = to_latex(table)
    bare = re.sub(r"\\[\\{}$&#_%]", lambda m: "\n" if m[0] == r"\\" else "", text)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    for part in ("table", "tabular"):
        assert bare.count(rf"\begin{{{part}}}") == bare.count(rf"\end{{{part}}}") == 1
    columns = re.search(r"\\begin\{tabular\}\{([lp]c*)\}", re.sub(r"p\{.*?pt\}", "p", text))
    assert columns is not None
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    lines = [line for line in body.splitlines() if line.endswith(r" \\")]
    assert len(lines) == 1 + len(table.rows)
    for line in lines:
        unescaped = re.sub(r"\\[\\&%#$_{}]", "", line)
        assert unescaped.count("&") == len(columns[1]) - 1
        assert "%" not in unescaped
        assert not line.startswith(("[", "*"))  # arguments of the row's end before
    allowed = (
        r"begin end centering caption label toprule midrule bottomrule textbf scriptsize pm "
        r"textbackslash textasciitilde textasciicircum textless textgreater textbar "
        r"textasciigrave ensuremath small footnotesize setlength tabcolsep par smallskip linewidth "
        r"raggedright allowbreak"
    )
    code = re.sub(r"^%.*\n", "", text, flags=re.MULTILINE).replace(r"\\", "")
    assert set(re.findall(r"\\([A-Za-z]+)", code)) <= set(allowed.split())


def test_latex_marks_the_best(table: Table) -> None:
    assert r"\textbf{47.2} {\scriptsize$\pm$ 0.1} \\" in to_latex(table)


def test_terminal_reads_no_markup_in_names(hostile: Table) -> None:
    out = io.StringIO()
    Console(file=out, width=200).print(to_terminal(hostile))
    assert "[red]not red[/red]" in out.getvalue()


def test_terminal_cuts_no_number_when_narrow(table: Table) -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(to_terminal(table, 80))
    assert "…" not in out.getvalue()
    for part in ("47.2", "± 0.1", " alignclip[aal=false]  ", " openmoji_line "):
        assert part in out.getvalue()


def test_caption_says_all_a_reader_needs(table: Table) -> None:
    text = caption_text(table)
    for part in (
        "on emoji",
        "leave one domain out",
        "tested on all images",
        "tiny-emoji (fp32)",
        "± sample standard deviation over n = 3 seeds",
        "last (zero-shot CLIP, full fine-tuning, CoOp)",
        "averaged (CLIPood, AlignCLIP",
    ):
        assert part in text
    assert "missing" not in text


def test_caption_of_one_seed_and_of_holes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000,)}})
    store.fail(spec("a", "y", method="a"), "E: no", "", "now")
    text = caption_text(summarise(load_frame(store)))
    assert "One seed (n = 1), so no ±." in text
    assert "Of 2 runs, 1 failed." in text


def test_initials_only_if_asked_and_told_apart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"art": (1,), "clipart": (1,), "cartoon": (1,), "mean": (1,)}})
    table = summarise(load_frame(store))
    assert table.heads == table.domains
    short = with_initials(table)
    assert short.heads == ("A", "Ca", "Cl", "M")
    assert "A art, Ca cartoon" in caption_text(short)
    assert to_markdown(short).splitlines()[0].endswith("| mean over domains |")


@pytest.fixture
def holed(tmp_path: Path) -> Table:
    """One row is complete, one failed in a domain and misses a seed in the other."""
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000, 1010), "y": (900, 910)}, "b": {"y": (800,)}})
    for seed in (0, 1):
        store.fail(spec("b", "x", seed, method="b"), "E: no", "", "now")
    return summarise(load_frame(store))


def test_csv_counts_what_is_missing_and_what_of_it_failed(holed: Table) -> None:
    frame = pd.read_csv(io.StringIO(to_csv(lines(holed)))).set_index(["method", "domain"])
    found = frame[["seeds", "missing", "failed"]]
    assert found.loc["b", "x"].tolist() == [0, 2, 2]
    assert found.loc["b", "y"].tolist() == [1, 1, 0]
    assert found.loc["a", "x"].tolist() == [2, 0, 0]


def test_the_terminal_shows_failures_in_red_and_the_best_in_bold(
    holed: Table, table: Table
) -> None:
    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=True, color_system="standard")
    console.print(to_terminal(holed))
    assert re.search(r"\x1b\[31m *failed", out.getvalue())
    assert "leave one domain out" in out.getvalue().splitlines()[0]  # the title
    console.print(to_terminal(table))
    assert re.search(r"\x1b\[1m *47\.2", out.getvalue())


def test_latex_has_a_capital_and_the_label_asked_for(table: Table) -> None:
    text = to_latex(table, "tab:mine")
    assert r"\label{tab:mine}" in text
    assert "\nMethod & " in text
    assert to_markdown(table).startswith("| method ")


def test_a_deterministic_row_has_no_spread_in_any_format(table: Table) -> None:
    out = io.StringIO()
    Console(file=out, width=250).print(to_terminal(table))
    line = next(line for line in to_markdown(table).splitlines() if "zero-shot" in line)
    assert "34.1 |" in line
    assert "± 0.0" not in line
    assert r"zero-shot CLIP & 34.1 & 41.7 & 25.4 & 44.2 & 36.4 \\" in to_latex(table)
    frame = pd.read_csv(io.StringIO(to_csv(lines(table)))).set_index("method")
    assert frame.loc["zero-shot CLIP", "spread"].isna().all()
    assert (frame.loc["zero-shot CLIP", "seeds"] == 3).all()
    for text in (to_markdown(table), to_latex(table), " ".join(out.getvalue().split())):
        assert "Deterministic, so no" in text


def test_a_file_of_the_terminal_says_nothing_of_bold(table: Table) -> None:
    out = io.StringIO()
    Console(file=out, width=250).print(to_terminal(table, bold=False))
    assert "Bold" not in out.getvalue()
    assert "Bold" in caption_text(table)
