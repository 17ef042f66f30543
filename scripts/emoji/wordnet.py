"""Which WordNet nouns fall under which class: category words for icons that are no emoji."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path

# class -> WordNet 3.1 nouns (lemma#sense) whose hyponyms belong to it
ROOTS: dict[str, str] = {
    "mammal": "mammal#1",
    "bird": "bird#1 poultry#2",
    "reptile": "reptile#1 amphibian#3 dinosaur#1",
    "sea animal": "fish#1 mollusk#1 crustacean#1 cetacean#1 echinoderm#1 coelenterate#1 seal#9",
    "bug": "insect#1 arachnid#1 gastropod#1 worm#1",
    "flower": "flower#1 flower#2",
    "plant": "tree#1 herb#1 shrub#1 leaf#1 houseplant#1 grass#1 succulent#1",
    "fruit": "edible_fruit#1 berry#1 citrus#1",
    "vegetable": "vegetable#1 root_vegetable#1 mushroom#2",
    "meal": "dish#2 bread#1 meat#1 sandwich#1 pasta#2 sausage#1 cheese#1 soup#1 pizza#1",
    "dessert": "dessert#1 cake#3 sweet#3 candy#1 cookie#1 pastry#2 ice_cream#1 chocolate#2",
    "drink": "beverage#1 drinking_vessel#1 glass#2 cup#1 bottle#1 teapot#1 mug#4 coffee#1",
    "building": (
        "building#1 house#1 shop#1 tower#1 place_of_worship#1 castle#2 dwelling#1 stadium#1"
    ),
    "vehicle": "motor_vehicle#1 bicycle#1 locomotive#1 wheeled_vehicle#1 train#1 streetcar#1",
    "boat": "vessel#2 boat#1 ship#1",
    "aircraft": "aircraft#1 spacecraft#1",
    "weather": "weather#1 cloud#2 storm#1 rain#1 snow#2 wind#1",
    "clock": "timepiece#1",
    "sports equipment": "sports_equipment#1 ball#1 racket#4 game_equipment#1",
    "clothing": "garment#1 footwear#1 headdress#1 clothing#1 glove#2 hosiery#1 necktie#1",
    "musical instrument": "musical_instrument#1",
    "electronic device": (
        "computer#1 telephone#1 camera#1 television_receiver#1 electronic_device#1 printer#3 "
        "peripheral#1 radio_receiver#1 loudspeaker#1 projector#2"
    ),
    "tool": "tool#1 hand_tool#1",
    "furniture": "furniture#1 bathtub#1 lamp#2",
    "book": "book#2 notebook#1",
    "hand": "hand#1 fist#1 finger#1",
    "face": "facial_expression#1 face#1",
    "heart": "heart#2",
    "person": "worker#1 professional#1 child#1 adult#1",
    "body part": "body_part#1",
    "weapon": "weapon#1",
    "container": "container#1",
    "kitchenware": "kitchen_utensil#1 cookware#1 cutlery#2",
}

# Icon names whose everyday sense in an icon set is not the noun's first sense.
_NOT_NOUNS = """
snowflake queen comma drone delicious carrier citrus console counter add all app apps arrow
asset back badge bar bars base bat block board border bottom box branch break brush bug bulk
button call cap card cart case cast cell chain chart chat check chip circle clip close cloud
code collection column content control copy core corner cover crop cross cube cursor custom cut
dash data date day dial direction disc display dock dot down draw drive drop edit element end
enter exit export face file fill film filter fit flag flash flip folder fork form frame front
full game go grid group half handle head help hide history hit hub icon image import info input
insert item key kit layer layout left letter level line link list load loader lock log login
logo logout loop mail mark mask mate measure media menu mesh minus mix mode module mouse move
music network new next no note number object off on open option order orientation out package
pad page paint panel part paste path pause pen pin pipe plan plate play plug plus point pole
pool port position post power press print profile pull push python quality quick range rate
record rectangle redo refresh reload remove repeat reply request reset resize return reverse
right ring rotate round route row ruby run safari save scan screen scroll search section select
send server set setting settings shape share shell shield shift shortcut side sign size skip
slide sort space spam speed split square stack star start state stats status step stop store
stream style swap sweep switch symbol sync system tab table tag target task test text theme
thread tick ticket tie time timer title toggle top track transfer translate trash low high draft
doc cog minor auto meter mini java babel blackberry docker doge mastodon picker navigator shrink
topper knockout signal volume battery reader user member guest master slave contact support
admin tree trend triangle turn type ui undo up update upload url view vote wallet water web
wheel window wire word work world wrap write zip zoom swift rust
"""
NOT_NOUNS = frozenset(_NOT_NOUNS.split())


@cache
def _synsets(dictionary: Path) -> dict[int, list[int]]:
    """Hypernyms of each noun synset by offset."""
    found = {}
    for line in (dictionary / "data.noun").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            continue
        parts = line.split(" | ")[0].split()
        words = int(parts[3], 16)
        pointers = parts[4 + 2 * words :]
        count = int(pointers[0])
        rows = [pointers[1 + 4 * i : 5 + 4 * i] for i in range(count)]
        found[int(parts[0])] = [int(row[1]) for row in rows if row[0] in ("@", "@i")]
    return found


@cache
def lemmas(dictionary: Path) -> dict[str, tuple[list[int], int]]:
    """Return lemma -> (synset offsets by frequency, senses that occur in tagged text)."""
    found = {}
    for line in (dictionary / "index.noun").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            continue
        parts = line.split()
        count, pointers = int(parts[2]), int(parts[3])
        offsets = [int(x) for x in parts[6 + pointers : 6 + pointers + count]]
        found[parts[0]] = (offsets, int(parts[5 + pointers]))
    return found


@cache
def _roots(dictionary: Path) -> dict[int, str]:
    index = lemmas(dictionary)
    found = {}
    for name, nouns in ROOTS.items():
        for noun in nouns.split():
            lemma, sense = noun.split("#")
            offsets = index[lemma][0]
            found.setdefault(offsets[min(int(sense), len(offsets)) - 1], name)
    return found


def _ancestors(dictionary: Path, offset: int) -> list[int]:
    """Return the synset and its hypernyms, nearest first."""
    graph, order, level = _synsets(dictionary), [], [offset]
    while level:
        order += level
        level = [up for node in level for up in graph.get(node, []) if up not in order]
    return order


def category(dictionary: Path, noun: str, senses: int = 2) -> str:
    """Return the class that one of the noun's first senses falls under, or an empty string."""
    if noun in NOT_NOUNS:
        return ""
    entry = lemmas(dictionary).get(noun.replace(" ", "_").replace("-", "_"))
    if entry is None:
        return ""
    roots = _roots(dictionary)
    for offset in entry[0][:senses]:
        for node in _ancestors(dictionary, offset):
            if node in roots:
                return roots[node]
    return ""


def common_nouns(dictionary: Path, limit: int) -> list[str]:
    """Return nouns for distillation: those that occur in tagged text first, then the rest."""
    index = lemmas(dictionary)
    words = [w for w in index if w.replace("_", "").isalpha() and w.count("_") <= 1]
    words.sort(key=lambda w: (-index[w][1], -len(index[w][0]), len(w), w))
    return [w.replace("_", " ") for w in words[:limit]]


def by_class(dictionary: Path, nouns: list[str]) -> dict[str, list[str]]:
    """Group nouns by class, for looking at what the roots catch."""
    groups = defaultdict(list)
    for noun in nouns:
        groups[category(dictionary, noun)].append(noun)
    return dict(groups)
