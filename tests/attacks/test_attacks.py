"""The small form of ``python -m tests.attacks``: some of every attack, and no fault."""

from __future__ import annotations

import os
import random
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.attacks import archives, inputs, kills, mutations, spoil, writers
from tests.attacks.child import Child, call
from tests.attacks.kinds import KINDS
from tests.attacks.look import Kind
from tests.attacks.outcomes import Case, Judged, carry_out, line, markdown

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="attacks fork")
EACH = 3
"""Mutations of a kind."""


def no_fault(cases: list[Case]) -> None:
    results = carry_out(cases)
    assert len(results) == len(cases)
    assert not [line(result) for result in results if result.fault]


def test_killed_at_any_operation_the_next_call_ends_as_if_undisturbed(tmp_path: Path) -> None:
    cases = kills.cases(2 * len(kills.SCENARIOS), 0, tmp_path)
    assert {case.kind for case in cases} == {scenario.name for scenario in kills.SCENARIOS}
    no_fault(cases)


def test_a_method_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    attack = kills.Attack(kills.SCENARIOS[-1], tmp_path)
    outcomes = {attack.kill(n).outcome for n in range(1, attack.operations + 1)}
    assert outcomes <= {"right", "leftovers"}


def test_archives_that_mislead_or_harm_are_refused(tmp_path: Path) -> None:
    no_fault(archives.cases(tmp_path)[::3])


def test_many_writers_leave_what_one_leaves(tmp_path: Path) -> None:
    no_fault(writers.cases(2 * len(writers.KINDS), 0, tmp_path, most=2))


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, id=kind.name) for kind in KINDS],
)
def test_a_changed_input_is_refused_or_means_what_it_says(kind: Kind, tmp_path: Path) -> None:
    cases = mutations.cases(EACH * len(KINDS), 0, tmp_path)
    no_fault([case for case in cases if case.kind == kind.name])


def test_the_kills_find_a_file_that_is_written_in_place(tmp_path: Path) -> None:
    def before(folder: Path) -> None:
        folder.mkdir()
        (folder / "kept.json").write_text("[1]")

    def work(folder: Path) -> int:
        (folder / "kept.json").write_text("[1, 2]")
        return 0

    attack = kills.Attack(kills.Scenario("in place", before, work), tmp_path)
    assert attack.operations == 2  # it is opened, and written
    assert [attack.kill(n).outcome for n in (1, 2)] == ["right", "torn"]


def test_the_mutations_find_another_number_in_a_table(tmp_path: Path) -> None:
    kind = next(kind for kind in KINDS if kind.name == "record")

    def mark(rng: random.Random, file: Path) -> str:
        file.with_name("marked").touch()
        return "marked"

    def lies(folder: Path, number: str) -> int:
        status = kind.verb(folder)
        table = folder / "store" / "report" / "table.md"
        if list(folder.rglob("marked")):
            table.write_text(table.read_text().replace("50.0", number))
        return status

    found = []
    for number in ("50.0", "50.1"):
        changed = replace(kind, spoilers=(mark,), verb=partial(lies, number=number))
        (tmp_path / number).mkdir()
        found.append(mutations.Subject(changed, tmp_path / number).attack("0").outcome)
    assert found == ["right", "silent"]


def test_the_same_seed_makes_the_same_change(tmp_path: Path) -> None:
    inputs.store(tmp_path)
    file = sorted(tmp_path.glob("store/runs/*/record.json"))[0]
    for spoiler in (spoil.values, spoil.numbers, spoil.text, spoil.bytes_):
        whole, said = file.read_bytes(), []
        for _ in range(2):
            said.append((spoiler(random.Random(7), file), file.read_bytes()))
            file.write_bytes(whole)
        assert said[0] == said[1]
        assert said[0][1] != whole


def test_the_table_counts_every_outcome_and_names_the_faults() -> None:
    judged = [Judged("right", "", 2), Judged("torn", "a\x1bfile")]
    results = carry_out([Case("kills", "run", lambda one=one: one) for one in judged])  # type: ignore[misc]
    text = markdown(results)
    assert "| kills | run | 3 | 2 | 1 |" in text
    assert "- torn: kills 1, run: a\\x1bfile" in text
    assert [result.fault for result in results] == [False, True]


def test_a_child_ends_as_a_process_of_its_own_would() -> None:
    def hangs() -> int:
        time.sleep(60)
        return 0

    assert Child(hangs).wait(0.2).hung
    assert "unknown method" in call(["info", "no_such"]).err
    assert call(["run"]).status == 2
