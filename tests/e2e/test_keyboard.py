"""The extension as it ships, on a screen, worked by nothing but a keyboard."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from browsers.chromium import Chromium
from browsers.firefox import Firefox
from browsers.keyboard import KeyboardDriver
from browsers.page_driver import Browser
from browsers.real_services import RunningServices
from browsers.saved import MARGARET, saved_site, xero_contact
from browsers.screen import Screen, open_screen
from support.access_factories import make_person

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
def stranger(browser: Browser, screen: Screen) -> KeyboardDriver:
    """Somebody who has just installed the extension."""
    browser.serve(saved_site())
    return KeyboardDriver(browser, screen)


@pytest.fixture
def clerk(stranger: KeyboardDriver, access: RunningServices) -> KeyboardDriver:
    stranger.connect(access)
    return stranger


def test_the_shortcut_alone_gives_the_extension_the_page_and_enter_links(
    clerk: KeyboardDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    assert clerk.chosen() == "customer-1001"
    allowed = clerk.popup.evaluate("chrome.permissions.getAll()")
    assert allowed["origins"] == ["http://127.0.0.1/*"]

    clerk.press("Enter")
    clerk.sees("linked")
    assert access.reference("customer-1001") == MARGARET

    clerk.press_button("Undo")
    clerk.sees("undone")
    assert access.reference("customer-1001") is None


def test_connect_in_the_popup_goes_on_though_the_browsers_question_may_close_it(
    stranger: KeyboardDriver, access: RunningServices
) -> None:
    anna = make_person(access.access_context, "clerk", "Anna Kowalska")
    server = access.server.address
    stranger.look_at(xero_contact())
    stranger.link_to_crm("not-connected")
    stranger.popup.evaluate(f"document.querySelector('#server').value = {json.dumps(server)}")
    stranger.press("Enter")
    stranger.answer_prompt()
    stranger.approve(server, anna)
    stranger.look_at(xero_contact())
    stranger.link_to_crm()
    assert "Anna Kowalska" in stranger.reads()


def test_a_contact_is_parked_and_unparked_by_keyboard_alone(
    clerk: KeyboardDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.reach("document.querySelector('#park')")
    clerk.press("Enter")
    clerk.waits_for("until it is added to Commusoft")
    assert access.reference("customer-1001") is None

    clerk.press_button("Remove")
    clerk.waits_for("Not in Commusoft yet?")
    assert clerk.popup.evaluate("document.activeElement !== document.body")
