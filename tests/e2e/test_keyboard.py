"""The extension as it ships, on a screen, worked by nothing but a keyboard."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from browsers.chromium import Chromium
from browsers.firefox import Firefox
from browsers.keyboard import KeyboardClerk
from browsers.office import Office
from browsers.saved import MARGARET, saved_site, xero_contact
from browsers.screen import Screen, open_screen
from browsers.surface import Browser

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a screen of its own needs Xvfb, which is Linux's"
)


@pytest.fixture
def screen() -> Iterator[Screen]:
    with open_screen() as opened:
        yield opened


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest, screen: Screen) -> Iterator[Browser]:
    """A browser to be seen, with nothing granted beforehand."""
    running: Browser = (
        Chromium(screen=screen.display)
        if request.param == "chromium"
        else Firefox(screen=screen.display)
    )
    yield running
    running.close()


@pytest.fixture
def clerk(browser: Browser, office: Office, screen: Screen) -> KeyboardClerk:
    browser.serve(saved_site())
    clerk = KeyboardClerk(browser, screen)
    clerk.connect(office)
    return clerk


def test_the_shortcut_alone_gives_the_extension_the_page_and_enter_links(
    clerk: KeyboardClerk, office: Office
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    assert clerk.chosen() == "customer-1001"
    allowed = clerk.popup.evaluate("chrome.permissions.getAll()")
    assert allowed["origins"] == ["http://127.0.0.1/*"]

    clerk.press("Enter")
    clerk.sees("linked")
    assert office.reference("customer-1001") == MARGARET

    clerk.press_button("Undo")
    clerk.sees("undone")
    assert office.reference("customer-1001") is None
