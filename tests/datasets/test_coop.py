from __future__ import annotations

import json
import shutil
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from harness import registry
from harness.data.verify import verify
from harness.errors import UserError
from harness.specs import DatasetSpec
from harness.sweep.plan import open_dataset
from tests.datasets.miniature import SPLIT_FILES, VARIANTS, counts, make, write

PER_CLASS = 4
TEN = (*SPLIT_FILES, "FGVCAircraft")

# By label, as prompts read them.
CLASS_NAMES = {
    "Caltech101": ("face", "leopard", "motorbike", "accordion", "airplane", "ceiling fan"),
    "OxfordPets": ("abyssinian", "american bulldog", "bengal", "maine coon", "pug"),
    "StanfordCars": (
        "2000 AM General Hummer SUV", "2012 Acura RL Sedan", "2012 Audi TTS Coupe",
        "2012 Ram C/V Cargo Van Minivan",
    ),
    "OxfordFlowers": ("pink primrose", "hard-leaved pocket orchid", "colt's foot", "sword lily"),
    "Food101": ("apple pie", "beef carpaccio", "creme brulee", "waffles"),
    "SUN397": ("abbey", "indoor church", "outdoor church", "youth hostel"),
    "DescribableTextures": ("banded", "polka-dotted", "woven", "zigzagged"),
    "EuroSAT": ("Annual Crop Land", "Forest", "Highway or Road", "River", "Sea or Lake"),
    "UCF101": ("Apply Eye Makeup", "Archery", "Tai Chi", "Yo Yo"),
    "FGVCAircraft": VARIANTS,
}  # fmt: skip

PROMPTS = {
    "Caltech101": "a photo of a face.",
    "OxfordPets": "a photo of a abyssinian, a type of pet.",
    "StanfordCars": "a photo of a 2000 AM General Hummer SUV.",
    "OxfordFlowers": "a photo of a pink primrose, a type of flower.",
    "Food101": "a photo of apple pie, a type of food.",
    "SUN397": "a photo of a abbey.",
    "DescribableTextures": "banded texture.",
    "EuroSAT": "a centered satellite photo of Annual Crop Land.",
    "UCF101": "a photo of a person doing Apply Eye Makeup.",
    "FGVCAircraft": "a photo of a 707-320, a type of aircraft.",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("coop")
    for name in TEN:
        make(name, root, PER_CLASS)
    return root


def rows_of(root: Path, name: str) -> tuple[Path, dict[str, list[list[object]]]]:
    path = root / SPLIT_FILES[name][0] / f"split_zhou_{name}.json"
    return path, json.loads(path.read_text())


@pytest.mark.parametrize("name", TEN)
def test_domain_counts_names_and_files(whole: Path, name: str) -> None:
    data = open_dataset(DatasetSpec(name=name), whole)
    assert data.domains == (name,)
    assert data.class_names == CLASS_NAMES[name]
    assert data.template.replace("{}", data.class_names[0]) == PROMPTS[name]
    samples = data.samples(name)
    n = len(data.class_names)
    per_split = {split: n * each for split, each in counts(PER_CLASS).items()}
    assert Counter(sample.split for sample in samples) == per_split
    assert [s.split for s in samples] == [s for s in per_split for _ in range(per_split[s])]
    assert len({sample.key for sample in samples}) == len(samples)
    assert all(data.read(s)[:2] == b"\xff\xd8" and data.size(s) > 0 for s in samples)


@pytest.mark.parametrize("name", TEN)
def test_the_complete_counts_add_up(name: str) -> None:
    cls = registry.dataset_class(name)
    assert set(cls.expected) == {name}
    assert set(cls.expected[name]) == {"train", "val", "test"}
    assert min(cls.expected[name].values()) >= cls.expected_classes > 0
    assert not cls.small


@pytest.mark.parametrize("name", SPLIT_FILES)
def test_samples_are_the_split_files_rows_in_order(whole: Path, name: str) -> None:
    data = open_dataset(DatasetSpec(name=name), whole)
    _, rows = rows_of(whole, name)
    listed = [(path, label, s) for s in ("train", "val", "test") for path, label, _ in rows[s]]
    images = SPLIT_FILES[name][1]
    prefix = f"{images}/" if images else ""
    assert [(s.key, s.label, s.split) for s in data.samples(name)] == [
        (f"{prefix}{path}", label, split) for path, label, split in listed
    ]


def test_class_names_of_folders_are_read_as_the_published_ones(tmp_path: Path) -> None:
    """A split file written from the folders says AnnualCrop where CoOp's says Annual Crop Land."""
    make("EuroSAT", tmp_path)
    make("Caltech101", tmp_path)
    for name in ("EuroSAT", "Caltech101"):
        path, rows = rows_of(tmp_path, name)
        folders = [word for word, _ in SPLIT_FILES[name][3]]
        raw = {s: [[p, label, folders[label]] for p, label, _ in rows[s]] for s in rows}  # type: ignore[index]
        path.write_text(json.dumps(raw))
        assert open_dataset(DatasetSpec(name=name), tmp_path).class_names == CLASS_NAMES[name]


def test_the_data_sets_own_folder_will_do_as_root(whole: Path) -> None:
    one = open_dataset(DatasetSpec(name="OxfordPets"), whole)
    two = open_dataset(DatasetSpec(name="OxfordPets"), whole / "oxford_pets")
    assert one.samples("OxfordPets") == two.samples("OxfordPets")
    assert one.fingerprint() == two.fingerprint()


@pytest.mark.parametrize("name", TEN)
def test_a_missing_folder_or_file_names_the_place_and_the_source(tmp_path: Path, name: str) -> None:
    spec, cls = DatasetSpec(name=name), registry.dataset_class(name)
    with pytest.raises(UserError, match=r"missing: folder .*get it: http") as folder:
        open_dataset(spec, tmp_path)
    make(name, tmp_path, per_class=1)
    file = tmp_path / cls.layout.split("DIR/")[-1].split(" ")[0]
    file.unlink()
    with pytest.raises(UserError, match=f"missing: file .*{file.name}; get it: http") as split:
        open_dataset(spec, tmp_path)
    assert cls.layout in str(split.value)
    for caught in (folder, split):
        assert "\n" not in str(caught.value)
    assert cls.problems(tmp_path) == [str(split.value)]
    with pytest.raises(UserError, match="needs --data-root DIR"):
        open_dataset(spec, None)


def test_missing_images_are_found_at_opening_and_counted_by_verify(tmp_path: Path) -> None:
    make("Food101", tmp_path)
    for image in (tmp_path / "food-101" / "images" / "waffles").iterdir():
        image.unlink()
    with pytest.raises(UserError, match=r"waffles/\d\.jpg is listed .*data verify Food101"):
        open_dataset(DatasetSpec(name="Food101"), tmp_path)
    verdict = verify(registry.dataset_class("Food101"), tmp_path)
    texts = [problem.text for problem in verdict.problems]
    assert any("8 of 32 images below" in text and "waffles/1.jpg" in text for text in texts)
    assert any("no image of waffles" in text for text in texts)
    assert {c.split: c.found for c in verdict.counts} == {"train": 12, "val": 6, "test": 6}
    assert not verdict.complete


def test_every_missing_image_is_found_not_only_a_sample(tmp_path: Path) -> None:
    make("OxfordPets", tmp_path, per_class=40)
    _, rows = rows_of(tmp_path, "OxfordPets")
    path = rows["test"][7][0]
    (tmp_path / "oxford_pets" / "images" / str(path)).unlink()
    found = registry.dataset_class("OxfordPets").problems(tmp_path)
    assert any("1 of 400 images below" in line and str(path) in line for line in found)


def test_a_name_that_differs_in_case_or_accents_is_told(tmp_path: Path) -> None:
    make("Food101", tmp_path)
    images = tmp_path / "food-101" / "images"
    (images / "waffles" / "1.jpg").rename(images / "waffles" / "1.JPG")
    cls = registry.dataset_class("Food101")
    assert any("waffles/1.JPG differs only in case" in line for line in cls.problems(tmp_path))
    shutil.rmtree(tmp_path / "food-101")
    make("Food101", tmp_path)
    path, rows = rows_of(tmp_path, "Food101")
    composed = unicodedata.normalize("NFC", "crème_brûlée/1.jpg")
    rows["train"].append([composed, 2, "creme_brulee"])
    path.write_text(json.dumps(rows))
    write(images / unicodedata.normalize("NFD", composed), "creme_brulee", 1)
    assert any("differs only in case or accents" in line for line in cls.problems(tmp_path))


def test_names_outside_ascii(tmp_path: Path) -> None:
    make("Food101", tmp_path)
    path, rows = rows_of(tmp_path, "Food101")
    for split in rows:
        for row in rows[split]:
            if row[1] == 2:
                row[0] = str(row[0]).replace("creme_brulee", "crème_brûlée")
                row[2] = "crème_brûlée"
    images = tmp_path / "food-101" / "images"
    (images / "creme_brulee").rename(images / "crème_brûlée")
    path.write_bytes(json.dumps(rows, ensure_ascii=False).encode())
    data = open_dataset(DatasetSpec(name="Food101"), tmp_path)
    assert data.class_names[2] == "crème brûlée"
    assert all(data.size(sample) for sample in data.samples("Food101"))
    missing = [p for p in type(data).problems(tmp_path) if p.startswith("missing")]
    assert missing == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ('{"train": [], "val": []}', "needs the lists train, val, test"),
        ('{"train": [["a.jpg", "0", "a"]], "val": [], "test": []}', "is not .path below"),
        ('{"train": [["/a.jpg", 0, "a"]], "val": [], "test": []}', "is not .path below"),
        ('{"train": [["../a.jpg", 0, "a"]], "val": [], "test": []}', "is not .path below"),
        ('{"train": [["a.jpg", 1, "a"]], "val": [], "test": []}', "no image has label 0"),
        (
            '{"train": [["a.jpg", 0, "a"]], "val": [], "test": [["b.jpg", 0, "b"]]}',
            "label 0 is both 'a' and 'b'",
        ),
        ('{"train": [], "val": [], "test": []}', "no image has label 0"),
    ],
)
def test_a_malformed_split_file(tmp_path: Path, content: str, message: str) -> None:
    make("Food101", tmp_path, per_class=1)
    (tmp_path / "food-101" / "split_zhou_Food101.json").write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        open_dataset(DatasetSpec(name="Food101"), tmp_path)
    assert "split_zhou_Food101.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_split_than_the_published_one_is_told(tmp_path: Path) -> None:
    make("UCF101", tmp_path, per_class=1)
    path, rows = rows_of(tmp_path, "UCF101")
    rows["test"].append(rows["train"][0])
    path.write_text(json.dumps(rows))
    found = registry.dataset_class("UCF101").problems(tmp_path)
    assert any("is not the published file" in line for line in found)
    assert any("lists 1 image(s) more than once" in line for line in found)


def test_an_unknown_variant_of_aircraft(tmp_path: Path) -> None:
    make("FGVCAircraft", tmp_path, per_class=1)
    with (tmp_path / "fgvc_aircraft" / "images_variant_val.txt").open("a") as file:
        file.write("0000001 Zeppelin NT\n")
    with pytest.raises(UserError, match=r"images_variant_val.txt: '0000001 Zeppelin NT' is not"):
        open_dataset(DatasetSpec(name="FGVCAircraft"), tmp_path)
