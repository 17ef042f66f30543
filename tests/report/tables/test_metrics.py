"""Measures beyond accuracy in a report, against sums written out here."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.protocols.distribution_shift import DistributionShift
from harness.protocols.domain_and_class import DomainAndClass
from harness.protocols.open_class import OpenClass
from harness.report.build import Choice, report_blocks
from harness.report.tables.caption import caption_text
from harness.report.tables.model import Cell, Table
from harness.specs import RunSpec
from harness.store.records import Score
from harness.store.store import Store
from tests.report.fakes import add, keep, packed, record, spec

RNG = np.random.default_rng(5)
Arrays = dict[str, Any]


def drawn(n: int, classes: int = 5) -> Arrays:
    """Unbalanced labels, and scores as they come out of half precision."""
    label = np.minimum(RNG.geometric(0.5, n) - 1, classes - 1)
    prediction = np.where(RNG.random(n) < 0.6, label, RNG.integers(0, classes, n))
    sure = 1 - RNG.random(n)
    return {
        "label": label,
        "prediction": prediction,
        "confidence": sure.astype(np.float16),
        "score": RNG.random(n).astype(np.float16).round(2),
        "log_probability": np.log(np.where(label == prediction, sure, sure / 9)),
    }


def write(store: Store, run: RunSpec, sets: dict[str, Arrays]) -> None:
    made = record(run, 1)
    tests = {
        name: Score(correct=int((a["label"] == a["prediction"]).sum()), n=len(a["label"]))
        for name, a in sets.items()
    }
    metrics = made.metrics.model_copy(update={"tests": tests})
    joined = {key: np.concatenate([a[key] for a in sets.values()]) for key in drawn(1)}
    test = np.concatenate([np.full(len(a["label"]), i) for i, a in enumerate(sets.values())])
    keep(store, made.model_copy(update={"metrics": metrics}), packed(**joined, test=test))


def beyond_of(store: Store, measure: str = "accuracy", **options: Any) -> Table | None:
    (part,) = [
        p for p in report_blocks(store, Choice(**options)) if p.table.key["measure"] == measure
    ]
    return part.beyond


def cells(table: Table | None, label: str) -> dict[str, Cell]:
    assert table is not None
    (row,) = [row for row in table.rows if row.label == label]
    return dict(zip(table.domains, row.cells, strict=True))


def accuracy(a: Arrays) -> float:
    return 100 * float(np.mean(a["label"] == a["prediction"]))


def macro(a: Arrays) -> float:
    own = [a["prediction"][a["label"] == c] == c for c in sorted(set(a["label"]))]
    return 100 * statistics.fmean(float(np.mean(right)) for right in own)


def ece(a: Arrays) -> float:
    total = 0.0
    for m in range(15):
        inside = [
            i
            for i, c in enumerate(a["confidence"])
            if m / 15 < float(c) <= (m + 1) / 15 or (m == 0 and c == 0)
        ]
        total += abs(
            sum(
                float(a["label"][i] == a["prediction"][i]) - float(a["confidence"][i])
                for i in inside
            )
        )
    return 100 * total / len(a["label"])


def nll(a: Arrays) -> float:
    return -100 * float(np.mean(a["log_probability"]))


def fpr95_of(known: Any, unknown: Any) -> float:
    """Try each score as a threshold."""
    kept = [t for t in known if np.mean(known >= t) >= 0.95]
    return 100 * float(np.mean(unknown >= max(kept)))


def test_means_over_domains_within_each_seed_then_over_seeds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = {(m, d, s): drawn(90) for m in "ab" for d in "xyz" for s in range(3)}
    for (m, d, s), arrays in made.items():
        write(store, spec(m, d, s, method=m), {"target": arrays})
    table = beyond_of(store)
    for m in "ab":
        own = cells(table, m)
        assert list(own) == ["worst domain", "per class", "ECE", "NLL"]
        for name, measure in (("per class", macro), ("ECE", ece), ("NLL", nll)):
            seeds = [statistics.fmean(measure(made[m, d, s]) for d in "xyz") for s in range(3)]
            assert own[name].mean == pytest.approx(statistics.fmean(seeds))
            assert own[name].spread == pytest.approx(statistics.stdev(seeds))
        worst = [min(accuracy(made[m, d, s]) for d in "xyz") for s in range(3)]
        assert own["worst domain"].mean == pytest.approx(statistics.fmean(worst))
        assert own["worst domain"].complete
    for name in ("ECE", "NLL"):
        errors = {m: cells(table, m)[name] for m in "ab"}
        lowest = min(errors, key=lambda m: errors[m].mean or 0.0)
        assert [m for m in "ab" if errors[m].best] == [lowest]
    assert table is not None
    caption = caption_text(table)
    assert "ECE: expected calibration error in 15 bins, lower is better" in caption
    assert "NLL: negative log-likelihood of the label in hundredths of a nat" in caption


def test_top_5_is_shown_where_it_says_something_and_when_it_is_asked_for(tmp_path: Path) -> None:
    label = np.array([0, 1, 6, 6])
    top = np.array([[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [0, 6, 2, 3, 4]])
    made = packed(label, top[:, 0], top=top, logits=np.zeros((4, 5)))
    store = Store(tmp_path / "seven classes")
    keep(store, record(spec("a"), 1), made)
    assert cells(beyond_of(store), "a")["top-5"].mean == 75
    assert list(cells(beyond_of(store, measures=("ECE",)), "a")) == ["ECE"]
    five = Store(tmp_path / "five classes")
    keep(five, record(spec("a"), 1), packed([0, 4], [0, 0], top=top[:2], logits=top[:2]))
    assert "top-5" not in cells(beyond_of(five), "a")
    assert cells(beyond_of(five, measures=("top-5",)), "a")["top-5"].mean == 100
    before = Store(tmp_path / "not recorded")
    keep(before, record(spec("a"), 1), packed(label, label))
    assert beyond_of(before, measures=("top-5", "NLL")) is None
    with pytest.raises(UserError, match="measure 'top5'"):
        beyond_of(store, measures=("top5",))


def test_unknown_classes_are_told_apart_once_and_by_every_pair(tmp_path: Path) -> None:
    store = Store(tmp_path)
    base, new = drawn(40), drawn(30)
    run = spec("a", "x", protocol=DomainAndClass())
    write(store, run, {"base": base, "open": new})
    pairs = [(float(k > u) + 0.5 * float(k == u)) for k in base["score"] for u in new["score"]]
    own = cells(beyond_of(store, "all"), "a")
    every = ["per class", "ECE", "NLL", "AUROC", "FPR95"]
    assert list(own) == every  # one domain: none is the worst
    assert own["AUROC"].mean == pytest.approx(100 * statistics.fmean(pairs))
    assert own["FPR95"].mean == pytest.approx(fpr95_of(base["score"], new["score"]))
    both = {key: np.concatenate([base[key], new[key]]) for key in base}
    assert own["per class"].mean == pytest.approx(macro(both))
    for measure, arrays in (("base", base), ("open", new)):
        own = cells(beyond_of(store, measure), "a")
        assert list(own) == every[:3]
        assert own["per class"].mean == pytest.approx(macro(arrays))
        assert own["ECE"].mean == pytest.approx(ece(arrays))


def test_open_class_and_distribution_shift_read_their_own_sets(tmp_path: Path) -> None:
    store = Store(tmp_path / "open")
    base, new = drawn(40), drawn(30)
    run = spec("a", "x", protocol=OpenClass())
    write(store, run, {"base": base, "new": new})
    assert list(cells(beyond_of(store, "H"), "a")) == ["AUROC", "FPR95"]
    assert cells(beyond_of(store, "new"), "a")["per class"].mean == pytest.approx(macro(new))
    store = Store(tmp_path / "shift")
    parts = {name: drawn(50) for name in "rsi"}
    shift = DistributionShift(source="i")
    write(store, spec("a", "r+s", protocol=shift), parts)
    own = cells(beyond_of(store), "a")
    assert own["ECE"].mean == pytest.approx(statistics.fmean(ece(parts[d]) for d in "rs"))
    source = cells(beyond_of(store, "source"), "a")
    assert source["ECE"].mean == pytest.approx(ece(parts["i"]))


def test_missing_predictions_are_holes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for m in "ab":
        for s in range(2):
            write(store, spec(m, "x", s, method=m), {"target": drawn(20)})
    ids = {(r.spec.method, r.spec.seed): r.id for r in store.records()}
    (store.run_dir(ids["a", 0]) / "predictions.npz").write_bytes(b"")
    (store.run_dir(ids["b", 0]) / "predictions.npz").unlink()
    (store.run_dir(ids["b", 1]) / "predictions.npz").write_bytes(b"PK\3\4 but no more")
    table = beyond_of(store)
    assert (cells(table, "a")["ECE"].n, cells(table, "a")["ECE"].n_missing) == (1, 1)
    assert cells(table, "b")["ECE"].mean is None


def test_without_any_number_there_is_no_table(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, spec("a", "x"), 1000)
    assert beyond_of(store) is None
    write(store, spec("a", "x", 1), {"target": drawn(20)})
    assert beyond_of(store, score="source_val") is None
    assert beyond_of(store, evidence=False) is None
