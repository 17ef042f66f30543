"""An Atom feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote
from xml.etree import ElementTree

_ATOM = "http://www.w3.org/2005/Atom"
_NEVER = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Entry:
    """One thing that changes."""

    title: str
    path: str
    """Below the site's address."""
    updated: str
    """ISO 8601, UTC."""
    summary: str


def atom(entries: Sequence[Entry], address: str) -> bytes:
    """Return the feed, the entries in their order.

    Args:
        entries: What there is.
        address: Where the site is served; without one links are relative.
    """
    base = address.rstrip("/") + "/" if address else ""
    ElementTree.register_namespace("", _ATOM)
    feed = ElementTree.Element(f"{{{_ATOM}}}feed")
    _add(feed, "title", "clip-bench leaderboard")
    _add(feed, "id", base or "urn:clip-bench:leaderboard")
    _add(feed, "updated", max((e.updated for e in entries if e.updated), default=_NEVER))
    author = ElementTree.SubElement(feed, f"{{{_ATOM}}}author")
    _add(author, "name", "clip-bench")
    if base:
        ElementTree.SubElement(feed, f"{{{_ATOM}}}link", rel="self", href=base + "feed.xml")
    for entry in entries:
        path = quote(entry.path)
        own = ElementTree.SubElement(feed, f"{{{_ATOM}}}entry")
        _add(own, "title", entry.title)
        _add(own, "id", (base or "urn:clip-bench:") + path)
        _add(own, "updated", entry.updated or _NEVER)
        _add(own, "summary", entry.summary)
        ElementTree.SubElement(own, f"{{{_ATOM}}}link", href=base + path)
    text: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return text


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}").text = text
