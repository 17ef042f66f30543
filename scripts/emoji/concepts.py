"""The emoji of the benchmark: which of Unicode's emoji form which class."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

SKIPPED_GROUPS = {2, 9}  # emojibase: components (skin tones, hair), flags
MAX_PER_CLASS = 36

# class -> (Unicode subgroups, labels left out because the class's name does not describe them)
CLASSES: dict[str, tuple[str, str]] = {
    "mammal": ("animal-mammal", "paw prints|pig nose|unicorn|mammoth|guide dog|service dog"),
    "bird": ("animal-bird", "feather|wing"),
    "sea animal": ("animal-marine", "spiral shell|coral"),
    "bug": ("animal-bug", "spider web|microbe"),
    "flower": ("plant-flower", ""),
    "plant": ("plant-other", "empty nest|nest with eggs|mushroom|leafless tree"),
    "fruit": ("food-fruit", ""),
    "vegetable": ("food-vegetable", ""),
    "meal": (
        "food-prepared food-asian",
        "salt|canned food|butter|egg|takeout box|fortune cookie|dango|moon cake"
        "|roasted sweet potato|cheese wedge",
    ),
    "dessert": ("food-sweet", "honey pot"),
    "drink": ("drink", "ice|pouring liquid"),
    "building": (
        "place-building place-religious",
        "brick|rock|wood|wedding|building construction|Statue of Liberty|kaaba",
    ),
    "vehicle": (
        "transport-ground",
        "bus stop|motorway|railway track|oil drum|fuel pump|wheel|police car light"
        "|horizontal traffic light|vertical traffic light|stop sign|construction|roller skate"
        "|skateboard|manual wheelchair|motorized wheelchair|station",
    ),
    "weather": (
        "sky-weather",
        "new moon|waxing crescent moon|first quarter moon|waxing gibbous moon|full moon"
        "|waning gibbous moon|last quarter moon|waning crescent moon|crescent moon|new moon face"
        "|first quarter moon face|last quarter moon face|full moon face|thermometer|ringed planet"
        "|star|glowing star|shooting star|milky way|fire|comet|closed umbrella|umbrella"
        "|umbrella on ground|snowman|snowman without snow|umbrella with rain drops|water wave"
        "|droplet",
    ),
    "clock": ("time", "hourglass done|hourglass not done"),
    "sports equipment": ("sport", "bowling|flag in hole"),
    "clothing": (
        "clothing",
        "prayer beads|lipstick|ring|gem stone|hair pick|folding hand fan|shopping bags|purse"
        "|handbag|clutch bag|backpack|glasses|sunglasses|goggles|crown|rescue worker’s helmet"
        "|military helmet",
    ),
    "musical instrument": ("musical-instrument", ""),
    "electronic device": (
        "phone computer light-video",
        "mobile phone with arrow|battery|low battery|electric plug|computer disk|optical disk|dvd"
        "|abacus|film frames|clapper board|videocassette|magnifying glass tilted left"
        "|magnifying glass tilted right|candle|light bulb|red paper lantern|diya lamp"
        "|telephone receiver|floppy disk|flashlight",
    ),
    "tool": (
        "tool",
        "bomb|shield|white cane|link|broken chain|chains|boomerang|balance scale|bow and arrow"
        "|hook|dagger|crossed swords|toolbox|magnet|gear",
    ),
    "hand": (
        "hand-fingers-open hand-fingers-partial hand-single-finger hand-fingers-closed hands",
        "",
    ),
    "face": (
        "face-smiling face-affection face-tongue face-neutral-skeptical face-sleepy face-concerned",
        "",
    ),
    "heart": ("heart", "love letter"),
}

# label -> class: emoji that Unicode files elsewhere
ADDED = {
    "postal horn": "musical instrument",
    "bell": "musical instrument",
    "scissors": "tool",
    "paintbrush": "tool",
}


@dataclass(frozen=True)
class Concept:
    """A pictured thing: one emoji."""

    hexcode: str
    """Code points without the variation selector, upper case, joined by ``-``."""
    label: str
    tags: tuple[str, ...]
    subgroup: str
    emoji: str


def normal(hexcode: str) -> str:
    """Return the code points upper case and without the variation selector."""
    return "-".join(part for part in hexcode.upper().split("-") if part != "FE0F")


def read_concepts(emojibase: Path) -> dict[str, Concept]:
    """Return every emoji by hexcode, from emojibase-data; no components, flags or letters.

    Skin tones are listed within their base emoji there, and so never appear on their own.
    """
    groups = json.loads((emojibase / "meta" / "groups.json").read_text(encoding="utf-8"))
    found = {}
    for entry in json.loads((emojibase / "en" / "data.json").read_text(encoding="utf-8")):
        if entry.get("group") is None or entry["group"] in SKIPPED_GROUPS:
            continue
        code = normal(entry["hexcode"])
        found[code] = Concept(
            code,
            entry["label"],
            tuple(entry.get("tags", ())),
            groups["subgroups"][str(entry["subgroup"])],
            entry["emoji"],
        )
    return found


def class_members(
    concepts: dict[str, Concept], drawn_by_all: set[str] | None = None
) -> dict[str, list[str]]:
    """Return the hexcodes of each class, sorted; large classes are thinned evenly.

    Args:
        concepts: From `read_concepts`.
        drawn_by_all: Keep only these (every domain has a picture); None keeps all, unthinned.

    Raises:
        ValueError: If an excluded label does not exist: a new emoji release renamed it.
    """
    members = {}
    for name, (subgroups, excluded) in CLASSES.items():
        candidates = {
            code: c.label
            for code, c in concepts.items()
            if c.subgroup in subgroups.split() or ADDED.get(c.label) == name
        }
        out = set(filter(None, excluded.split("|")))
        if out - set(candidates.values()):
            raise ValueError(f"class {name}: no emoji is called {out - set(candidates.values())}")
        codes = sorted(
            code
            for code, label in candidates.items()
            if label not in out and (drawn_by_all is None or code in drawn_by_all)
        )
        if drawn_by_all is not None and len(codes) > MAX_PER_CLASS:
            codes = [codes[i * len(codes) // MAX_PER_CLASS] for i in range(MAX_PER_CLASS)]
        members[name] = codes
    return members


def slug(text: str) -> str:
    """Return `text` as icon sets name things: lower case, words joined by ``-``."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub("[’'“”]", "", text.lower())).strip("-")
