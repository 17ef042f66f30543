"""Data sets of a few tiny images, laid out as the real ones: for tests of every protocol on each.

    root = make("OxfordPets", tmp_path)                # below root: oxford_pets/images/...
    open_dataset(DatasetSpec(name="OxfordPets"), root)

An image is one colour, its class's, with noise: a class can be learnt.
"""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from tests.datasets.minis import layout

DOMAINBED = ("PACS", "VLCS", "OfficeHome", "TerraIncognita", "DomainNet")

# Data set: folder, image folder, file's path by (folder of the class, number), then the classes as
# (folder or word in the file's name, name in the split file).
SPLIT_FILES: dict[str, tuple[str, str, str, tuple[tuple[str, str], ...]]] = {
    "Caltech101": (
        "caltech-101", "101_ObjectCategories", "{0}/image_{1:04d}.jpg",
        (("Faces", "face"), ("Leopards", "leopard"), ("Motorbikes", "motorbike"),
         ("accordion", "accordion"), ("airplanes", "airplane"), ("ceiling_fan", "ceiling_fan")),
    ),
    "OxfordPets": (
        "oxford_pets", "images", "{0}_{1}.jpg",
        (("Abyssinian", "abyssinian"), ("american_bulldog", "american_bulldog"),
         ("Bengal", "bengal"), ("Maine_Coon", "maine_coon"), ("pug", "pug")),
    ),
    "StanfordCars": (
        "stanford_cars", "", "{2}/{0}{1:03d}.jpg",
        (("00", "2000 AM General Hummer SUV"), ("01", "2012 Acura RL Sedan"),
         ("02", "2012 Audi TTS Coupe"), ("03", "2012 Ram C/V Cargo Van Minivan")),
    ),
    "OxfordFlowers": (
        "oxford_flowers", "jpg", "image_{0}{1:03d}.jpg",
        (("00", "pink primrose"), ("01", "hard-leaved pocket orchid"), ("02", "colt's foot"),
         ("03", "sword lily")),
    ),
    "Food101": (
        "food-101", "images", "{0}/{1}.jpg",
        (("apple_pie", "apple_pie"), ("beef_carpaccio", "beef_carpaccio"),
         ("creme_brulee", "creme_brulee"), ("waffles", "waffles")),
    ),
    "SUN397": (
        "sun397", "SUN397", "{0}/sun_{1}.jpg",
        (("a/abbey", "abbey"), ("c/church/indoor", "indoor church"),
         ("c/church/outdoor", "outdoor church"), ("y/youth_hostel", "youth_hostel")),
    ),
    "DescribableTextures": (
        "dtd", "images", "{0}/{0}_{1:04d}.jpg",
        (("banded", "banded"), ("polka-dotted", "polka-dotted"), ("woven", "woven"),
         ("zigzagged", "zigzagged")),
    ),
    "EuroSAT": (
        "eurosat", "2750", "{0}/{0}_{1}.jpg",
        (("AnnualCrop", "Annual Crop Land"), ("Forest", "Forest"),
         ("Highway", "Highway or Road"), ("River", "River"), ("SeaLake", "Sea or Lake")),
    ),
    "UCF101": (
        "ucf101", "UCF-101-midframes", "{0}/v_{0}_g{1:02d}_c01.jpg",
        (("Apply_Eye_Makeup", "Apply_Eye_Makeup"), ("Archery", "Archery"),
         ("Tai_Chi", "Tai_Chi"), ("Yo_Yo", "Yo_Yo")),
    ),
}  # fmt: skip

VARIANTS = ("707-320", "Boeing 717", "Cessna 172", "F-16A/B", "Model B200")

# Twelve classes, so that ImageNetV2's folder 10 stands before 2 when sorted as text.
IMAGENET = {
    "n01440764": "tench", "n01443537": "goldfish", "n01484850": "great white shark",
    "n01491361": "tiger shark", "n01494475": "hammerhead shark", "n01496331": "electric ray",
    "n01498041": "stingray", "n01514668": "rooster", "n01514859": "hen", "n01518878": "ostrich",
    "n01530575": "brambling", "n01531178": "goldfinch",
}  # fmt: skip
IMAGENET_A = ("n01498041", "n01531178", "n01518878")
IMAGENET_R = ("n01443537", "n01484850", "n01494475", "n01514859")

IMAGENETS = ("ImageNet", "ImageNetV2", "ImageNetSketch", "ImageNetA", "ImageNetR")
NAMES = (*DOMAINBED, *SPLIT_FILES, "FGVCAircraft", *IMAGENETS)
"""The twenty; ``ImageNetShift`` makes the five ImageNets."""


def make(name: str, root: Path, per_class: int = 4) -> Path:
    """Write a data set below `root` and return `root`.

    Args:
        name: One of `NAMES`, or ``ImageNetShift``.
        root: The ``--data-root``; several data sets may share it.
        per_class: Images of a class in each domain (DomainBed; DomainNet has 345 classes in six
            domains, so ask for one), or in the training part; then validation and test parts
            have half as many, one at least.
    """
    if name in DOMAINBED:
        folder, domains, classes = layout(name)
        for domain in domains:
            for c in classes:
                for i in range(per_class):
                    write(root / folder / domain / c / f"pic_{i:03d}.jpg", c, i)
    elif name in SPLIT_FILES:
        _split_file(name, root, per_class)
    elif name == "FGVCAircraft":
        _aircraft(root / "fgvc_aircraft", per_class)
    elif name == "ImageNetShift":
        for member in IMAGENETS:
            make(member, root, per_class)
    else:
        _imagenet(name, root, per_class)
    return root


def counts(per_class: int) -> dict[str, int]:
    """Return the images of a class by split, where there are splits."""
    return {"train": per_class, "val": max(1, per_class // 2), "test": max(1, per_class // 2)}


def write(path: Path, class_name: str, number: int) -> None:
    """Write an image of a class."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_jpeg(class_name, number))


@cache
def _jpeg(class_name: str, number: int) -> bytes:
    colour = np.frombuffer(hashlib.sha256(class_name.encode()).digest()[:3], dtype=np.uint8)
    noise = np.random.default_rng(number).normal(0, 10, (24, 24, 3))
    buffer = io.BytesIO()
    pixels = (colour.astype(float) + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _split_file(name: str, root: Path, per_class: int) -> None:
    folder, images, pattern, classes = SPLIT_FILES[name]
    rows: dict[str, list[list[object]]] = {}
    first = 1
    for split, n in counts(per_class).items():
        part = "cars_test" if split == "test" else "cars_train"
        rows[split] = []
        # Labels do not come in order in the real files.
        for label in reversed(range(len(classes))):
            word, class_name = classes[label]
            for i in range(first, first + n):
                path = pattern.format(word, i, part)
                write(root / folder / images / path, class_name, i)
                rows[split].append([path, label, class_name])
        first += n
    (root / folder / f"split_zhou_{name}.json").write_text(json.dumps(rows), encoding="utf-8")


def _aircraft(folder: Path, per_class: int) -> None:
    number = 34309
    for split, n in counts(per_class).items():
        lines = []
        for variant in VARIANTS:
            for i in range(n):
                write(folder / "images" / f"{number:07d}.jpg", variant, i)
                lines.append(f"{number:07d} {variant}")
                number += 1
        (folder / f"images_variant_{split}.txt").write_text("\n".join(lines) + "\n")
    (folder / "variants.txt").write_text("\n".join(VARIANTS) + "\n")


def _imagenet(name: str, root: Path, per_class: int) -> None:
    few = max(1, per_class // 2)
    home, parts, wnids = {
        "ImageNet": ("imagenet", {"images/train": per_class, "images/val": few}, IMAGENET),
        "ImageNetV2": ("imagenetv2", {"imagenetv2-matched-frequency-format-val": few}, IMAGENET),
        "ImageNetSketch": ("imagenet-sketch", {"images": few}, IMAGENET),
        "ImageNetA": ("imagenet-adversarial", {"imagenet-a": few}, IMAGENET_A),
        "ImageNetR": ("imagenet-rendition", {"imagenet-r": few}, IMAGENET_R),
    }[name]
    ending = {"ImageNetV2": "jpeg", "ImageNetA": "jpg", "ImageNetR": "jpg"}.get(name, "JPEG")
    for part, n in parts.items():
        for label, wnid in enumerate(wnids):
            folder = str(label) if name == "ImageNetV2" else wnid
            for i in range(n):
                write(root / home / part / folder / f"{wnid}_{i}.{ending}", IMAGENET[wnid], i)
    for part in parts if name in ("ImageNetA", "ImageNetR") else ():
        (root / home / part / "README.txt").write_text("stray, as in the archive\n")
    lines = [f"{wnid} {class_name}" for wnid, class_name in IMAGENET.items()]
    (root / home / "classnames.txt").write_text("\n".join(lines) + "\n")
