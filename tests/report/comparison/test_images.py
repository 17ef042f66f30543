"""Rows over images: McNemar's test and an interval, from the predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.protocols import read_protocol
from harness.protocols.domain_shift import DomainShift
from harness.report import stats
from harness.report.build import Choice, report_blocks
from harness.report.comparison.images import untrained
from harness.report.runs.frame import load_frame
from harness.report.runs.index import index_of
from harness.store.records import Score
from harness.store.store import Store
from tests.report.comparison.stores import LABELS, RNG, answered, compared, only
from tests.report.fakes import add, keep, packed, record, spec


def test_untrained_methods_are_compared_over_images(tmp_path: Path) -> None:
    store = Store(tmp_path)
    right = {
        (m, d): RNG.random(500) < share
        for m, share in (("zero_shot", 0.5), ("templates", 0.65))
        for d in "xy"
    }
    for (method, domain), answers in right.items():
        for seed in range(3):  # copies of one result
            answered(store, method, domain, answers, seed)
    (line,) = compared(store).rows
    assert line.over_images
    assert line.images is not None
    pairs = [
        stats.ImagePair(d, right["templates", d], right["zero_shot", d], np.arange(500))
        for d in "xy"
    ]
    expected = stats.image_interval(pairs)
    assert expected is not None
    assert line.interval is not None
    ends = line.interval.value, line.interval.low, line.interval.high
    assert ends == pytest.approx([100 * v for v in (expected.value, expected.low, expected.high)])
    assert line.comparison.test.p == pytest.approx(2 * min(stats.mcnemar(pair).p for pair in pairs))
    assert line.images.mcnemar == {pair.task: stats.mcnemar(pair) for pair in pairs}
    assert (line.verdict, line.images.n_images, line.images.n_seeds) == ("better", 1000, 3)
    assert "interval over 1000 images" in line.reading
    table = only(store).table
    assert [row.mean.mark for row in table.rows if row.label == "templates"] == ["†"]
    assert "untrained methods McNemar" in table.note


def test_domains_that_differ_both_ways_are_not_resolved(tmp_path: Path) -> None:
    store = Store(tmp_path)
    up, down = np.arange(500) < 300, np.arange(500) < 200
    for method, (x, y) in {"zero_shot": (down, up), "templates": (up, down)}.items():
        answered(store, method, "x", x)
        answered(store, method, "y", y)
    (line,) = compared(store).rows
    assert line.comparison.test.p < 1e-9
    assert (line.difference, line.verdict) == (0.0, "not resolved")


def test_an_untrained_pair_takes_part_in_the_correction(tmp_path: Path) -> None:
    store = Store(tmp_path)
    base = np.arange(500) < 250
    for seed in range(3):
        for domain in "xy":
            answered(store, "zero_shot", domain, base, seed)
            answered(store, "templates", domain, np.arange(500) < 270, seed)
            answered(store, "tuned", domain, np.arange(500) < 300 + seed, seed)
    out = compared(store)
    raw = [line.comparison.test.p for line in out.rows]
    assert [line.holm_p for line in out.rows] == pytest.approx(stats.holm(raw))
    by_label = {line.label: line for line in out.rows}
    assert by_label["templates"].over_images
    assert not by_label["tuned"].over_images
    assert by_label["tuned"].images is not None


def test_images_of_other_data_seeds_are_not_taken_for_the_same(tmp_path: Path) -> None:
    for test_on, seeds in (("out", 1), ("all", 3)):
        store = Store(tmp_path / test_on)
        for seed in range(3):
            for method, share in (("clipood", 0.5), ("alignclip", 0.6)):
                right = RNG.random(500) < share
                answered(store, method, "x", right, seed, protocol=DomainShift(test_on=test_on))
        (line,) = compared(store).rows
        assert line.images is not None
        assert line.images.n_seeds == seeds


def test_all_classes_are_compared_over_all_their_images_and_a_harmonic_mean_over_none(
    tmp_path: Path,
) -> None:
    for protocol, measures in (
        ("domain_and_class", ("base", "open", "all")),
        ("open_class", ("base", "new", "H")),
    ):
        store = Store(tmp_path / protocol)
        first, second = RNG.random((2, 500)) < [[0.5], [0.6]]
        test = np.arange(500) >= 300
        for method, right in (("clipood", first), ("alignclip", second)):
            run = spec(method, "x", method=method, protocol=read_protocol(protocol))
            made = record(run, 1)
            tests = {
                name: Score(correct=int(right[test == part].sum()), n=int((test == part).sum()))
                for part, name in enumerate(measures[:2])
            }
            metrics = made.metrics.model_copy(update={"tests": tests})
            label = LABELS["x"]
            prediction = np.where(right, label, (label + 1) % 4)
            packed_ = packed(label, prediction, test=test)
            keep(store, made.model_copy(update={"metrics": metrics}), packed_)
        seen = {}
        for part in report_blocks(store, Choice()):
            assert part.evidence is not None
            (line,) = part.evidence.rows
            assert line.difference is not None
            seen[part.table.key["measure"]] = line.images
            if line.images is not None:
                assert line.images.interval.value == pytest.approx(line.difference)
        sizes = {name: images and images.n_images for name, images in seen.items()}
        assert sizes == dict(
            zip(measures, (300, 200, 500 if "all" in measures else None), strict=True)
        )


def test_unreadable_or_other_predictions_are_no_crash(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed in range(2):
        answered(store, "clipood", "x", RNG.random(500) < 0.5, seed)
        answered(store, "alignclip", "x", RNG.random(500) < 0.6, seed)
    assert compared(store).rows[0].images is not None
    (record_,) = [r for r in store.records() if r.spec.method == "alignclip" and r.spec.seed == 0]
    file = store.run_dir(record_.id) / "predictions.npz"
    whole = file.read_bytes()
    for broken in (b"", b"no zip", whole[: len(whole) // 2], packed([1, 2], [1, 2])):
        file.write_bytes(broken)
        again = Store(tmp_path)
        table = only(again).table
        assert (table.n_runs, table.n_failed) == (4, 1)
        assert list(index_of(again).contradictory) == [record_.id]
    file.unlink()
    assert compared(Store(tmp_path)).rows[0].images is None


def test_what_trained_in_any_run_is_trained(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed in range(2):
        answered(store, "zero_shot", "x", RNG.random(500) < 0.5, seed)
        answered(store, "tuned", "x", RNG.random(500) < 0.5, seed)
    add(store, spec("tuned", "y", 5, method="tuned"), 1, trained_parameters=0)
    store.fail(spec("failed", "x", method="failed"), "E: x", "", "now")
    assert untrained(load_frame(store)) == {"zero_shot"}


def test_a_pair_that_does_not_vary_but_is_trained_is_compared_over_seeds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed in range(3):
        answered(store, "zero_shot", "x", np.arange(500) < 200, seed)
        answered(store, "tuned", "x", np.arange(500) < 300, seed)
    for against in ("zero_shot", "tuned"):
        (row,) = compared(store, against=against).rows
        assert not row.over_images
        assert row.images is not None
        assert row.verdict == "too few seeds"


def test_validation_scores_are_over_no_tested_images(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for method in ("zero_shot", "templates"):
        answered(store, method, "x", RNG.random(500) < 0.5)
    assert compared(store).rows[0].images is not None
    (row,) = compared(store, score="source_val").rows
    assert (row.images, row.over_images) == (None, False)
