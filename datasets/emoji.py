"""Embedded: the same emoji drawn by four vendors, from shaded art to line drawings."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.dataset import Dataset, DatasetOptions, Sample
from harness.errors import UserError

DATA = Path(__file__).resolve().parent / "emoji_data"
LINE_DRAWINGS = "openmoji_line"
"""Only the strokes are opaque there."""


class Emoji(Dataset):
    """One zip per domain; a group is an emoji, which stands in every domain."""

    name = "emoji"
    summary = "the same Unicode emoji by four vendors, 64 x 64; comes with the repository"
    licence = "Apache-2.0, CC-BY 4.0, MIT, CC-BY-SA 4.0 by domain: datasets/emoji_data/LICENSES.md"
    source = "embedded; scripts/emoji/build_dataset.py makes it again from npm packages"
    needs_root = False
    layout = "datasets/emoji_data/<domain>.zip with <class>/<code points>.webp, and index.json"
    expected_classes = 23
    expected: ClassVar[Mapping[str, Mapping[str, int]]] = {
        domain: {"": 512} for domain in ("fluent_3d", "noto", "openmoji_line", "twemoji")
    }
    counts_source = "datasets/emoji_data/index.json"
    small = True

    def __init__(self, options: DatasetOptions, root: Path | None) -> None:
        super().__init__(options, None)
        index_file = DATA / "index.json"
        if not index_file.is_file():
            raise UserError(
                f"{index_file} is missing; restore the folder from the repository, or install again"
            )
        self.class_names = tuple(json.loads(index_file.read_text(encoding="utf-8"))["classes"])
        self.domains = tuple(sorted(path.stem for path in DATA.glob("*.zip")))
        self._zips = {domain: zipfile.ZipFile(DATA / f"{domain}.zip") for domain in self.domains}
        labels = {name.replace(" ", "_"): i for i, name in enumerate(self.class_names)}
        self._samples = {
            domain: tuple(
                sorted(
                    (
                        Sample(
                            f"{domain}/{name}", labels[name.split("/")[0]], domain, Path(name).stem
                        )
                        for name in archive.namelist()
                    ),
                    key=lambda sample: (sample.label, sample.key),
                )
            )
            for domain, archive in self._zips.items()
        }

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's emoji by class, then by code point."""
        return self._samples[domain]

    def read(self, sample: Sample) -> bytes:
        """Return the WebP file's bytes."""
        return self._zips[sample.domain].read(sample.key.split("/", 1)[1])

    def mask(self, sample: Sample) -> NDArray[np.uint8]:
        """Return the opacity, [64, 64]; of a line drawing also what its lines enclose.

        Strokes have gaps: those up to four pixels wide count as closed. Many shapes stay open and
        are their strokes alone, so this domain's masks are the roughest.
        """
        with Image.open(io.BytesIO(self.read(sample))) as image:
            alpha = np.asarray(image.convert("RGBA").getchannel("A"))
        if sample.domain != LINE_DRAWINGS:
            return alpha
        from scipy.ndimage import binary_closing, binary_fill_holes  # for maps alone

        closed = binary_closing(np.pad(alpha > 127, 4), iterations=2)
        inside = binary_fill_holes(closed)[4:-4, 4:-4]
        return np.where(inside, np.uint8(255), alpha)

    def size(self, sample: Sample) -> int:
        """Return the WebP file's size in bytes."""
        return self._zips[sample.domain].getinfo(sample.key.split("/", 1)[1]).file_size
