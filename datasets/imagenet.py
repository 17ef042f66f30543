"""ImageNet and its four shifted test sets, in CoOp's folders; each alone, or as five domains.

Folders and files are those of DATASETS.md in github.com/KaiyangZhou/CoOp. The validation images
are the test part, as everywhere in CoOp's field. Files are listed in sorted order: CoOp takes the
order of the file system, so its few-shot samples of ImageNet cannot be had again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from harness.data.listing import file_size, images
from harness.data.wnids import CLASS_NAMES, class_folders, read_class_names
from harness.dataset import Dataset, DatasetOptions, Sample, fingerprint
from harness.errors import UserError

NAMES_SOURCE = "https://drive.google.com/file/d/1-61f_ol79pViBFDG_IDlUQSwoLcn2XXF (CLIP's names)"
CODE_MIT = "MIT for its repository; the images keep their owners' rights"


@dataclass(frozen=True)
class Member:
    """One of the five: where it lies below the data root, and what it holds."""

    home: str
    parts: Mapping[str, str]
    """Folder below `home` by split."""
    counts: Mapping[str, int]
    source: str
    licence: str
    classes: int = 1000
    subset: bool = False
    """Only the classes whose folders are there count."""
    numbered: bool = False
    """Class folders are called by the class's place among the sorted wnids."""


MEMBERS = {
    "ImageNet": Member(
        home="imagenet",
        parts={"train": "images/train", "test": "images/val"},
        counts={"train": 1281167, "test": 50000},
        source="https://image-net.org, after registration",
        licence="ImageNet's terms of access: non-commercial research",
    ),
    "ImageNetA": Member(
        home="imagenet-adversarial",
        parts={"test": "imagenet-a"},
        counts={"test": 7500},
        source="https://people.eecs.berkeley.edu/~hendrycks/imagenet-a.tar",
        licence=CODE_MIT,
        classes=200,
        subset=True,
    ),
    "ImageNetR": Member(
        home="imagenet-rendition",
        parts={"test": "imagenet-r"},
        counts={"test": 30000},
        source="https://people.eecs.berkeley.edu/~hendrycks/imagenet-r.tar",
        licence="not stated; the images keep their owners' rights",
        classes=200,
        subset=True,
    ),
    "ImageNetSketch": Member(
        home="imagenet-sketch",
        parts={"test": "images"},
        counts={"test": 50889},
        source="https://github.com/HaohanWang/ImageNet-Sketch (its folder sketch/, renamed images)",
        licence=CODE_MIT,
    ),
    "ImageNetV2": Member(
        home="imagenetv2",
        parts={"test": "imagenetv2-matched-frequency-format-val"},
        counts={"test": 10000},
        source=(
            "https://huggingface.co/datasets/vaishaal/ImageNetV2 (imagenetv2-matched-frequency)"
        ),
        licence=CODE_MIT,
        numbered=True,
    ),
}


class Family(Dataset):
    """Base: a domain is a member, listed when its samples are asked for."""

    members: ClassVar[tuple[str, ...]]
    root: Path

    def __init__(
        self, options: DatasetOptions, root: Path | None, incomplete: bool = False
    ) -> None:
        if root is None:
            raise UserError(f"data set '{self.name}' needs --data-root DIR; {self.layout}")
        homes = self._homes(root)
        alone = len(self.members) == 1
        super().__init__(options, homes[self.members[0]] if alone else root)
        self._homes_of = homes
        self._prefix = {m: "" if alone else f"{MEMBERS[m].home}/" for m in self.members}
        self._incomplete = incomplete
        self._names = self._read_names(homes[self.members[0]])
        self.domains = self.members
        wnids = list(self._names)
        if alone:  # labels 0 to 199 in a member of 200 classes, as CoOp numbers them
            there = [self._folders(self.name, split) for split in MEMBERS[self.name].parts]
            wnids = list(there[0]) if MEMBERS[self.name].subset else wnids
        self._labels = {wnid: label for label, wnid in enumerate(wnids)}
        self.class_names = tuple(self._names[wnid] for wnid in wnids)
        self._listed: dict[str, tuple[Sample, ...]] = {}

    @classmethod
    def as_found(cls, root: Path | None) -> Family:
        """Open the members, parts and classes that are there."""
        return cls(cls.Options(), root, incomplete=True)

    @classmethod
    def _homes(cls, root: Path) -> dict[str, Path]:
        # A lone member's own folder is accepted where the one that holds it is meant.
        member = MEMBERS[cls.members[0]]
        part = next(iter(member.parts.values()))
        if len(cls.members) == 1 and not (root / member.home).is_dir() and (root / part).is_dir():
            return {cls.members[0]: root}
        return {name: root / MEMBERS[name].home for name in cls.members}

    @classmethod
    def _read_names(cls, home: Path) -> dict[str, str]:
        if not home.is_dir():
            raise UserError(f"missing: folder {home}; get it: {MEMBERS[cls.members[0]].source}")
        # CoOp wants a copy in every folder; ImageNet's own beside it will do.
        path, other = home / CLASS_NAMES, home.parent / "imagenet" / CLASS_NAMES
        missing = f"missing: file {path}; get it: {NAMES_SOURCE}"
        return read_class_names(other if other.is_file() and not path.is_file() else path, missing)

    def _folders(self, name: str, split: str) -> dict[str, str]:
        member = MEMBERS[name]
        path = self._homes_of[name] / member.parts[split]
        if self._incomplete and not path.is_dir():
            return {}
        return _class_folders(path, member, list(self._names))

    @classmethod
    def problems(cls, root: Path) -> list[str]:
        """Return missing members and class folders, and folders that are of no class."""
        homes = cls._homes(root)
        try:
            names = cls._read_names(homes[cls.members[0]])
        except UserError as error:
            return [str(error)]
        found = []
        if len(names) != 1000:
            found.append(f"wrong: {CLASS_NAMES} has {len(names)} classes, expected 1,000")
        for name in cls.members:
            for part in MEMBERS[name].parts.values():
                found += _problems_of(homes[name] / part, MEMBERS[name], list(names))
        return found

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's images by split (train first), class and file name.

        Raises:
            UserError: If a folder of it is missing, stands for no class, or holds no image.
        """
        if domain not in self._listed:
            self._listed[domain] = tuple(self._list(domain))
        return self._listed[domain]

    def _list(self, domain: str) -> Iterator[Sample]:
        for split, part in MEMBERS[domain].parts.items():
            for wnid, folder in self._folders(domain, split).items():
                inside = f"{self._prefix[domain]}{part}/{folder}"
                files = images(self.root / inside)
                if not files and not self._incomplete:
                    raise UserError(f"missing: {self.root / inside} holds no image; restore it")
                for file in files:
                    yield Sample(f"{inside}/{file}", self._labels[wnid], domain, split=split)

    def classes_of(self, domain: str) -> tuple[int, ...]:
        """Return all classes, or the 200 that the domain has folders of.

        Raises:
            UserError: If the domain is one of 200 classes and its folder is missing.
        """
        if not MEMBERS[domain].subset:
            return super().classes_of(domain)
        return tuple(self._labels[wnid] for wnid in self._folders(domain, "test"))

    def read(self, sample: Sample) -> bytes:
        """Return the file's bytes."""
        return (self.root / sample.key).read_bytes()

    def size(self, sample: Sample) -> int:
        """Return the file's size in bytes."""
        return file_size(self.root, sample.key)

    def fingerprint(self) -> str:
        """Hash the names of all images that are there, and the size of one per class and split.

        To ask for 1.3 million sizes takes minutes over a network; one per class tells resized
        copies apart.
        """
        there = [name for name in self.domains if self._homes_of[name].is_dir()]
        every = [sample for name in there for sample in self.samples(name)]
        first = {(s.domain, s.split, s.label): s.key for s in reversed(every)}
        sized = set(first.values())
        return fingerprint((s.key, self.size(s) if s.key in sized else 0) for s in every)


def _class_folders(path: Path, member: Member, wnids: list[str]) -> dict[str, str]:
    if not path.is_dir():
        raise UserError(f"missing: folder {path}; get it: {member.source}")
    return class_folders(path, wnids, member.numbered)


def _problems_of(path: Path, member: Member, wnids: list[str]) -> Iterator[str]:
    try:
        there = _class_folders(path, member, wnids)
    except UserError as error:
        yield str(error)
        return
    if len(there) != member.classes:
        absent = [] if member.subset else [wnid for wnid in wnids if wnid not in there]
        first = f", first without {absent[0]}" if absent else ""
        kind = "missing" if len(there) < member.classes else "wrong"
        yield f"{kind}: {path} has {len(there)} class folders, expected {member.classes:,}{first}"


def _layout(*names: str) -> str:
    found = []
    for member in (MEMBERS[name] for name in names):
        folder = "<0 to 999>" if member.numbered else "<wnid>"
        found += [f"DIR/{member.home}/{part}/{folder}/*.JPEG" for part in member.parts.values()]
    return f"{', '.join(found)}, DIR/{MEMBERS[names[0]].home}/{CLASS_NAMES} (--data-root DIR)"


def _expected(*names: str) -> Mapping[str, Mapping[str, int]]:
    return {name: MEMBERS[name].counts for name in names}


class ImageNet(Family):
    """ILSVRC 2012 (Russakovsky et al., IJCV 2015)."""

    name = "ImageNet"
    members = (name,)
    summary = "photos, 1,000 classes; the validation images are the test part"
    licence = MEMBERS[name].licence
    source = MEMBERS[name].source
    layout = _layout(name)
    expected_classes = 1000
    expected = _expected(name)
    counts_source = "the published sizes of ILSVRC 2012"


class ImageNetA(Family):
    """Natural adversarial examples (Hendrycks et al., arXiv 1907.07174)."""

    name = "ImageNetA"
    members = (name,)
    trained_within = "ImageNetShift"
    summary = "photos that mislead classifiers, 200 classes of ImageNet; test only"
    licence = MEMBERS[name].licence
    source = MEMBERS[name].source
    layout = _layout(name)
    expected_classes = 200
    expected = _expected(name)
    counts_source = "the published size"


class ImageNetR(Family):
    """Renditions (README of github.com/hendrycks/imagenet-r)."""

    name = "ImageNetR"
    members = (name,)
    trained_within = "ImageNetShift"
    summary = "art, toys, tattoos ... of 200 classes of ImageNet; test only"
    licence = MEMBERS[name].licence
    source = MEMBERS[name].source
    layout = _layout(name)
    expected_classes = 200
    expected = _expected(name)
    counts_source = "README of github.com/hendrycks/imagenet-r"


class ImageNetSketch(Family):
    """Sketches (Wang et al., arXiv 1905.13549)."""

    name = "ImageNetSketch"
    members = (name,)
    trained_within = "ImageNetShift"
    summary = "sketches of the 1,000 classes of ImageNet; test only"
    licence = MEMBERS[name].licence
    source = MEMBERS[name].source
    layout = _layout(name)
    expected_classes = 1000
    expected = _expected(name)
    counts_source = "tables of the literature; the repository says about 50,000"
    counts_certain = False


class ImageNetV2(Family):
    """ImageNetV2 (github.com/modestyachts/ImageNetV2), the matched-frequency images."""

    name = "ImageNetV2"
    members = (name,)
    trained_within = "ImageNetShift"
    summary = "a second test set for ImageNet (matched frequency); test only"
    licence = MEMBERS[name].licence
    source = MEMBERS[name].source
    layout = _layout(name)
    expected_classes = 1000
    expected = _expected(name)
    counts_source = "the published size"


class ImageNetShift(Family):
    """The five as domains of one data set: train on ImageNet, test on all.

    A shifted domain that is missing is an error only when it is asked for.
    """

    name = "ImageNetShift"
    members = tuple(MEMBERS)
    summary = "ImageNet and its shifted test sets A, R, Sketch and V2 as five domains"
    licence = "see the five data sets: ImageNet, ImageNetA, ImageNetR, ImageNetSketch, ImageNetV2"
    source = "see the five data sets: ImageNet, ImageNetA, ImageNetR, ImageNetSketch, ImageNetV2"
    layout = _layout(*members)
    expected_classes = 1000
    expected = _expected(*members)
    counts_source = "see the five data sets"
    source_domain = "ImageNet"
