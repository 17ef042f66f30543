from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness import resources
from harness.errors import UserError
from harness.execution.run import Shared, execute
from harness.protocols import read_protocol
from harness.protocols.corruptions import KINDS, Corruptions
from harness.report.runs.frame import load_frame
from harness.store.records import Score
from harness.store.store import Store
from tests.engine import make_context, make_spec
from tests.protocols.toys import Grouped, Official


def test_clean_images_train_and_the_test_images_are_tested_under_each_kind() -> None:
    data = Official()
    protocol = Corruptions(severities=(2, 4))
    sources = protocol.sources(data, "all", 0)
    assert {s.split for s in sources.train["official"]} == {"train"}
    assert not any(s.corruption for part in sources.train.values() for s in part)
    tested = {test.name: test for test in protocol.test_sets(data, "all", 0)}
    assert list(tested) == [*KINDS, "clean"]
    clean = tested["clean"].samples
    assert [s.key for s in clean] == [s.key for s in data.samples("") if s.split == "test"]
    fog = tested["fog"].samples
    assert [s.corruption for s in fog] == ["fog 2"] * len(clean) + ["fog 4"] * len(clean)
    assert [s.key for s in fog] == [s.key for s in clean] * 2
    assert {test.class_names for test in tested.values()} == {data.class_names}


def test_where_the_protocol_splits_no_trained_image_is_tested() -> None:
    data = Grouped()
    protocol = Corruptions()
    sources = protocol.sources(data, "fog", 3)
    assert list(sources.train) == ["a", "b", "c"]
    used = {s.key for part in (sources.train, sources.val) for own in part.values() for s in own}
    tested = protocol.test_sets(data, "fog", 3)
    assert [len(test.samples) for test in tested] == [5 * 3 * 4, 3 * 4]
    assert not used & {s.key for test in tested for s in test.samples}


def test_its_cells_are_means_over_severities() -> None:
    protocol = Corruptions(severities=(1, 5))
    assert protocol.targets_of(Grouped(), ["snow", "fog"]) == ["snow+fog"]
    assert protocol.targets_of(Grouped(), ["fog", "snow"]) == ["snow+fog"]
    for asked in (["all"], KINDS):
        assert protocol.targets_of(Grouped(), asked) == ["all"]
    tests = {name: Score(correct=n, n=10) for n, name in enumerate(("snow", "fog", "clean"), 4)}
    assert protocol.measured("snow+fog", tests) == {
        ("snow", "accuracy"): 0.4, ("fog", "accuracy"): 0.5, ("clean", "clean"): 0.6,
    }  # fmt: skip
    assert protocol.headline("snow+fog", tests) == pytest.approx(0.45)
    assert "at severity 1, 5 (plain accuracy" in protocol.tested_words()


@pytest.mark.parametrize(
    ("values", "target", "message"),
    [
        ({}, "fogs", "unknown corruption 'fogs': did you mean fog"),
        ({"severities": []}, "all", "field 'severities' is"),
        ({"severities": 3}, "all", r"field 'severities' is 3: give a list, \[3\]"),
        ({"severities": [6]}, "all", "field 'severities.0' is 6"),
    ],
)
def test_what_is_refused(values: dict[str, object], target: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_protocol({"name": "corruptions", **values}).targets_of(Grouped(), [target])


def test_without_the_package_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecorruptions", None)
    with pytest.raises(UserError, match=r"pip install 'clip-benchmark-harness\[corruptions\]'"):
        Corruptions().targets_of(Grouped(), ["all"])


def test_a_run_of_any_data_set(image_folder: Path, tmp_path: Path) -> None:
    protocol = Corruptions(severities=(5,))
    model = resources.shipped("models") / "tiny-emoji"
    specs = [
        make_spec(method, image_folder, model, "impulse_noise+fog", protocol=protocol)
        for method in ("zero_shot", "finetune")
    ]
    store = Store(tmp_path / "store")
    for spec in specs:
        execute(spec, Shared(make_context(store.root, image_folder, cache=tmp_path / "cache")))
    again = Store(tmp_path / "again")  # without a cache, one thread more
    for spec in specs:
        execute(spec, Shared(make_context(again.root, image_folder, decode_threads=2)))
        one, two = (s.read(spec.id).predictions_sha256 for s in (store, again))
        assert one == two
    frame = load_frame(store)
    assert frame["target"].tolist() == ["impulse_noise", "fog", "clean"] * 2
    assert frame["n"].tolist() == [18] * 6
    assert frame["accuracy"].notna().all()
