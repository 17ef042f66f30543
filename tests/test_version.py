from __future__ import annotations

import pytest

from harness import resources
from harness.cli.main import main


def test_the_version_stands_in_one_place(capsys: pytest.CaptureFixture[str]) -> None:
    from harness import __version__

    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"clip-benchmark-harness {__version__}\n"
    if not resources.INSTALLED:
        citation = (resources.ROOT / "CITATION.cff").read_text(encoding="utf-8")
        assert f"\nversion: {__version__}\n" in citation
        changes = (resources.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        assert f"\n## {__version__} (" in changes
