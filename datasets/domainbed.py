"""DomainBed's data sets in DomainBed's layout: root/<folder>/<domain>/<class>/*.jpg.

Domains and folders as in DomainBed's datasets.py and scripts/download.py; images in the order of
torchvision's ``ImageFolder``, so that the split is DomainBed's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from harness.data.listing import domain_samples, file_size, folders
from harness.dataset import Dataset, DatasetOptions, Sample
from harness.errors import UserError

DUPLICATES = (
    "duplicates are still in it; delete the files that DomainBed's domain_net_duplicates.txt names "
    "(github.com/facebookresearch/DomainBed, domainbed/misc/): 9,431 of 596,006"
)


class DomainBed(Dataset):
    """Known domains below one folder; what else lies there is reported and never a domain."""

    folder: ClassVar[str]
    """Folder of the data set, below --data-root."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """What the folder is called before DomainBed's download script renames it."""
    classes: ClassVar[tuple[str, ...]] = ()
    """Names of the class folders; empty: those that half of the domains have."""

    root: Path

    def __init__(
        self, options: DatasetOptions, root: Path | None, incomplete: bool = False
    ) -> None:
        if root is None:
            raise UserError(f"data set '{self.name}' needs --data-root DIR; {self.layout}")
        super().__init__(options, self._base(root))
        missing = [p for p in self.problems(root) if p.startswith("missing")]
        if missing and not incomplete:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise UserError(
                f"data set '{self.name}': {missing[0]}{more}; "
                f"all of it: data verify {self.name} --data-root {root}"
            )
        self.domains = tuple(d for d in sorted(self.expected) if (self.root / d).is_dir())
        self._classes = self._class_folders(self.root)
        self.class_names = tuple(name.replace("_", " ") for name in self._classes)
        self._incomplete = incomplete
        self._samples: dict[str, tuple[Sample, ...]] = {}

    @classmethod
    def as_found(cls, root: Path | None) -> DomainBed:
        """Open the domains and classes that are there."""
        return cls(cls.Options(), root, incomplete=True)

    @classmethod
    def _base(cls, root: Path) -> Path:
        # The data set's own folder is accepted where the one that holds it is meant.
        own = not (root / cls.folder).is_dir() and any((root / d).is_dir() for d in cls.expected)
        return root if own else root / cls.folder

    @classmethod
    def import_folder(cls, root: Path) -> Path:
        """Return the data set's folder."""
        return cls._base(root)

    @classmethod
    def _class_folders(cls, base: Path) -> tuple[str, ...]:
        there = [folders(base / domain) for domain in cls.expected if (base / domain).is_dir()]
        names = cls.classes or {name for names in there for name in names}
        half = [n for n in names if cls.classes or 2 * sum(n in t for t in there) >= len(there)]
        return tuple(sorted(half))

    @classmethod
    def problems(cls, root: Path) -> list[str]:
        """Return missing and extra folders of domains and classes."""
        base = cls._base(root)
        if not base.is_dir():
            for name in cls.aliases:
                if (root / name).is_dir():
                    return [f"missing: folder {base}; rename {root / name} to {cls.folder}"]
            return [f"missing: folder {base}; get it: {cls.source}"]
        found = []
        domains = [d for d in cls.expected if (base / d).is_dir()]
        classes = cls._class_folders(base)
        for domain in cls.expected:
            if domain not in domains:
                found.append(f"missing: domain folder {base / domain}")
        for domain in domains:
            there = folders(base / domain)
            absent = [name for name in classes if name not in there]
            if absent:
                found.append(f"missing: class folder(s) in {base / domain}: {', '.join(absent)}")
            stray = [name for name in there if name not in classes]
            if stray:
                found.append(
                    f"extra: {base / domain}: {', '.join(stray)}; no class of {cls.name}, ignored"
                )
        if domains and len(classes) < cls.expected_classes:
            found.append(f"missing: {len(classes)} class folders, {cls.expected_classes} expected")
        # Listed without `folders`, which would hide what this is to show.
        strays = sorted(
            p.name for p in base.iterdir()
            if p.is_dir() and p.name not in cls.expected and not p.name.startswith(".")
        )  # fmt: skip
        return found + [
            f"extra: {base / name}: no domain of {cls.name}, ignored here; DomainBed would take it "
            "for one, delete it" for name in strays
        ]  # fmt: skip

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's images by class, then by file name; listed once, when asked for.

        Raises:
            UserError: If a class has no image.
        """
        if domain not in self._samples:
            found = domain_samples(self.root, domain, self._classes)
            empty = set(range(len(self._classes))) - {sample.label for sample in found}
            if empty and not self._incomplete:
                names = ", ".join(self._classes[label] for label in sorted(empty))
                raise UserError(
                    f"data set '{self.name}': {self.root / domain}: no image of {names}; "
                    "restore the files"
                )
            self._samples[domain] = found
        return self._samples[domain]

    def read(self, sample: Sample) -> bytes:
        """Return the file's bytes."""
        return (self.root / sample.key).read_bytes()

    def size(self, sample: Sample) -> int:
        """Return the file's size in bytes."""
        return file_size(self.root, sample.key)


def _counts(**domains: int) -> Mapping[str, Mapping[str, int]]:
    return {name.replace("__", " "): {"": count} for name, count in domains.items()}


def _layout(folder: str, example: str) -> str:
    return f"DIR/{folder}/<domain>/<class>/*.jpg, e.g. DIR/{folder}/{example}/ (--data-root DIR)"


def _drive(file: str) -> str:
    return f"https://drive.google.com/uc?id={file}"


class PACS(DomainBed):
    """Photos, art paintings, cartoons, sketches (Li et al., ICCV 2017, arXiv 1710.03077)."""

    name = "PACS"
    summary = "photos, art paintings, cartoons and sketches of seven things"
    licence = "none stated by its authors; used for research"
    source = (
        f"{_drive('1JFr8f805nMUelQWWmfnJR3y4_SYoN5Pd')} (zip; rename its folder kfold to PACS), "
        "or Hugging Face flwrlabs/pacs with `data import`"
    )
    layout = _layout("PACS", "art_painting/dog")
    folder = "PACS"
    aliases = ("kfold", "pacs")
    classes = ("dog", "elephant", "giraffe", "guitar", "horse", "house", "person")
    expected_classes = 7
    expected = _counts(art_painting=2048, cartoon=2344, photo=1670, sketch=3929)
    counts_source = "Dassl's PACS class; the sum 9,991 is the Hugging Face card's"
    known_miscounts: ClassVar[Mapping[tuple[str, int], str]] = {
        ("sketch", 3928): "Dassl leaves out dog/n02103406_4068-1.png; DomainBed's copy has it",
    }


class VLCS(DomainBed):
    """Four photo collections (Fang et al., ICCV 2013)."""

    name = "VLCS"
    summary = "photos of five things from Caltech101, LabelMe, SUN09 and VOC2007"
    licence = "those of its four sources; used for research"
    source = f"{_drive('1skwblH1_okBwxWxmRsp9_qi15hyPpxg8')} (tar.gz)"
    layout = _layout("VLCS", "LabelMe/bird")
    folder = "VLCS"
    aliases = ("vlcs",)
    classes = ("bird", "car", "chair", "dog", "person")
    expected_classes = 5
    expected = _counts(Caltech101=1415, LabelMe=2656, SUN09=3282, VOC2007=3376)
    counts_source = "DomainBed's vlcs_files.txt"


class OfficeHome(DomainBed):
    """Things of office and home in four styles (Venkateswara et al., CVPR 2017)."""

    name = "OfficeHome"
    summary = "65 things of office and home: art, clip art, products, photos"
    licence = "fair-use notice on its page, non-commercial research"
    source = (
        f"{_drive('1uY0pj7oFsjMxRwaD3Sxy0jgel0fsYXLC')} (zip; rename its folder "
        "OfficeHomeDataset_10072016 to office_home), or Hugging Face flwrlabs/office-home with "
        "`data import`"
    )
    layout = _layout("office_home", "Real World/Alarm_Clock")
    folder = "office_home"
    aliases = ("OfficeHomeDataset_10072016", "OfficeHome", "officehome", "office-home")
    classes = (
        "Alarm_Clock", "Backpack", "Batteries", "Bed", "Bike", "Bottle", "Bucket",
        "Calculator", "Calendar", "Candles", "Chair", "Clipboards", "Computer", "Couch",
        "Curtains", "Desk_Lamp", "Drill", "Eraser", "Exit_Sign", "Fan", "File_Cabinet",
        "Flipflops", "Flowers", "Folder", "Fork", "Glasses", "Hammer", "Helmet",
        "Kettle", "Keyboard", "Knives", "Lamp_Shade", "Laptop", "Marker", "Monitor",
        "Mop", "Mouse", "Mug", "Notebook", "Oven", "Pan", "Paper_Clip", "Pen", "Pencil",
        "Postit_Notes", "Printer", "Push_Pin", "Radio", "Refrigerator", "Ruler",
        "Scissors", "Screwdriver", "Shelf", "Sink", "Sneakers", "Soda", "Speaker",
        "Spoon", "TV", "Table", "Telephone", "ToothBrush", "Toys", "Trash_Can",
        "Webcam",
    )  # fmt: skip
    expected_classes = 65
    expected = _counts(Art=2427, Clipart=4365, Product=4439, Real__World=4357)
    counts_source = "no list published; the sum 15,588 is the Hugging Face card's"
    counts_certain = False


class TerraIncognita(DomainBed):
    """Camera traps at four places (Beery et al., ECCV 2018; DomainBed's selection)."""

    name = "TerraIncognita"
    summary = "animals before camera traps at four places"
    licence = "CDLA-Permissive 1.0 (Caltech Camera Traps)"
    source = (
        "https://storage.googleapis.com/public-datasets-lila/caltechcameratraps/: "
        "eccv_18_all_images_sm.tar.gz and eccv_18_annotations.tar.gz, sorted into folders by "
        "DomainBed's scripts/download.py"
    )
    layout = _layout("terra_incognita", "location_100/bobcat")
    folder = "terra_incognita"
    aliases = ("TerraIncognita", "terra", "terra_inc")
    classes = (
        "bird", "bobcat", "cat", "coyote", "dog", "empty", "opossum", "rabbit", "raccoon",
        "squirrel",
    )  # fmt: skip
    expected_classes = 10
    expected = _counts(location_100=4741, location_38=9736, location_43=3970, location_46=5883)
    counts_source = (
        "builds differ: 24,330 in all here, 24,788 in the DomainBed paper; an image of several "
        "animals is copied into each one's folder"
    )
    counts_certain = False


class DomainNet(DomainBed):
    """345 things in six styles (Peng et al., ICCV 2019, arXiv 1812.01754), less duplicates."""

    name = "DomainNet"
    summary = "345 things: clip art, infographics, paintings, quick drawings, photos, sketches"
    licence = "fair-use notice on its page, non-commercial research"
    source = (
        "http://csr.bu.edu/ftp/visda/2019/multi-source/: groundtruth/clipart.zip, infograph.zip, "
        "groundtruth/painting.zip, quickdraw.zip, real.zip, sketch.zip; then delete the files in "
        "DomainBed's domain_net_duplicates.txt"
    )
    layout = _layout("domain_net", "clipart/aircraft_carrier")
    folder = "domain_net"
    aliases = ("DomainNet", "domainnet")
    expected_classes = 345
    expected = _counts(
        clipart=48129, infograph=51605, painting=72266, quickdraw=172500, real=172947, sketch=69128
    )
    counts_source = "the sum 586,575 is the DomainBed paper's"
    counts_certain = False
    known_miscounts: ClassVar[Mapping[tuple[str, int], str]] = {
        ("clipart", 48833): DUPLICATES,
        ("infograph", 53201): DUPLICATES,
        ("painting", 75759): DUPLICATES,
        ("real", 175327): DUPLICATES,
        ("sketch", 70386): DUPLICATES,
    }
