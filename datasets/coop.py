"""The ten data sets of CoOp beside ImageNet, in CoOp's folders and with its splits.

Folders, files and links are those of DATASETS.md in github.com/KaiyangZhou/CoOp; templates its
CUSTOM_TEMPLATES. Counts are of the split files, or follow from how CoOp made them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.data.splitfile import SPLITS, SplitFileDataset, SplitRow, SplitRows
from harness.errors import UserError

DRIVE = "https://drive.google.com/file/d/"
AS_SOURCE = "not stated in CoOp's list of data sets; see the source"
CALTECH_NAMES = {
    "airplanes": "airplane",
    "Faces": "face",
    "Leopards": "leopard",
    "Motorbikes": "motorbike",
}
EUROSAT_NAMES = {
    "AnnualCrop": "Annual Crop Land",
    "HerbaceousVegetation": "Herbaceous Vegetation Land",
    "Highway": "Highway or Road",
    "Industrial": "Industrial Buildings",
    "Pasture": "Pasture Land",
    "PermanentCrop": "Permanent Crop Land",
    "Residential": "Residential Buildings",
    "SeaLake": "Sea or Lake",
}


def _counts(**parts: tuple[int, int, int]) -> Mapping[str, Mapping[str, int]]:
    return {name: dict(zip(SPLITS, part, strict=True)) for name, part in parts.items()}


def _layout(folder: str, *files: str) -> str:
    return f"{', '.join(f'DIR/{folder}/{file}' for file in files)} (--data-root DIR)"


class Caltech101(SplitFileDataset):
    """Objects; BACKGROUND_Google and Faces_easy are left out."""

    name = "Caltech101"
    summary = "objects, 100 classes"
    licence = AS_SOURCE
    source = "https://data.caltech.edu/records/20086 (101_ObjectCategories.tar.gz)"
    folder = "caltech-101"
    images = "101_ObjectCategories"
    split_file = "split_zhou_Caltech101.json"
    split_source = DRIVE + "1hyarUivQE36mY6jSomru6Fjd-JzwcCzN"
    split_sha256 = "52ce83205ff8ff8a"
    layout = _layout("caltech-101", "101_ObjectCategories/<class>/*.jpg", split_file)
    renamed = CALTECH_NAMES
    expected_classes = 100
    expected = _counts(Caltech101=(4128, 1649, 2465))
    counts_source = "counted in CoOp's split file"


class OxfordPets(SplitFileDataset):
    """Breeds of cats and dogs."""

    name = "OxfordPets"
    summary = "breeds of cats and dogs, 37 classes"
    licence = "CC BY-SA 4.0 (as given by huggingface.co/datasets/pcuenq/oxford-pets)"
    source = "https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz"
    template = "a photo of a {}, a type of pet."
    folder = "oxford_pets"
    images = "images"
    split_file = "split_zhou_OxfordPets.json"
    split_source = DRIVE + "1501r8Ber4nNKvmlFVQZ8SeUHTcdTTEqs"
    split_sha256 = "d7f3ffe65b3919f9"
    layout = _layout("oxford_pets", "images/*.jpg", split_file)
    expected_classes = 37
    expected = _counts(OxfordPets=(2944, 736, 3669))
    counts_source = "counted in CoOp's split file"


class StanfordCars(SplitFileDataset):
    """Models of cars; the year stands first in a class's name."""

    name = "StanfordCars"
    summary = "models of cars, 196 classes"
    licence = AS_SOURCE
    source = (
        "http://ai.stanford.edu/~jkrause/car196/cars_train.tgz and cars_test.tgz (often down; "
        "copies: kaggle.com, or DATASETS.md of github.com/linzhiqiu/cross_modal_adaptation)"
    )
    folder = "stanford_cars"
    images = ""
    split_file = "split_zhou_StanfordCars.json"
    split_source = DRIVE + "1ObCFbaAgVu0I-k_Au-gIUcefirdAuizT"
    split_sha256 = "40acee7aa65c8e47"
    layout = _layout("stanford_cars", "{cars_train,cars_test}/*.jpg", split_file)
    expected_classes = 196
    expected = _counts(StanfordCars=(6509, 1635, 8041))
    counts_source = "counted in CoOp's split file"


class OxfordFlowers(SplitFileDataset):
    """Flowers; CoOp's own split of 50, 20 and 30 %, not the official one."""

    name = "OxfordFlowers"
    summary = "flowers, 102 classes"
    licence = AS_SOURCE
    source = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/102flowers.tgz"
    template = "a photo of a {}, a type of flower."
    folder = "oxford_flowers"
    images = "jpg"
    split_file = "split_zhou_OxfordFlowers.json"
    split_source = DRIVE + "1Pp0sRXzZFZq15zVOzKjKBu4A9i01nozT"
    split_sha256 = "2f50c42fc1a17ca1"
    layout = _layout("oxford_flowers", "jpg/*.jpg", split_file)
    expected_classes = 102
    expected = _counts(OxfordFlowers=(4093, 1633, 2463))
    counts_source = "counted in CoOp's split file"


class Food101(SplitFileDataset):
    """Dishes, 1,000 images each; CoOp's own split of 50, 20 and 30 %."""

    name = "Food101"
    summary = "dishes, 101 classes"
    licence = "images of Foodspotting, scientific fair use only: food-101/license_agreement.txt"
    source = "https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/ (food-101.tar.gz)"
    template = "a photo of {}, a type of food."
    folder = "food-101"
    images = "images"
    split_file = "split_zhou_Food101.json"
    split_source = DRIVE + "1QK0tGi096I0Ba6kggatX1ee6dJFIcEJl"
    layout = _layout("food-101", "images/<class>/*.jpg", split_file)
    expected_classes = 101
    expected = _counts(Food101=(50500, 20200, 30300))
    counts_source = "1,000 images of each of 101 classes, split 50, 20 and 30 % by CoOp"


class SUN397(SplitFileDataset):
    """Scenes: the first official partition, a fifth of its training part for validation."""

    name = "SUN397"
    summary = "scenes, 397 classes"
    licence = AS_SOURCE
    source = "http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz"
    folder = "sun397"
    images = "SUN397"
    split_file = "split_zhou_SUN397.json"
    split_source = DRIVE + "1y2RD81BYuiyvebdN-JymPfyWYcd8_MUq"
    layout = _layout("sun397", "SUN397/<letter>/<class>/*.jpg", split_file)
    expected_classes = 397
    expected = _counts(SUN397=(15880, 3970, 19850))
    counts_source = "50 + 50 images a class in the partition; a fifth of the first 50 to validate"


class DescribableTextures(SplitFileDataset):
    """Textures (DTD); CoOp's own split, not an official one."""

    name = "DescribableTextures"
    summary = "textures (DTD), 47 classes"
    licence = AS_SOURCE
    source = "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz"
    template = "{} texture."
    folder = "dtd"
    images = "images"
    split_file = "split_zhou_DescribableTextures.json"
    split_source = DRIVE + "1u3_QfB467jqHgNXC00UIzbLZRQCg2S7x"
    split_sha256 = "f26ebeccd2b58e68"
    layout = _layout("dtd", "images/<class>/*.jpg", split_file)
    expected_classes = 47
    expected = _counts(DescribableTextures=(2820, 1128, 1692))
    counts_source = "counted in CoOp's split file"


class EuroSAT(SplitFileDataset):
    """Land use from a satellite."""

    name = "EuroSAT"
    summary = "land use seen from a satellite, 10 classes"
    licence = "MIT (as given by huggingface.co/datasets/torchgeo/eurosat)"
    source = "http://madm.dfki.de/files/sentinel/EuroSAT.zip or huggingface.co torchgeo/eurosat"
    template = "a centered satellite photo of {}."
    folder = "eurosat"
    images = "2750"
    split_file = "split_zhou_EuroSAT.json"
    split_source = DRIVE + "1Ip7yaCWFi0eaOFUGga0lUdVi_DDQth1o"
    split_sha256 = "541503a77d0b26b7"
    layout = _layout("eurosat", "2750/<class>/*.jpg", split_file)
    renamed = EUROSAT_NAMES
    expected_classes = 10
    expected = _counts(EuroSAT=(13500, 5400, 8100))
    counts_source = "counted in CoOp's split file"


class UCF101(SplitFileDataset):
    """Actions: the middle frame of every video, cut by CoOp's authors."""

    name = "UCF101"
    summary = "actions, middle frames of videos, 101 classes"
    licence = AS_SOURCE
    source = DRIVE + "10Jqome3vtUA2keJkNanAiFpgbyC9Hc2O (UCF-101-midframes.zip)"
    template = "a photo of a person doing {}."
    folder = "ucf101"
    images = "UCF-101-midframes"
    split_file = "split_zhou_UCF101.json"
    split_source = DRIVE + "1I0S0q91hJfsV9Gf4xDIjgDq4AqBNJb1y"
    split_sha256 = "d78cb834f7c5792c"
    layout = _layout("ucf101", "UCF-101-midframes/<Action_Name>/*.jpg", split_file)
    expected_classes = 101
    expected = _counts(UCF101=(7639, 1898, 3783))
    counts_source = "counted in CoOp's split file"


class FGVCAircraft(SplitFileDataset):
    """Variants of aircraft, with the official split in text files."""

    name = "FGVCAircraft"
    summary = "variants of aircraft, 100 classes"
    licence = "non-commercial research only (README of the archive)"
    source = (
        "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz"
    )
    template = "a photo of a {}, a type of aircraft."
    folder = "fgvc_aircraft"
    images = "images"
    split_file = "variants.txt"
    split_source = source + " (its folder data/, renamed fgvc_aircraft)"
    layout = _layout(
        "fgvc_aircraft", "images/*.jpg", "images_variant_{train,val,test}.txt", split_file
    )
    expected_classes = 100
    expected = _counts(FGVCAircraft=(3334, 3333, 3333))
    counts_source = "three equal parts of 10,000 images (README of the archive)"
    counts_certain = False

    @classmethod
    def read_rows(cls, folder: Path) -> SplitRows:
        """Read ``<image> <variant>`` lines; labels are the variants' places in variants.txt."""
        labels = {name: i for i, name in enumerate(cls._lines(folder / cls.split_file))}
        return {
            split: [
                cls._row(line, labels, folder / f"images_variant_{split}.txt")
                for line in cls._lines(folder / f"images_variant_{split}.txt")
            ]
            for split in SPLITS
        }

    @classmethod
    def _row(cls, line: str, labels: dict[str, int], path: Path) -> SplitRow:
        image, _, variant = line.partition(" ")
        if variant not in labels:
            raise UserError(
                f"{path}: '{line}' is not '<image> <variant>' with a variant of {cls.split_file}; "
                "extract the file again"
            )
        return f"{image}.jpg", labels[variant], variant

    @classmethod
    def _lines(cls, path: Path) -> list[str]:
        if not path.is_file():
            raise UserError(cls.missing(path))
        lines = path.read_text(encoding="utf-8").splitlines()
        return [line.strip() for line in lines if line.strip()]
