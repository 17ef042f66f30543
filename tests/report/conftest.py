"""Shared: a generator of each test's own; headless Chromium, and a page that may fetch nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@dataclass
class Opened:
    """A page in the browser, and what it did that it should not."""

    page: Any
    errors: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)


Open = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium")
    lacking = [] if chromium else ["chromium (Debian: chromium)"]
    if importlib.util.find_spec("playwright") is None:
        lacking.append("playwright (pip)")
    if lacking:
        text = f"{', '.join(lacking)} not installed"
        if os.environ.get("REQUIRE_BROWSER"):  # set by .ci/run: there a skip would hide a failure
            pytest.fail(text)
        pytest.skip(text)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any) -> Open:
    """Return what opens a file; when it is closed, nothing may have gone wrong."""

    @contextmanager
    def open_(path: Path, fragment: str = "", **options: Any) -> Iterator[Opened]:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        context.set_default_timeout(20_000)
        address = path.as_uri()
        page = context.new_page()
        out = Opened(page)

        def asked(route: Any) -> None:
            if route.request.url.split("#")[0].split("?")[0] == address:
                route.continue_()
            else:
                out.fetched.append(route.request.url)
                route.abort()

        context.route("**/*", asked)
        page.on("console", lambda said: out.errors.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: out.errors.append(str(error)))
        page.on("dialog", lambda dialog: out.errors.append(f"dialog: {dialog.message}"))
        page.goto(address + fragment)
        try:
            yield out
            assert out.errors == []
            assert [url for url in out.fetched if not url.startswith("data:")] == []
        finally:
            context.close()

    return open_


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)
