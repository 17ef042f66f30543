"""The page as HTML: one file, nothing fetched, nothing run but the script it carries."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.console.output import writing
from harness.report.build import Choice, Reported
from harness.report.page.build import build_page
from harness.report.page.model import Beside, Page
from harness.store.files import write_atomically
from harness.store.store import Store

FILE = "leaderboard.html"
_TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


def write_page(
    store: Store,
    out_dir: Path,
    choice: Choice | None = None,
    beside: Beside | None = None,
    reported: Sequence[Reported] | None = None,
) -> Path:
    """Write the page of a store and return the file.

    Args:
        store: What to report; only read.
        out_dir: Made if it is not there. A page that is there is replaced.
        choice: What to report, and how; by default everything.
        beside: Gives published numbers that go beside ours.
        reported: What `report_blocks` returned for this store and choice, if it is at hand.

    Raises:
        UserError: If nothing is there to report, a name is unknown, or the file cannot be written.
    """
    path = out_dir / FILE
    data = render_page(build_page(store, choice, beside, reported)).encode()
    with writing(path):
        write_atomically(path, data)
    return path


def render_page(page: Page) -> str:
    """Return the page. The same page gives the same text.

    Every name in it is escaped by the template. The policy lets the browser run only the one
    script and the one style sheet whose hashes it names, and fetch nothing.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    environment.filters["breakable"] = _breakable
    style, script = (_own(f"leaderboard.{kind}") for kind in ("css", "js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return environment.get_template("leaderboard.html.j2").render(
        page=page, style=style, script=script, policy=policy, data=script_json(page.data)
    )


def _breakable(label: str) -> Markup:
    """Return a label, escaped, that may break where its parts begin."""
    return Markup("<wbr>").join(re.split(r"(?=[\[(])|(?<=[,=_-])", label))


def script_json(value: Any) -> Markup:
    """Return JSON that may stand in a script element, whatever its texts hold.

    All but ASCII is escaped (U+2028 ends a line in scripts), and so are the characters that could
    end the element or open a comment in it.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=str)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _own(name: str) -> Markup:
    """Return one of our own files, which is markup as it stands."""
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
