"""Make a stand-in of a large public data set in its full size: hard links of a few photographs.

    python scripts/stand_in.py DomainNet DIR     586,575 files, DomainBed's layout
    python scripts/stand_in.py ImageNet DIR      1,331,167 files, CoOp's layout

What is measured on it is listing, planning, decoding and memory; its accuracies mean nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import registry
from harness.bench.pictures import photograph

PHOTOGRAPHS = 64


def folders(name: str, share: float) -> Iterator[tuple[str, int]]:
    """Yield each class folder of a data set and how many images it has."""
    cls = registry.dataset_class(name)
    for domain, parts in cls.expected.items():
        for part, count in parts.items():
            for label in range(cls.expected_classes):
                first, last = (count * (label + i) // cls.expected_classes for i in (0, 1))
                images = max(1, round((last - first) * share))
                if name == "ImageNet":
                    inside = "val" if part == "test" else "train"
                    yield f"imagenet/images/{inside}/n{label:08d}", images
                else:
                    yield f"{cls.folder}/{domain}/class_{label:03d}", images  # type: ignore[attr-defined]


def make(name: str, root: Path, share: float = 1.0) -> int:
    """Write the data set; return how many files it has.

    Args:
        name: ImageNet, or a data set in DomainBed's layout.
        root: Its data root.
        share: Of the images of each class, at least one.
    """
    photographs = []
    (root / "photographs").mkdir(parents=True)
    for number in range(PHOTOGRAPHS):
        photographs.append(root / "photographs" / f"{number}.jpg")
        photograph(number).save(photographs[-1], quality=90)
    count = 0
    for folder, images in folders(name, share):
        (root / folder).mkdir(parents=True)
        for number in range(images):
            os.link(photographs[count % PHOTOGRAPHS], root / folder / f"{number:05d}.jpg")
            count += 1
    if name == "ImageNet":
        lines = "".join(f"n{label:08d} thing {label}\n" for label in range(1000))
        (root / "imagenet" / "classnames.txt").write_text(lines)
    return count


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("name", choices=["DomainNet", "ImageNet"])
    parser.add_argument("root", type=Path)
    parser.add_argument("--share", type=float, default=1.0, help="of each class (%(default)s)")
    args = parser.parse_args()
    print(f"{make(args.name, args.root, args.share):,} files in {args.root}")


if __name__ == "__main__":
    main()
