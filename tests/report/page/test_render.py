"""The page as a browser's parser sees it: nothing runs, nothing is fetched, no name is markup."""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import random
import shutil
import statistics
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.cli.report import add_arguments, run
from harness.errors import UserError
from harness.report.page.build import build_page
from harness.report.page.model import Published
from harness.report.page.render import render_page, script_json, write_page
from harness.report.tables.model import Row, Table
from harness.store.store import Store
from harness.sweep.calls import one_line
from tests.report.fakes import realistic
from tests.report.page.stores import HOSTILE, hostile

VOID = {"meta", "link", "input", "img", "line", "circle", "polyline", "wbr"}


class Parsed(HTMLParser):
    """Elements with attributes and own text, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.comments: list[str] = []
        self.open: list[int] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append("")
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open[-1]][0] == tag, f"{tag} closes another element"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def all(self, tag: str, **wanted: str) -> list[tuple[dict[str, str], str]]:
        return [
            (attrs, text)
            for (name, attrs), text in zip(self.elements, self.texts, strict=True)
            if name == tag and wanted.items() <= attrs.items()
        ]


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    return Parsed(render_page(build_page(hostile(tmp_path_factory.mktemp("hostile")))))


def test_hostile_names_stay_text(parsed: Parsed) -> None:
    assert parsed.open == []
    assert parsed.comments == []
    labels = {text for attrs, text in parsed.all("span", **{"class": "label"})}
    assert labels == {one_line(name) for name in HOSTILE} | {"lost"}
    assert len(parsed.all("script")) == 2
    assert parsed.all("img") == []


def test_nothing_in_it_can_run_or_fetch(parsed: Parsed) -> None:
    for tag, attrs in parsed.elements:
        assert tag not in ("iframe", "object", "embed", "base", "form", "use", "foreignobject")
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            assert name != "style", tag
            if name in ("href", "src", "action", "srcset", "xlink:href"):
                assert value.startswith(("#", "data:")), value


def test_the_policy_names_the_hashes_of_what_is_there(parsed: Parsed) -> None:
    ((meta, _),) = parsed.all("meta", **{"http-equiv": "Content-Security-Policy"})
    policy = dict(part.strip().split(" ", 1) for part in meta["content"].split(";"))
    ((_, style),) = parsed.all("style")
    ((_, script),) = [one for one in parsed.all("script") if "type" not in one[0]]
    for name, text in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[name] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["img-src"] == "data:"
    # the policy must stand before what it is to hold back
    first = next(i for i, (tag, _) in enumerate(parsed.elements) if tag in ("style", "link"))
    assert parsed.elements.index(("meta", meta)) < first


def test_the_data_is_json_with_every_hostile_text_in_it(parsed: Parsed) -> None:
    ((_, text),) = parsed.all("script", type="application/json")
    assert text.isascii()
    assert "<" not in text
    data = json.loads(text)
    configs = [name for value in data["pool"] if isinstance(value, dict) for name in value]
    assert set(HOSTILE) <= set(configs)


@pytest.mark.parametrize("seed", range(20))
def test_script_json_is_read_back_and_ends_no_element(seed: int) -> None:
    rng = random.Random(seed)
    pieces = ["</script>", "<!--", "-->", "]]>", "\u2028", "\u2029", "\\", '"', "&", "é模", "\x00"]
    value = {"".join(rng.choices(pieces, k=5)): ["".join(rng.choices(pieces, k=9)), 1.5, None]}
    text = str(script_json(value))
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")


def test_the_same_store_gives_the_same_page_wherever_it_lies(tmp_path: Path) -> None:
    store = realistic(tmp_path / "one" / "store")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    first = write_page(store, tmp_path / "a")
    second = write_page(Store(tmp_path / "two" / "store"), tmp_path / "b")
    assert first.name == "leaderboard.html"
    assert first.read_bytes() == second.read_bytes()
    assert str(tmp_path) not in first.read_text(encoding="utf-8")


def test_figures_have_words(tmp_path: Path) -> None:
    store = realistic(tmp_path)
    page = Parsed(render_page(build_page(store)))
    ((attrs, _),) = page.all("img")
    assert attrs["src"].startswith("data:image/png;base64,")
    assert base64.b64decode(attrs["src"].split(",")[1]).startswith(b"\x89PNG")
    own = {"neither": "CLIPood", "AAL + SLS": "AlignCLIP"}
    for name, label in own.items():
        found = [100 * record.accuracy for record in store.records() if record.spec.label == label]
        assert f"{name} {statistics.fmean(found):.1f} %" in attrs["alt"]
    assert attrs["alt"].startswith("Attention alignment (AAL)")


def test_published_figures_stand_beside_ours(tmp_path: Path) -> None:
    def beside(table: Table, row: Row, column: str) -> list[Published]:
        found = (table.key["dataset"], row.method, column) == ("emoji", "clipood", "mean")
        return [Published("96.2 ± <0.1>", "a paper, table 2", "off")] if found else []

    page = Parsed(render_page(build_page(realistic(tmp_path), beside=beside)))
    ((attrs, text),) = page.all("span", **{"class": "published"})
    assert attrs["title"] == "a paper, table 2"
    assert text == "published 96.2 ± <0.1>: off"
    cells = [text for _, text in page.all("td")]
    assert cells[cells.index("96.2 ± <0.1>") :][:3] == ["96.2 ± <0.1>", "off", "a paper, table 2"]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    store = realistic(tmp_path / "store", ablation=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserError, match=r"cannot write .*leaderboard\.html \(.*; give another --out"
    ):
        write_page(store, tmp_path / "file")


def test_the_command_writes_it_beside_the_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    realistic(tmp_path, ablation=False)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = ["--store", str(tmp_path), "--format", "csv", "--html"]
    assert run(parser.parse_args(given)) == 0
    path = tmp_path / "report" / "leaderboard.html"
    assert capsys.readouterr().out.splitlines()[-1] == str(path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not (tmp_path / "report" / "table.md").exists()
    assert run(parser.parse_args([*given[:-1], "--out", str(tmp_path / "other")])) == 0
    assert not (tmp_path / "other" / "leaderboard.html").exists()
