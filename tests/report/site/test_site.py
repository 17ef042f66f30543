"""A site of two stores: every link leads to a file, and what is said is the stores'."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pandas as pd
import pytest

from harness.cli import main
from harness.errors import UserError
from harness.execution.run import Shared, execute
from harness.protocols.domain_shift import DomainShift
from harness.report.build import Choice, report_blocks
from harness.report.page.render import write_page
from harness.report.site.build import write_site
from harness.report.site.feed import Entry, atom
from harness.report.write import write_report
from harness.specs import DatasetSpec
from harness.store.store import Store
from tests.conftest import make_folder, make_model
from tests.engine import make_context, make_spec
from tests.report.conftest import Open
from tests.report.fakes import keep, packed, plan, record, spec

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    images, model = make_folder(root / "images"), make_model(root / "model")
    stores = [root / "two", root / "a store with blanks & more"]
    for store, label in zip(stores, ("plain", "<script>window.pwned=1</script>"), strict=True):
        for target in ("domain0", "domain1"):
            spec = make_spec("zero_shot", images, model, target=target)
            execute(spec.model_copy(update={"label": label}), Shared(make_context(store, images)))
    write_site(stores, root / "out", "https://example.org/board")
    return root / "out"


def test_every_link_leads_to_a_file(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"#:]+)"', home)
    assert len(links) == 10
    for link in links:
        assert (site / unquote(link)).is_file(), link


def test_tables_say_what_the_report_says(site: Path) -> None:
    for block in report_blocks(Store(site.parent / "two"), Choice()):
        stem = f"table-{block.name}" if block.name else "table"
        file = site / "two" / "tables" / f"{stem}.json"
        found = json.loads(file.read_text(encoding="utf-8"))
        assert found["columns"] == list(block.table.columns)
        for row, own in zip(found["rows"], block.table.rows, strict=True):
            means = [cell["mean"] for cell in row["cells"].values()]
            assert means == [cell.mean for cell in block.table.cells(own)]


def test_every_table_of_the_report_is_there_twice(site: Path, tmp_path: Path) -> None:
    files = write_report(Store(site.parent / "two"), tmp_path, formats=["csv"])
    assert "beyond.csv" in {file.name for file in files}
    for file in files:
        theirs = site / "two" / "tables" / file.name
        assert theirs.read_bytes() == file.read_bytes()
        found = json.loads(theirs.with_suffix(".json").read_text(encoding="utf-8"))
        of_results = isinstance(found, dict)  # by row, with the cells inside
        cells = [cell for row in found["rows"] for cell in row["cells"]] if of_results else found
        assert len(cells) == len(pd.read_csv(file)) > 0


def test_the_archive_is_one_that_can_be_taken_in(site: Path) -> None:
    assert main(["leaderboard", "verify", str(site / "two" / "results.tar.gz")]) == 0


def test_the_feed_is_atom(site: Path) -> None:
    feed = ElementTree.parse(site / "feed.xml").getroot()
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 2
    for entry in entries:
        link = entry.find(f"{ATOM}link")
        assert link is not None
        assert link.get("href", "").startswith("https://example.org/board/")
        assert " " not in link.get("href", "")
        assert entry.findtext(f"{ATOM}updated")


def test_a_feed_without_entries_or_address_is_one() -> None:
    root = ElementTree.fromstring(atom([], ""))
    assert root.findtext(f"{ATOM}updated")
    one = ElementTree.fromstring(atom([Entry("<b>", "a b/", "", "x & y")], ""))
    assert one.findtext(f"{ATOM}entry/{ATOM}title") == "<b>"


def test_two_stores_of_one_name_are_refused(site: Path, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    with pytest.raises(UserError, match="two stores are called 'two'"):
        write_site([site.parent / "two", tmp_path / "two"], tmp_path / "out")


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("width", [1400, 800, 400])
def test_a_browser_shows_it(site: Path, opened: Open, width: int) -> None:
    with opened(site / "index.html", viewport={"width": width, "height": 800}) as it:
        assert it.page.locator("h2").count() == 2
        assert it.page.evaluate("document.scrollingElement.scrollWidth") <= width
        assert it.page.evaluate("window.pwned") is None


def test_tables_of_one_store_have_different_titles(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for part in ("in", "out"):
        run = spec("a", "noto", 0, protocol=DomainShift(test_on=part))
        keep(store, record(run, 1), packed([0, 1], [0, 1]))
    write_site([store.root], tmp_path / "out")
    home = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    titles = re.findall(r'<th scope="row">(.*?)</th>', home)
    assert {title.rpartition(" ")[2] for title in titles} == {"(test-in)", "(test-out)"}


def filled(root: Path, name: str, scores: dict[str, list[int]]) -> Store:
    """Return a store of one table."""
    store = Store(root / name)
    for label, counts in scores.items():
        for seed, right in enumerate(counts):
            run = record(spec(label, "noto", seed, method=label), 1)
            keep(store, run, packed([0] * 20, [0] * right + [1] * (20 - right)))
    return store


def test_a_site_built_again_has_the_files_of_its_stores_alone(tmp_path: Path) -> None:
    out, stores = tmp_path / "out", [filled(tmp_path, name, {"a": [1]}) for name in ("x", "y")]
    write_site([store.root for store in stores], out)
    (out / "CNAME").write_text("board.example.org")
    (out / "y" / "notes.txt").write_text("mine")
    keep(stores[0], record(spec("a", dataset=DatasetSpec(name="other")), 1), packed([0], [0]))
    written = write_site([stores[0].root], out)
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    own = {path.relative_to(out).as_posix() for path in written}
    assert there - own == {"CNAME", "y/notes.txt"}
    assert "x/tables/table.csv" not in there  # there are two now, of other names
    assert not (out / "y" / "tables").exists()
    write_site([stores[1].root], out)
    assert not (out / "x").exists()


def test_a_list_of_files_deletes_none_outside(tmp_path: Path) -> None:
    store, out = filled(tmp_path, "x", {"a": [1]}), tmp_path / "out"
    write_site([store.root], out)
    (tmp_path / "mine.txt").write_text("mine")
    (out / "files.json").write_text('["../mine.txt", "x"]')
    with pytest.raises(UserError, match="cannot write"):
        write_site([store.root], out)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_what_is_no_site_is_left_alone(tmp_path: Path) -> None:
    store = filled(tmp_path, "x", {"a": [1]})
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text("mine")
    with pytest.raises(UserError, match="is of no site that says so in files"):
        write_site([store.root], tmp_path / "docs")
    with pytest.raises(UserError, match="would write the site into the store"):
        write_site([store.root], tmp_path)
    assert (tmp_path / "docs" / "index.html").read_text() == "mine"


def test_the_first_page_names_the_best_of_what_is_whole(tmp_path: Path) -> None:
    scores = {"lucky": [19], "one": [10, 11], "other": [11, 10], "worst": [1, 2]}
    store = filled(tmp_path, "x", scores)
    runs = [spec(label, "noto", seed, method=label) for label in scores for seed in (0, 1)]
    plan(store, "s", runs)
    write_site([store.root], tmp_path / "out")
    home = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<td>one, other</td>" in home
    assert "lucky" not in home


def test_a_run_that_contradicts_itself_is_in_no_archive_and_no_traceback(tmp_path: Path) -> None:
    store = filled(tmp_path, "x", {"a": [1], "b": [2]})
    file = next((store.root / "runs").glob("*/record.json"))
    found = json.loads(file.read_text())
    found["metrics"]["tests"]["target"]["correct"] = 20
    file.write_text(json.dumps(found))
    with pytest.raises(UserError, match=rf"run {found['id']}: metrics.*delete it and run it again"):
        write_site([store.root], tmp_path / "out")
    page = write_page(Store(store.root), tmp_path).read_text()  # that no sweep planned it
    assert found["id"] in page


def test_what_is_said_of_a_store_is_one_line(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(UserError, match="no runs yet"):
        write_site([tmp_path / "a\nb"], tmp_path / "out", note=said.append)
    assert said == ["a b ..."]
