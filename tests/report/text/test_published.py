"""What the table of published numbers shows and what is said below it."""

from __future__ import annotations

import csv

from harness.report.published.compare import PublishedCell
from harness.report.published.numbers import load_numbers
from harness.report.text import grid, published

NUMBER = next(n for n in load_numbers() if n.protocol == "domain_shift" and n.method == "CLIPood")
NOTES = ("one seed of ours", "no ± printed")


def cell(verdict: str, **values: object) -> PublishedCell:
    return PublishedCell(NUMBER, verdict, **values)  # type: ignore[arg-type]


REPRODUCED = cell(
    "reproduced",
    notes=NOTES,
    label="CLIPood",
    ours=85.046,
    spread=0.123,
    n=2,
    setting="B",
    difference=0.046,
    tolerance=0.4,
    allowance=0.9,
)
OFF = cell(
    "off",
    notes=NOTES[:1],
    label="mine",
    ours=80.0,
    n=1,
    setting="B",
    difference=-1.3,
    tolerance=0.56,
)
REFUSED = [cell("not comparable", reason="another backbone")] * 2
MISSING = [cell("not run", reason="no such run")]
CELLS = [REPRODUCED, *REFUSED, OFF, *MISSING]


def test_only_compared_cells_are_rows_and_notes_are_numbered_once() -> None:
    rows = [line for line in published.to_markdown(CELLS).splitlines() if line.startswith("| ")]
    assert rows[1] == "| :--- | :--- | ---: | ---: | ---: | ---: | :--- | :--- | :--- |"
    first, second = (row.strip("| ").split(" | ") for row in rows[2:])
    assert first[1:3] == ["CLIPood", "85.05 ± 0.1 (n=2)"]
    assert first[4:7] == ["+0.05", "0.40 (re-run allowance 0.9)", "reproduced"]
    assert first[8] == r"\[1\]\[2\]"
    assert second[1:3] == ["CLIPood (row mine)", "80.00 (n=1)"]
    assert second[4:7] == ["-1.30", "0.56", "off by -1.3"]
    assert second[8] == r"\[1\]"


def test_below_stand_the_rule_the_notes_and_the_rest() -> None:
    rule, *rest = published.below(CELLS)
    assert rule.startswith("Tolerance: ")
    assert rest == [
        "[1] one seed of ours.",
        "[2] no ± printed.",
        "Not comparable: 2 published figures, another backbone.",
        "Not run: 1 published figure.",
    ]


def test_with_nothing_compared_there_is_no_table() -> None:
    text = published.to_markdown(MISSING, "no runs")
    assert text.splitlines()[:3] == [
        "### Published figures beside ours",
        "",
        "No published figure can be compared: no runs.",
    ]
    assert "|" not in text


def test_latex_says_everything_below_the_table() -> None:
    text = published.to_latex(CELLS)
    assert r"\caption{Published figures beside ours.}" in text
    below = text.split(r"\begin{minipage}")[1]
    assert "Tolerance: " in below
    assert "{[}2{]} no" in below


def test_csv_has_every_number_with_all_that_is_known() -> None:
    rows = list(csv.DictReader(grid.to_csv(published.lines(CELLS)).splitlines()))
    assert [row["verdict"] for row in rows] == [c.verdict for c in CELLS]
    ours = (rows[0]["our_method"], rows[0]["our_setting"], rows[0]["our_seeds"])
    assert ours == ("CLIPood", "B", "2")
    assert float(rows[0]["our_mean"]) == REPRODUCED.ours
    assert (rows[0]["our_spread"], rows[3]["our_spread"]) == ("0.123", "")
    assert rows[0]["notes"] == "one seed of ours; no ± printed"
    assert (rows[0]["source"], float(rows[0]["mean"])) == (NUMBER.source, NUMBER.value)
    assert rows[1]["reason"] == "another backbone"


def test_only_compared_cells_are_counted_as_such() -> None:
    assert published.compared(CELLS) == [REPRODUCED, OFF]
