"""An installation with sample data served over HTTP, and browsers that are signed in to it."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from browsers.find import CHROMIUM, find
from browsers.shared_playwright import shared_playwright
from crmlink.access.sessions import create_session
from crmlink.app import create_app
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.sandbox import SandboxServer
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from crmlink.web.auth import SESSION_COOKIE
from pages.page_cases import Who
from support.faulty_sandbox.serving import running_sandbox
from support.quick_mirrors import introduce
from support.sample_data import SampleData
from support.sample_emails import switch_emails_on
from support.sample_snapshots import sample_snapshot
from support.sandbox import FAST_LIMITS, SandboxHandle, connection_to


@dataclass(frozen=True)
class LiveServer:
    """An installation with sample data that browsers can go to."""

    installation: Installation
    sample: SampleData
    commusoft: SandboxHandle
    address: str

    def context(self, browser: Browser, who: Who, **options: Any) -> BrowserContext:
        """A fresh browser profile, logged in as one of its people."""
        context = browser.new_context(locale="en-GB", reduced_motion="reduce", **options)
        if who != "anonymous":
            person = getattr(self.sample, who)
            value = create_session(self.installation.access, person, "127.0.0.1", "Chrome on Linux")
            context.add_cookies([{"name": SESSION_COOKIE, "value": value, "url": self.address}])
        return context

    @contextmanager
    def pages(self, browser: Browser) -> Iterator[Callable[[Who], Page]]:
        """One page for each of its people, for many visits: a new one compiles every script anew,
        and axe's take half a second of a core."""
        with ExitStack() as stack:

            @functools.cache
            def page_of(who: Who) -> Page:
                context = self.context(browser, who)
                stack.callback(context.close)
                return context.new_page()

            yield page_of


@dataclass(frozen=True)
class SampleInstallation:
    """An installation with sample data, and the sandbox that it is connected to."""

    installation: Installation
    sample: SampleData
    commusoft: SandboxHandle


@contextmanager
def sample_installation(customers: int = 60, suppliers: int = 12) -> Iterator[SampleInstallation]:
    """A sandbox, and an installation with a past."""
    snapshot = sample_snapshot((customers, suppliers))
    with (
        tempfile.TemporaryDirectory(prefix="crmlink-") as folder,
        running_sandbox(snapshot.records()) as sandbox,
    ):
        connection = connection_to(sandbox.address)
        settings = Settings(
            data_dir=Path(folder),
            database_url=snapshot.restore(Path(folder), sandbox),
            secret_key=snapshot.secret_key,
            commusoft=connection,
            requests_per_minute=100_000,
            backup_dir=Path(folder) / "backups",
        )
        client = CommusoftClient(connection, limits=FAST_LIMITS)
        with closing(open_installation(settings, client)) as installation:
            introduce(installation)
            yield SampleInstallation(installation, snapshot.sample, sandbox)


@contextmanager
def running_server(customers: int = 60, suppliers: int = 12) -> Iterator[LiveServer]:
    """An installation with a past, and its pages over HTTP."""
    with sample_installation(customers, suppliers) as site:
        switch_emails_on(site.installation, site.sample)
        app = create_app(site.installation.settings, site.installation)
        with SandboxServer(app) as web:
            yield LiveServer(site.installation, site.sample, site.commusoft, web.url)


@contextmanager
def start_chromium() -> Iterator[Browser]:
    """The machine's Chromium without a window."""
    browser = shared_playwright().chromium.launch(
        executable_path=find(CHROMIUM).path,
        args=["--disable-gpu", "--no-first-run"],
        chromium_sandbox=os.geteuid() != 0,
    )
    try:
        yield browser
    finally:
        browser.close()


LISTEN = """() => {
  window.heardAKey = false;
  addEventListener("keydown", () => { window.heardAKey = true; }, {capture: true, once: true});
}"""


def await_keyboard(page: Page) -> None:
    """Until a key reaches the page: Chromium drops those that come before a page's first picture,
    which on a busy machine is well after its load."""
    page.wait_for_load_state()
    page.evaluate(LISTEN)
    for _ in range(200):
        page.keyboard.press("Shift")  # does nothing by itself
        if page.evaluate("window.heardAKey"):
            return
        page.wait_for_timeout(50)
    raise AssertionError("no key reaches the page")
