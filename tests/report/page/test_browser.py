"""The page in a browser: sorting, filtering, runs behind cells, keyboard, colours, speed."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.report.page.build import build_page
from harness.report.page.render import render_page, write_page
from harness.report.runs.frame import load_frame
from harness.specs import RunSpec
from harness.sweep.calls import one_line
from tests.report.conftest import Open
from tests.report.page.stores import HOSTILE, TRACE, holed, hostile, large, two_devices

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SHOWN = "rows => rows.filter(row => !row.hidden).map(row => row.querySelector('.label').innerText)"
ROWS = "table.board tbody tr"
# Text on its ground, by WCAG's formula; elements that show nothing of their own are left out.
CONTRASTS = """() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => { const [r, g, b] = rgb.map((c) => c / 255).map((c) =>
    c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (node) => { for (; node; node = node.parentElement) {
    const [r, g, b, a = 1] = numbers(getComputedStyle(node).backgroundColor);
    if (a === 1) return [r, g, b]; } return [255, 255, 255]; };
  return [...document.querySelectorAll('body *')].filter((node) => node.offsetParent &&
    !node.closest('.unseen') && [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim()))
    .map((node) => { const a = light(numbers(getComputedStyle(node).color).slice(0, 3));
      const b = light(ground(node));
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.className, node.innerText]; })
    .sort((x, y) => x[0] - y[0]).slice(0, 3);
}"""


@dataclass
class Site:
    path: Path
    gone: list[RunSpec]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    root = tmp_path_factory.mktemp("site")
    store, gone = holed(root / "store")
    return Site(write_page(store, root), gone)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("several")
    return write_page(two_devices(root / "store"), root)


def shown(page: Any) -> list[str]:
    names: list[str] = page.eval_on_selector_all(ROWS, SHOWN)
    return names


def values(page: Any, column: int) -> list[float | None]:
    found: list[float | None] = page.eval_on_selector_all(
        ROWS, f"rows => rows.map(r => r.cells[{column}].dataset.v ?? null).map(v => v && Number(v))"
    )
    return found


def test_sorting_by_click_and_by_key(site: Site, opened: Open) -> None:
    with opened(site.path) as it:
        head = it.page.locator("table.board thead th", has_text="noto")
        at = head.evaluate("th => th.cellIndex")
        assert it.page.locator("table.board th[aria-sort]").inner_text().startswith("mean")
        head.locator("button").click()
        falling = [value for value in values(it.page, at) if value is not None]
        assert falling == sorted(falling, reverse=True)
        assert head.get_attribute("aria-sort") == "descending"
        assert shown(it.page)[-1] == "AlignCLIP"  # its runs of noto are not there
        it.page.keyboard.press("Enter")
        rising = [value for value in values(it.page, at) if value is not None]
        assert rising == falling[::-1]
        assert head.get_attribute("aria-sort") == "ascending"
        assert shown(it.page)[-1] == "AlignCLIP"
        assert it.page.locator("table.board th[aria-sort]").count() == 1
        it.page.locator("table.board th.method button").first.click()
        assert shown(it.page) == sorted(shown(it.page), key=str.lower)
        assert "Sorted by method, ascending" in it.page.locator("#status").inner_text()


def test_filtering_by_text_and_by_checkbox(site: Site, opened: Open) -> None:
    with opened(site.path) as it:
        assert len(shown(it.page)) == 7
        it.page.fill("#filter", "ALIGN")
        assert sorted(shown(it.page)) == [
            "AlignCLIP",
            "alignclip[aal=false]",
            "alignclip[sls=false]",
        ]
        assert it.page.locator(".point:not(.off)").count() == 2 * len(
            it.page.query_selector_all("figure.plot")
        )  # AlignCLIP has no mean
        it.page.click("#methods summary")
        it.page.get_by_label("alignclip[aal=false]").uncheck()
        assert sorted(shown(it.page)) == ["AlignCLIP", "alignclip[sls=false]"]
        assert it.page.locator("#chosen").inner_text() == "2 of 7"
        it.page.keyboard.press("Escape")
        assert not it.page.locator("#methods").get_attribute("open")
        it.page.fill("#filter", "")
        assert len(shown(it.page)) == 6


def test_columns_can_be_put_away_and_the_address_remembers(site: Site, opened: Open) -> None:
    with opened(site.path) as it:
        cost = it.page.locator("table.board thead th.g-cost").first
        score = it.page.locator("table.board thead th.g-columns").first
        assert not cost.is_visible()  # short: who leads, by how much, and where
        assert score.is_visible()
        it.page.click("#preset")
        assert cost.is_visible()
        assert it.page.url.endswith("?columns=all")
        it.page.get_by_label("domains", exact=True).uncheck()
        assert not score.is_visible()
        it.page.reload()
        assert cost.is_visible()
        assert not score.is_visible()
        it.page.click("#preset")
        it.page.click("#preset")
        assert not cost.is_visible()
        assert "?" not in it.page.url


@pytest.mark.parametrize("width", [1400, 800, 400])
def test_a_table_fits_or_says_that_there_is_more(site: Site, opened: Open, width: int) -> None:
    with opened(site.path, viewport={"width": width, "height": 900}) as it:
        box = it.page.locator("section.view .scroll").first
        wide = box.evaluate("box => box.scrollWidth > box.clientWidth + 4")
        assert it.page.locator(".sideways").first.is_visible() == wide
        assert not (width == 1400 and wide)
        box.evaluate("box => box.scrollLeft = box.scrollWidth")
        it.page.locator(".sideways").first.wait_for(state="hidden")
        # no word of a method's name is broken within itself
        broken = it.page.evaluate("""() => [...document.querySelectorAll('.board .label')].filter(
            (label) => /^[A-Za-z -]+$/.test(label.textContent) &&
            label.getClientRects().length > label.textContent.split(/[ -]/).length).length""")
        assert broken == 0
        plot = it.page.locator("figure.plot:visible svg").first
        assert plot.evaluate("svg => svg.clientWidth") <= width


def test_a_cell_opens_its_runs(site: Site, opened: Open) -> None:
    with opened(site.path) as it:
        row = it.page.locator(ROWS, has_text="CoOp")
        link = row.locator("td a[data-runs]").nth(1)
        link.click()
        dialog = it.page.locator("dialog#run")
        dialog.wait_for()
        assert it.page.locator("#run-h").inner_text() == "CoOp · fluent_3d · seed 0"
        it.page.wait_for_url("**" + link.get_attribute("href"))
        assert it.page.locator("#seeds button").count() == 3
        text = dialog.inner_text()
        for part in ("Metrics", "Configuration", "Specification", "Provenance", "2025-01-01"):
            assert part in text
        given = it.page.locator("#detail tr.given")
        assert given.all_inner_texts() == ["lr\t0.002\t0.002"]
        it.page.locator("#seeds button").nth(2).click()
        assert it.page.locator("#run-h").inner_text().endswith("seed 2")
        it.page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")
        it.page.wait_for_url(lambda url: "#run=" not in url)  # "close" is an event of its own
        assert link.evaluate("link => link === document.activeElement")


def test_a_link_to_a_failed_run_shows_why(site: Site, opened: Open) -> None:
    with opened(site.path, f"#run={site.gone[0].id}") as it:
        assert it.page.locator("#run-h").inner_text() == "AlignCLIP · noto · seed 0"
        assert it.page.locator("#detail .error").inner_text() == "RuntimeError: out of memory"
        assert TRACE in it.page.locator("#detail pre").first.inner_text()
        it.page.locator("#seeds button").nth(1).click()
        assert "neither finished nor failed" in it.page.locator("#detail").inner_text()
        it.page.click("#close")
        it.page.evaluate("location.hash = '#run=0000'")
        it.page.evaluate("location.hash = '#%'")
        it.page.locator("dialog").wait_for(state="hidden")


def test_with_the_keyboard_alone(site: Site, opened: Open) -> None:
    with opened(site.path) as it:
        it.page.keyboard.press("Tab")
        assert it.page.evaluate("document.activeElement.className") == "skip"
        assert it.page.locator("table.board tbody a[tabindex='0']").count() == 1
        it.page.locator("table.board tbody a[tabindex='0']").focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"):
            it.page.keyboard.press(key)
        place = "document.activeElement.closest('tr').rowIndex"
        assert it.page.evaluate(place) == 2
        cell = it.page.evaluate("document.activeElement.closest('td').className")
        assert "g-columns" in cell
        assert it.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        it.page.keyboard.press("Enter")
        it.page.locator("dialog").wait_for()
        it.page.keyboard.press("Escape")
        assert it.page.evaluate(place) == 2
        assert it.page.locator("table.board tbody a[tabindex='0']").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(scheme: str, several: Path, opened: Open) -> None:
    with opened(several, "#all", color_scheme=scheme) as it:
        ground = it.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
        worst = it.page.evaluate(CONTRASTS)
        assert worst[0][0] >= 4.5, worst
        it.page.locator("table.board:visible tbody a").first.click()
        worst = it.page.evaluate(CONTRASTS)
        assert worst[0][0] >= 4.5, worst


def test_the_theme_is_switched_and_kept(site: Site, opened: Open) -> None:
    with opened(site.path, color_scheme="light") as it:
        ground = "getComputedStyle(document.body).backgroundColor"
        before = it.page.evaluate(ground)
        it.page.click("#theme")
        after = it.page.evaluate(ground)
        assert after != before
        it.page.reload()
        assert it.page.evaluate(ground) == after
        it.page.click("#theme")
        assert it.page.evaluate(ground) == before


def test_one_view_at_a_time(several: Path, opened: Open) -> None:
    with opened(several) as it:
        visible = it.page.locator("section.view:visible")
        assert visible.count() == 1
        it.page.select_option("#view", "view-new")
        it.page.locator("#view-new").wait_for()  # the address changes first, its event follows
        assert visible.get_attribute("id") == "view-new"
        it.page.locator("nav a[href='#view-base']").click()
        it.page.locator("#view-base").wait_for()
        assert visible.get_attribute("id") == "view-base"
        assert it.page.locator("nav a[aria-current]").get_attribute("href") == "#view-base"
        tabs = visible.locator(".tabs button")
        assert visible.locator("figure.plot:visible").count() == 1
        tabs.last.click()
        assert visible.locator("figure.plot:visible").get_attribute("data-title") == (
            "Trained parameters"
        )
        it.page.select_option("#view", "all")
        it.page.locator("section.view").nth(3).wait_for()
        assert visible.count() == 4


def test_a_narrow_screen_never_scrolls_sideways(site: Site, several: Path, opened: Open) -> None:
    for path in (site.path, several):
        with opened(path, viewport={"width": 340, "height": 700}) as it:
            for width in (340, 390, 700):
                it.page.set_viewport_size({"width": width, "height": 700})
                assert it.page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_on_paper_there_is_nothing_to_press(several: Path, opened: Open) -> None:
    with opened(several) as it:
        it.page.emulate_media(media="print")
        assert not it.page.locator(".tools").is_visible()
        assert not it.page.locator("#theme").is_visible()
        scroll = it.page.locator(".scroll:visible").first
        assert scroll.evaluate("box => getComputedStyle(box).overflow") == "visible"


def test_without_scripts_everything_is_there(several: Path, opened: Open) -> None:
    with opened(several, java_script_enabled=False) as it:
        assert it.page.locator("section.view:visible").count() == 4
        assert not it.page.locator(".tools").is_visible()


def test_hostile_names_are_inert(tmp_path: Path, opened: Open) -> None:
    path = write_page(hostile(tmp_path / "store"), tmp_path)
    with opened(path) as it:
        labels = set(shown(it.page))
        assert labels == {" ".join(one_line(name).split()) for name in HOSTILE} | {"lost"}
        for row in it.page.locator(ROWS).all():
            row.locator("td a").first.click()
            assert it.page.locator("#run-h").inner_text() != ""
            for button in it.page.locator("#seeds button").all()[1:]:
                button.click()
            it.page.keyboard.press("Escape")
        it.page.fill("#filter", "<script>")
        assert len(shown(it.page)) == 2
        assert it.page.evaluate("window.pwned") is None
        assert it.page.locator("img, iframe, body script ~ script ~ script").count() == 0


def test_nothing_is_fetched_even_if_something_got_in(
    site: Site, tmp_path: Path, opened: Open
) -> None:
    """The policy itself: markup that another hand put in neither runs nor loads."""
    text = site.path.read_text(encoding="utf-8")
    evil = "<script>window.pwned=1</script><img src='http://x.invalid/a.png' onerror='pwned=1'>"
    path = tmp_path / "page.html"
    path.write_text(text.replace("<main", evil + "<main", 1), encoding="utf-8")
    with opened(path) as it:
        assert it.page.evaluate("window.pwned") is None
        assert it.fetched == []
        assert any("Content Security Policy" in error for error in it.errors)
        it.errors.clear()


def test_fifty_methods_by_forty_domains_stay_quick(tmp_path: Path, opened: Open) -> None:
    store = large(tmp_path / "store")
    start = time.process_time()
    load_frame(store)  # what any report must pay on this machine
    read = time.process_time() - start
    start = time.process_time()
    text = render_page(build_page(store))
    assert time.process_time() - start < 10 * read
    assert len(text) < 8_000_000
    path = tmp_path / "large.html"
    path.write_text(text, encoding="utf-8")
    with opened(path) as it:
        session = it.page.context.new_cdp_session(it.page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})  # CPU, not the clock

        def spent() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            found = {one["name"]: one["value"] for one in metrics}
            return 1000 * sum(
                found[f"{kind}Duration"] for kind in ("Script", "Layout", "RecalcStyle")
            )

        def cost(script: str, at: int) -> float:
            before = spent()
            it.page.evaluate(script, at)
            return spent() - before

        # What any page must pay on this machine: the same rows in another order, laid out once.
        reverse = """() => {
            const body = document.querySelector('table.board tbody');
            body.append(...[...body.rows].reverse());
            document.body.offsetHeight;
        }"""
        click = """at => {
            document.querySelectorAll('table.board thead button')[at].click();
            document.body.offsetHeight;
        }"""
        ratios = [cost(click, at) / cost(reverse, at) for at in (3, 20, 1, 3, 20)]
        assert statistics.median(ratios) < 2.5, ratios
        assert len(shown(it.page)) == 50
