"""Where class names stand in a list that may have a name twice (ImageNet's has two such)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence


def positions(names: Sequence[str], known: Sequence[str]) -> list[int] | None:
    """Return for each of `names` its place in `known`; None if one is not there.

    A name that is there twice is met in order: its first mention is the first place, its second
    the second, so that the whole list gives every place once.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(known):
        places[name].append(place)
    met: dict[str, int] = defaultdict(int)
    found = []
    for name in names:
        own = places.get(name)
        if not own:
            return None
        found.append(own[min(met[name], len(own) - 1)])
        met[name] += 1
    return found
