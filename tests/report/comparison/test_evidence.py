"""A table's rows compared: against direct calls of the statistics on the numbers put in."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.protocols import read_protocol
from harness.protocols.domain_shift import DomainShift
from harness.report import stats
from harness.report.build import Choice, Reported, report_blocks
from harness.report.comparison.evidence import Evidence, evidence
from harness.report.tables.aggregate import labelled, load_frame, summarise
from harness.report.text import comparison as contrast
from harness.report.text.tables import to_csv, to_latex, to_markdown
from harness.report.write import write_report
from harness.specs import DatasetSpec
from harness.store.records import Score
from harness.store.store import Store
from tests.report.fakes import N, add, fill, packed, plan, record, spec

RNG = np.random.default_rng(3)
SCORES = {  # method -> domains x seeds, correct of N
    "finetune": [[1000, 1010, 1004, 996], [900, 908, 905, 890]],
    "clipood": [[1100, 1107, 1105, 1098], [1000, 1012, 1003, 995]],
    "alignclip": [[1160, 1171, 1169, 1155], [1065, 1070, 1072, 1056]],
    "close": [[1104, 1102, 1109, 1099], [1003, 1020, 999, 993]],
}


def filled(root: Path, scores: dict[str, Any] = SCORES) -> Store:
    store = Store(root)
    fill(store, {m: dict(zip("xy", rows, strict=True)) for m, rows in scores.items()})
    runs = [
        spec(m, d, s, method=m)
        for m, rows in scores.items()
        for d, row in zip("xy", rows, strict=True)
        for s in range(len(row))
    ]
    plan(store, "p", runs)
    return store


def only(store: Store, **options: Any) -> Reported:
    (part,) = report_blocks(store, Choice(**options))
    return part


def found(store: Store, **options: Any) -> Evidence:
    out = only(store, **options).evidence
    assert out is not None
    return out


def percent(method: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(SCORES[method]) * 100 / N


def test_numbers_are_those_of_the_statistics(tmp_path: Path) -> None:
    out = found(filled(tmp_path))
    assert out.reference == "clipood"
    assert [line.label for line in out.lines] == ["finetune", "alignclip", "close"]
    gaps = {m: percent(m) - percent("clipood") for m in SCORES if m != "clipood"}
    tests = [stats.paired_test(gap.mean(axis=0), "t") for gap in gaps.values()]
    for line, holm, (method, gap) in zip(
        out.lines, stats.holm([test.p for test in tests]), gaps.items(), strict=True
    ):
        assert line.difference == pytest.approx(gap.mean())
        expected = stats.t_interval(gap.mean(axis=0))
        assert line.interval is not None
        assert expected is not None
        assert line.interval.low == pytest.approx(expected.low)
        assert line.p == pytest.approx(stats.paired_test(gap.mean(axis=0), "t").p)
        assert line.holm_p == pytest.approx(holm)
        assert line.seeds_needed == stats.seeds_needed(gap.mean(axis=0)).text
        middle = stats.iqm(percent(method))
        assert line.iqm is not None
        assert middle is not None
        assert line.iqm.value == pytest.approx(middle.value)
        assert line.images is None  # the fakes have no predictions
    assert [line.verdict for line in out.lines] == ["worse", "better", "not resolved"]


def test_the_difference_is_that_of_the_table(tmp_path: Path) -> None:
    part = only(filled(tmp_path))
    means = {row.label: row.mean.mean for row in part.table.rows}
    assert part.evidence is not None
    for line in part.evidence.lines:
        assert line.difference == pytest.approx(means[line.label] - means["clipood"])  # type: ignore[operator]


def test_marks_are_on_the_means_that_differ_and_nowhere_else(tmp_path: Path) -> None:
    table = only(filled(tmp_path)).table
    marks = {row.label: [cell.mark for cell in table.cells(row)] for row in table.rows}
    assert marks == {
        "finetune": ["", "", "‡"], "clipood": [""] * 3, "alignclip": ["", "", "†"],
        "close": [""] * 3,
    }  # fmt: skip
    text = to_markdown(table)
    assert text.count("†") == 1 + 1  # the cell and the caption
    assert "† better, ‡ worse than clipood (p &lt; 0.05, paired t test, Holm" in text
    assert r"{\scriptsize \ensuremath{\dagger}}" in to_latex(table)
    assert "†" not in to_csv(table)
    assert "†" not in to_markdown(only(filled(tmp_path / "b"), evidence=False).table)


def test_a_table_of_one_domain_carries_the_mark_in_its_column(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {m: {"x": SCORES[m][0]} for m in ("clipood", "alignclip")})
    table = only(store).table
    assert not table.has_mean
    assert {row.label: [c.mark for c in row.cells] for row in table.rows} == {
        "clipood": [""], "alignclip": ["†"],
    }  # fmt: skip
    assert "Holm" not in table.note  # one comparison needs no correction


def test_a_row_that_lacks_a_domain_gets_no_mark(tmp_path: Path) -> None:
    store = filled(tmp_path, {m: SCORES[m] for m in ("clipood", "finetune")})
    runs = [spec("half", "y", s, method="half") for s in range(4)]
    for s in range(4):
        add(store, spec("half", "x", s, method="half"), 1500 + 2 * s)
    plan(store, "q", runs)
    part = only(store)
    assert part.evidence is not None
    line = part.evidence.line("half")
    assert line is not None
    assert line.verdict == "better"
    (row,) = [row for row in part.table.rows if row.label == "half"]
    assert [cell.mark for cell in part.table.cells(row)] == ["", "", ""]


def test_the_answer_names_best_reference_and_second(tmp_path: Path) -> None:
    text = found(filled(tmp_path)).answer
    gap = percent("alignclip") - percent("clipood")
    assert text.startswith(f"alignclip is best with {percent('alignclip').mean():.1f} %, ")
    assert f"{gap.mean():.2f} points over clipood (95 % interval" in text
    assert "more than noise between seeds (p " in text
    second = (percent("alignclip") - percent("close")).mean()
    assert f"{second:.2f} points over the second, close" in text
    against = found(filled(tmp_path / "b"), against="alignclip").answer
    assert f"alignclip is best with {percent('alignclip').mean():.1f} %, {second:.2f}" in against
    assert "more than noise between seeds" in against


def test_what_may_be_noise_is_called_so(tmp_path: Path) -> None:
    out = found(filled(tmp_path, {m: SCORES[m] for m in ("clipood", "close")}))
    gap = (percent("close") - percent("clipood")).mean()
    assert gap > 0
    assert f"close is best with 52.7 %, {gap:.2f} points over clipood" in out.answer
    assert "this may be noise between seeds (p = " in out.answer


def test_one_seed_says_plainly_that_nothing_can_be_said(tmp_path: Path) -> None:
    store = filled(tmp_path, {m: [row[:1] for row in rows] for m, rows in SCORES.items()})
    part = only(store)
    assert part.evidence is not None
    assert part.evidence.why_none.startswith("There is one seed")
    assert part.evidence.why_none in part.evidence.answer
    assert {line.verdict for line in part.evidence.lines} == {"too few seeds"}
    assert part.table.note == ""
    few = found(filled(tmp_path / "b"), test="permutation")
    assert few.why_none.startswith("With 4 seeds no scores at all could give a small enough p")


def test_one_method_says_plainly_that_nothing_can_be_said(tmp_path: Path) -> None:
    store = filled(tmp_path, {"clipood": SCORES["clipood"]})
    files = write_report(store, tmp_path / "out", formats=["md", "csv", "tex"])
    assert [path.name for path in files if path.name.startswith("comparison")] == ["comparison.md"]
    text = (tmp_path / "out" / "comparison.md").read_text()
    why = "Only 'clipood' has results, so there is nothing to compare."
    assert text == f"emoji, leave one domain out, tiny-emoji (fp32): {why}\n"


def test_references_by_strength_by_choice_and_unknown(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert found(store, against="close").reference == "close"
    with pytest.raises(UserError, match="unknown row 'alignclop': did you mean alignclip"):
        found(store, against="alignclop")
    with pytest.raises(UserError, match="unknown row 'closer': did you mean close"):
        evidence(summarise(load_frame(store)), against="closer")
    others = filled(tmp_path / "b", {m: SCORES[m] for m in ("close", "alignclip", "finetune")})
    assert found(others).reference == "finetune"
    none = filled(tmp_path / "c", {m: SCORES[m] for m in ("close", "alignclip")})
    assert found(none).reference == "close"


def test_two_configurations_under_one_label_are_two_rows(tmp_path: Path) -> None:
    store = filled(tmp_path, {"clipood": SCORES["clipood"]})
    for lr in (1, 2):
        for d, row in zip("xy", SCORES["alignclip"], strict=True):
            for s, correct in enumerate(row):
                run = spec("A", d, s, method="alignclip", config={"lr": lr})
                add(store, run, correct + 10 * lr)
    part = only(store)
    assert part.evidence is not None
    assert sorted(line.label for line in part.evidence.lines) == ["A (lr=1)", "A (lr=2)"]
    assert list(dict.fromkeys(part.frame["label"])) == [row.label for row in part.table.rows]


LABELS = {d: RNG.integers(0, 4, 500) for d in "xy"}


def answered(store: Store, method: str, domain: str, right: Any, seed: int = 0, **of: Any) -> None:
    label = LABELS[domain]
    run = spec(method, domain, seed, method=method, **of)
    made = record(run, int(right.sum()), len(label))
    if method not in ("zero_shot", "templates"):
        made = made.model_copy(update={"trained_parameters": 7})
    else:
        made = made.model_copy(update={"trained_parameters": 0})
    assert store.write(made, packed(label, np.where(right, label, (label + 1) % 4)))


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
    (line,) = found(store).lines
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
    assert line.p == pytest.approx(2 * min(stats.mcnemar(pair).p for pair in pairs))
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
    (line,) = found(store).lines
    assert line.p < 1e-9
    assert (line.difference, line.verdict) == (0.0, "not resolved")


def test_an_untrained_pair_takes_part_in_the_correction(tmp_path: Path) -> None:
    store = Store(tmp_path)
    base = np.arange(500) < 250
    for seed in range(3):
        for domain in "xy":
            answered(store, "zero_shot", domain, base, seed)
            answered(store, "templates", domain, np.arange(500) < 270, seed)
            answered(store, "tuned", domain, np.arange(500) < 300 + seed, seed)
    out = found(store)
    raw = [line.p for line in out.lines]
    assert [line.holm_p for line in out.lines] == pytest.approx(stats.holm(raw))
    by_label = {line.label: line for line in out.lines}
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
        (line,) = found(store).lines
        assert line.images is not None
        assert line.images.n_seeds == seeds


def test_all_classes_are_compared_over_all_their_images_and_a_harmonic_mean_over_none(
    tmp_path: Path,
) -> None:
    for protocol, measures in (("domain_and_class", ("base", "open", "all")),
                               ("open_class", ("base", "new", "H"))):  # fmt: skip
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
            assert store.write(made.model_copy(update={"metrics": metrics}), packed_)
        seen = {}
        for part in report_blocks(store, Choice()):
            assert part.evidence is not None
            (line,) = part.evidence.lines
            assert line.difference is not None
            seen[part.table.key["measure"]] = line.images
            if line.images is not None:
                assert line.images.interval.value == pytest.approx(line.difference)
        sizes = {name: images and images.n_images for name, images in seen.items()}
        assert sizes == dict(zip(measures, (300, 200, 500 if "all" in measures else None),
                                 strict=True))  # fmt: skip


def test_unreadable_or_other_predictions_are_no_crash(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed in range(2):
        answered(store, "clipood", "x", RNG.random(500) < 0.5, seed)
        answered(store, "alignclip", "x", RNG.random(500) < 0.6, seed)
    assert found(store).lines[0].images is not None
    (record_,) = [r for r in store.records() if r.spec.method == "alignclip" and r.spec.seed == 0]
    file = store.run_dir(record_.id) / "predictions.npz"
    whole = file.read_bytes()
    for broken in (b"", b"no zip", whole[: len(whole) // 2], packed([1, 2], [1, 2])):
        file.write_bytes(broken)
        assert found(store).lines[0].images is None
    file.unlink()
    assert found(store).lines[0].images is None


def test_over_data_sets_the_pairs_are_those_of_the_mean_column(tmp_path: Path) -> None:
    store = Store(tmp_path)
    runs, values = [], {}
    for d, dataset in enumerate(("PACS", "VLCS")):
        for method, gain in (("clipood", 0), ("alignclip", 40)):
            for domain in range(2 + d):
                for seed in range(3):
                    run = spec(method, f"d{domain}", seed, method=method,
                               dataset=DatasetSpec(name=dataset))  # fmt: skip
                    correct = 1000 + gain * (1 + d) + int(RNG.integers(0, 9)) + 20 * domain
                    add(store, run, correct)
                    runs.append(run)
                    values.setdefault((method, dataset, seed), []).append(100 * correct / N)
    asked = {"kind": "table", "name": "main", "over": "datasets"}
    plan(store, "all", runs, [asked, {"kind": "table", "name": "side", "over": "measures"}])
    names = {path.name for path in write_report(store, tmp_path / "out", None, ["md", "csv"])}
    assert {"comparison-main.csv", "comparison-pacs.csv", "beyond-vlcs.md"} <= names
    assert not any(name.startswith("comparison-side") for name in names)
    (row,) = csv.DictReader((tmp_path / "out" / "comparison-main.csv").open())
    per_seed = [
        np.mean([np.mean(values["alignclip", d, s]) - np.mean(values["clipood", d, s])
                 for d in ("PACS", "VLCS")]) for s in range(3)
    ]  # fmt: skip
    interval = stats.t_interval(np.array(per_seed))
    assert interval is not None
    assert float(row["difference"]) == pytest.approx(np.mean(per_seed))
    assert float(row["t_low"]) == pytest.approx(interval.low)
    assert "†" in (tmp_path / "out" / "table-main.md").read_text()


def test_renderings_agree(tmp_path: Path) -> None:
    out = found(filled(tmp_path))
    text = contrast.to_markdown(out)
    assert out.answer.replace("<", "&lt;") in text
    for line in out.lines:
        assert f"{line.difference:+.2f}" in text
        assert f"${line.difference:+.2f}$" in contrast.to_latex(out)
    rows = list(csv.DictReader(contrast.to_csv(out).splitlines()))
    assert [row["label"] for row in rows] == [line.label for line in out.lines]
    assert [float(row["holm_p"]) for row in rows] == [line.holm_p for line in out.lines]
    assert [row["reading"] for row in rows] == [line.reading for line in out.lines]


def test_labels_of_a_frame_are_unique_in_each_cell(tmp_path: Path) -> None:
    frame = labelled(load_frame(filled(tmp_path)))
    assert not frame.duplicated(["label", "target", "seed", "data_seed"]).any()
