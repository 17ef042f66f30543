"""The documentation builds as a site, and no link in it leads nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "s")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    home = (tmp_path / "s" / "index.html").read_text(encoding="utf-8")
    assert "CLIP benchmark harness" in home
    assert "quickstart_table.png" in home
    api = (tmp_path / "s" / "api" / "index.html").read_text(encoding="utf-8")
    assert "attention_alignment" in api
    assert "Return AlignCLIP" in api


def test_every_page_of_docs_is_in_the_contents() -> None:
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f": {page.name}\n" in contents, page
