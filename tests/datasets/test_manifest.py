from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.check.data import check_dataset
from harness.cli.main import main
from harness.dataset import Dataset
from harness.errors import UserError
from harness.execution.run import Shared, execute
from harness.protocols import read_protocol
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep import plan
from tests.conftest import make_folder
from tests.engine import make_context

Row = dict[str, Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "data", domains=2)


def listed(root: Path) -> list[Row]:
    return [
        {
            "image": str(file.relative_to(root)),
            "class": file.parent.name,
            "domain": file.parent.parent.name,
            "split": ("train", "train", "val", "test")[i % 4],
            "group": f"g{i}",
        }
        for i, file in enumerate(sorted(root.glob("domain*/*/*.png")))
    ]


def write(file: Path, rows: list[Row]) -> None:
    if file.suffix == ".csv":
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    elif file.suffix == ".json":
        file.write_text(json.dumps(rows))
    else:
        file.write_text("\n\n".join(map(json.dumps, rows)))


def opened(root: Path, **options: Any) -> Dataset:
    return plan.open_dataset(DatasetSpec(name="manifest", options=options), root)


@pytest.mark.parametrize("name", ["manifest.csv", "m.json", "m.jsonl"])
def test_it_says_what_its_rows_say_in_their_order(root: Path, name: str) -> None:
    rows = listed(root)[::-1]
    write(root / name, rows)
    data = opened(root, file=name)
    assert data.domains == ("domain0", "domain1")
    assert data.class_names == ("blue thing", "green thing", "red thing")
    for domain in data.domains:
        found = [
            (s.key, data.class_names[s.label].replace(" ", "_"), s.domain, s.split, s.group)
            for s in data.samples(domain)
        ]
        assert found == [tuple(row.values()) for row in rows if row["domain"] == domain]
        for sample in data.samples(domain)[:2]:
            content = (root / sample.key).read_bytes()
            assert data.read(sample) == content
            assert data.size(sample) == len(content)
            assert data.where(sample) == str(root / sample.key)
    checks = check_dataset(type(data), root, {"file": name})
    assert all(result.status == "ok" for result in checks)


def test_images_lie_beside_the_file_or_below_the_root(root: Path) -> None:
    (root / "lists").mkdir()
    rows = listed(root)
    write(root / "lists" / "a.csv", rows)
    data = opened(root, file="lists/a.csv")
    assert data.where(data.samples("domain0")[0]) == str(root / rows[0]["image"])
    shutil.move(root / "domain0", root / "lists" / "domain0")
    data = opened(root, file="lists/a.csv")
    assert data.where(data.samples("domain0")[0]) == str(root / "lists" / rows[0]["image"])


def test_the_fingerprint_is_of_list_and_sizes_not_of_the_place(root: Path, tmp_path: Path) -> None:
    rows = listed(root)
    write(root / "manifest.csv", rows)
    first = opened(root).fingerprint()
    shutil.copytree(root, tmp_path / "elsewhere")
    assert opened(tmp_path / "elsewhere").fingerprint() == first
    write(root / "manifest.csv", rows[::-1])  # CoOp's draws go by the order
    second = opened(root).fingerprint()
    (root / rows[3]["image"]).write_bytes(b"other")
    assert len({first, second, opened(root).fingerprint()}) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[2].update(image="domain0/no.png"), "line 4: image 'domain0/no.png' is"),
        (lambda rows: rows[2].update(image="/etc/passwd"), "line 4: image '/etc/passwd' must lie"),
        (lambda rows: rows[2].update(image="../x.png"), "line 4: image '../x.png' must lie below"),
        (lambda rows: rows[2].update(image=rows[0]["image"]), "line 4: image '.*' is listed befor"),
        (lambda rows: rows[2].update(image="./" + rows[0]["image"]), "image '.*' is listed before"),
        (lambda rows: rows[2].update(domain="Domain0"), "domain 'domain0' and 'Domain0' differ in"),
        (lambda rows: rows[2].update({"class": " "}), "line 4: 'class' is missing"),
        (lambda rows: rows[2].update({"class": "RED thing"}), "line 4: class 'red_thing' and 'RED"),
        (lambda rows: rows[2].update(split="dev"), "line 4: split 'dev'; use train, val, test"),
        (lambda rows: rows[2].update(split=""), "line 4: split '', unlike the images of domain"),
        (lambda rows: [row.pop("domain") for row in rows], "line 1 names no column domain"),
        (lambda rows: [row.update({"class": "x"}) for row in rows], r"1 class\(es\); list images"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(
    root: Path, change: Callable[[list[Row]], object], message: str
) -> None:
    rows = listed(root)
    change(rows)
    write(root / "manifest.csv", rows)
    pattern = message.replace("line 4: class 'red_thing'", r"line \d+: class 'red_thing'")
    with pytest.raises(UserError, match=pattern) as caught:
        opened(root)
    assert str(caught.value).startswith(str(root / "manifest.csv"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "image,class,domain\nx,y,z,more,evermore\n", "line 2: not an image with"),
        ("a.csv", 'image,class,domain\n"x,y,z\n', r"line \d: unexpected end of data"),
        ("a.csv", "image,class,domain,class\nx,y,z,w\n", "line 1 names column class twice"),
        ("a.csv", "image,domain", "line 1 names no column class"),
        ("a.csv", "", "it is empty"),
        ("a.json", "", "it is empty"),
        ("a.jsonl", " ", "it is empty"),
        ("a.json", "{}", "not a list of objects"),
        ("a.json", "[3]", "entry 1: not an image"),
        ("a.json", "[", "cannot be read"),
        ("a.json", '[{"image": 3}]', "entry 1: 'image' is 3; write a text"),
        ("a.jsonl", "{}\n{", "line 2: "),
        ("b.csv", "", r"cannot be read \(No such file"),
    ],
)
def test_files_that_are_no_list(root: Path, name: str, text: str, message: str) -> None:
    (root / name.replace("b", "c")).write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        opened(root, file=name)
    assert "\n" not in str(caught.value)


def test_columns_that_say_nothing_are_noted(root: Path) -> None:
    write(root / "manifest.csv", [row | {"splits": "train"} for row in listed(root)])
    assert opened(root).notes() == [f"{root / 'manifest.csv'}: columns left out: splits"]


def test_a_class_that_a_domain_has_no_image_of_is_noted(root: Path) -> None:
    rows = [row for row in listed(root) if "domain1/red_thing" not in row["image"]]
    write(root / "manifest.csv", rows)
    (note,) = opened(root).notes()
    assert note.startswith("domain 'domain1' has no image of red thing: its accuracy is over fewer")


@pytest.mark.parametrize(
    ("protocol", "tests"),
    [
        ({"name": "domain_shift"}, {"target": 30}),
        ({"name": "distribution_shift", "source": "domain1", "shots": 2}, None),
    ],
)
def test_a_run_on_it(
    root: Path, random_clip: Path, tmp_path: Path, protocol: Row, tests: dict[str, int] | None
) -> None:
    write(root / "manifest.csv", listed(root))
    spec = DatasetSpec(name="manifest")
    data = opened(root)
    (run,) = plan.expand(
        [plan.resolve_method("zero_shot", {})],
        ModelSpec(name=f"local-dir:{random_clip}"),
        spec,
        read_protocol(protocol),
        ["domain0"],
        [0],
        data,
    )
    assert run.dataset.fingerprint == data.fingerprint()
    record = execute(run, Shared(make_context(tmp_path / "store", root)))
    official = {d: sum(s.split == "test" for s in data.samples(d)) for d in data.domains}
    assert {k: v.n for k, v in record.metrics.tests.items()} == (tests or official)


def test_from_the_command_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root / "manifest.csv", [*listed(root)[:-1], {**listed(root)[0], "class": "x"}])
    call = ["run", "zero_shot", "--dataset", "manifest", "--data-root", str(root)]
    assert main(call) == 2
    said = capsys.readouterr().err
    assert "manifest.csv, line 61: image " in said
    assert said.count("\n") == 1


def test_a_list_of_another_name_is_verified(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root / "birds.csv", listed(root))
    words = ["data", "verify", "manifest", "--data-root", str(root)]
    assert main(words) == 1
    assert main([*words, "--option", "file=birds.csv"]) == 0
    assert "complete" in capsys.readouterr().out
    assert main([*words, "--option", "fil=birds.csv"]) == 2
    assert "did you mean file" in capsys.readouterr().err


def test_the_list_is_named_below_the_root(root: Path) -> None:
    with pytest.raises(UserError, match=r"option file is '/.*give it below --data-root"):
        opened(root, file=str(root.resolve() / "manifest.csv"))
