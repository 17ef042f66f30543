"""Hooks of mkdocs: pages made from what lies elsewhere, and links that leave docs/.

The Markdown files are written to be read in the repository. On the site the README is the first
page, and a link to a file that is not on it becomes that file's name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
API = {
    "From Python": ("harness.api",),
    "What a method is": ("harness.method",),
    "What a data set is": ("harness.dataset",),
    "Specs and records": ("harness.specs", "harness.store.records"),
    "The traced forward pass": ("harness.clip.forward", "harness.clip.backbone"),
    "Losses and averages": ("harness.training.losses", "harness.training.averaging"),
    "Statistics": (
        "harness.report.stats.paired", "harness.report.stats.mean", "harness.report.stats.power",
        "harness.report.runs.measures",
    ),
}  # fmt: skip
"""Headings of the API's page, and the modules below each."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made: home, changelog, gallery, API."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = {
        "index.md": _moved(readme),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "gallery.md": _gallery(),
        "api.md": _api(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links to files that are not on the site into their names."""
    return re.sub(r"\[([^\]]+)\]\(\.\./([^)#]+)[^)]*\)", r"\1 (`\2`)", markdown)


def _moved(readme: str) -> str:
    """Return the README as if it lay in docs/."""
    inside = re.sub(r"\]\(docs/", "](", readme)
    inside = inside.replace("](CHANGELOG.md)", "](changelog.md)")
    return re.sub(
        r"\[([^\]]+)\]\((?!http|#)((?:[\w.-]+/)*[\w.-]+)\)",
        lambda link: link[0] if (ROOT / "docs" / link[2]).exists() else f"{link[1]} (`{link[2]}`)",
        inside,
    )


def _gallery() -> str:
    pictures = sorted((ROOT / "docs" / "img").glob("*.png"))
    parts = ["# Gallery", "What `report`, `maps` and `cost` render, from the embedded data."]
    for path in pictures:
        title = path.stem.replace("_", " ").replace("-", " ")
        parts += [f"## {title}", f"![{title}](img/{path.name})"]
    return "\n\n".join(parts) + "\n"


def _api() -> str:
    parts = ["# API", "From the docstrings: arguments with shapes and units, errors, sources."]
    for title, modules in API.items():
        parts += [f"## {title}", *(f"::: {module}" for module in modules)]
    return "\n\n".join(parts) + "\n"
