from __future__ import annotations

from harness.cost.record import CostReport, ratios
from tests.cost.reports import BRANCHES, report


def test_a_ratio_is_taken_within_a_round() -> None:
    # the machine was half as fast in the second round: no method got slower by that
    assert ratios([200.0, 400.0, 220.0], [100.0, 200.0, 110.0]) == [2.0, 2.0, 2.0]
    assert ratios([], [100.0]) == []


def test_a_report_comes_back_from_its_file() -> None:
    made = report(*BRANCHES)
    assert CostReport.model_validate_json(made.model_dump_json(indent=1)) == made
    assert made.row(BRANCHES[1].label) is made.rows[1]
