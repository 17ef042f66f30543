from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.protocols import read_protocol
from harness.protocols.distribution_shift import DistributionShift
from harness.protocols.domain_and_class import DomainAndClass
from harness.protocols.few_shot import FewShot
from harness.protocols.trial import Trial
from harness.store.records import Score
from tests.protocols.toys import Grouped, Official, one


def test_it_trains_as_the_other_and_scores_the_validation_parts() -> None:
    data, other = Official(), FewShot(shots=3, test_resize="bilinear")
    trial = Trial.within(other)
    assert (trial.shots, trial.test_resize) == (3, "bilinear")
    assert trial.targets_of(data, ["all"]) == ["official"]
    assert trial.sources(data, "official", 5) == other.sources(data, "official", 5)
    assert trial.training_images(data, "official") == 3 * 7
    tested = one(trial.test_sets(data, "official", 5))
    assert tested == other.sources(data, "official", 5).val["official"]
    assert trial.only_tested()
    assert not trial.same_images()


def test_classes_left_out_are_not_tested_and_a_source_is_filled_in() -> None:
    data = Grouped()
    (tested,) = Trial.within(DomainAndClass()).test_sets(data, "a", 0)
    assert tested.class_names == ("w", "x")
    assert {s.domain for s in tested.samples} == {"b", "c"}
    shift = Trial.within(DistributionShift(source="b", shots=2)).completed(data)
    assert shift.targets_of(data, ["all"]) == ["a+c"]
    assert {s.domain for s in one(shift.test_sets(data, "a+c", 0))} == {"b"}


def test_its_words_name_the_other_and_its_cell_is_one() -> None:
    trial = Trial.within(FewShot(shots=2))
    assert trial.setting_words() == ["within few_shot", "up to 2 images a class"]
    assert "no test image read" in trial.tested_words()
    assert trial.measured("a", {"validation": Score(correct=1, n=4)}) == {("a", "accuracy"): 0.25}


def test_it_is_read_back_as_it_was_written() -> None:
    trial = Trial.within(FewShot(shots=2))
    again = read_protocol(trial.model_dump(mode="json"))
    assert again == trial
    assert isinstance(again, Trial)
    assert isinstance(again.of, FewShot)


def test_a_protocol_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"unknown protocol\.of 'few_shots': did you mean few_shot"):
        read_protocol({"name": "trial", "of": {"name": "few_shots"}})
