"""Real browsers with the real extension, against a real server and a sandbox over HTTP."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from browsers.chromium import Chromium
from browsers.firefox import Firefox
from browsers.page_driver import THIS_MACHINE, Browser
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices, ServicesAhead
from browsers.saved import saved_site
from e2e.commusoft_pages.pages import CommusoftPages, bundle


@pytest.fixture(scope="session", autouse=True)
def _end_in_order() -> Iterator[None]:
    """A run that is told to end still closes its browsers and servers."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium for all tests of this folder, which each have a server of their own."""
    with closing(Chromium((THIS_MACHINE,))) as running:
        yield running


@pytest.fixture(scope="session")
def firefox() -> Iterator[Browser]:
    """A headless Firefox, kept in the same way."""
    with closing(Firefox()) as running:
        yield running


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Browser:
    """Each of the two."""
    running: Browser = request.getfixturevalue(request.param)
    return running


@pytest.fixture(scope="session")
def services_ahead() -> Iterator[ServicesAhead]:
    """Where tests get their services_ahead from."""
    with closing(ServicesAhead()) as opened:
        yield opened


@pytest.fixture
def access(services_ahead: ServicesAhead) -> Iterator[RunningServices]:
    """A server and a Commusoft that no one has touched."""
    with services_ahead.next() as opened:
        yield opened


@pytest.fixture(scope="session")
def commusoft_bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of the imitated pages that have to be put together first."""
    return bundle(tmp_path_factory.mktemp("commusoft"))


@pytest.fixture
def commusoft(browser: Browser, commusoft_bundles: Path) -> CommusoftPages:
    """Imitations of Commusoft's pages, with real frameworks, under its address."""
    return CommusoftPages(browser, commusoft_bundles)


@pytest.fixture
def clerk(browser: Browser, access: RunningServices) -> PopupDriver:
    """A clerk whose extension is connected to the office's server."""
    browser.serve(saved_site())
    clerk = PopupDriver(browser)
    clerk.connect(access)
    return clerk
