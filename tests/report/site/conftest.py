"""The page's browser, for the site, too."""

from tests.report.page.conftest import browser, opened

__all__ = ["browser", "opened"]
