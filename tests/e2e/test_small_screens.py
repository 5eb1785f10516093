"""The popup on a notebook's screen: its steps are in sight, whatever the desktop's scaling."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from browsers.chromium import Chromium
from browsers.keyboard import KeyboardDriver
from browsers.page_driver import wait_for
from browsers.real_services import RunningServices
from browsers.saved import saved_site, xero_contact
from browsers.screen import Screen, open_screen

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a screen of its own needs Xvfb, which is Linux's"
)
NOTEBOOK = (1366, 768)
# What is in sight of the button, in pixels of the popup, and what can be scrolled and how.
SEEN = """(() => {
    const button = document.querySelector('#link').getBoundingClientRect();
    const page = document.documentElement;
    const wider = page.scrollWidth > page.clientWidth;
    const inner = [...document.body.querySelectorAll('*')].filter((one) => {
        const { overflowY } = getComputedStyle(one);
        return /auto|scroll/.test(overflowY) && one.scrollHeight > one.clientHeight;
    });
    return {
        below: Math.max(0, button.bottom - window.innerHeight), above: Math.max(0, -button.top),
        wider, inner: inner.length, height: window.innerHeight,
        room: screen.availHeight - window.innerHeight,
    };
})()"""


@pytest.fixture
def screen() -> Iterator[Screen]:
    with open_screen(NOTEBOOK) as opened:
        yield opened


@pytest.fixture(params=[1, 1.25, 1.5])
def clerk(
    request: pytest.FixtureRequest, screen: Screen, access: RunningServices
) -> Iterator[KeyboardDriver]:
    browser = Chromium(
        screen=screen.display,
        size=NOTEBOOK,
        granted=("http://127.0.0.1/*",),
        flags=(f"--force-device-scale-factor={request.param}",),
    )
    browser.serve(saved_site())
    driver = KeyboardDriver(browser, screen)
    driver.connect(access)
    yield driver
    browser.close()


def test_the_link_button_is_in_sight_and_one_bar_scrolls(clerk: KeyboardDriver) -> None:
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    wait_for(clerk.popup, "window.innerHeight > 300")
    seen = clerk.popup.evaluate(SEEN)
    assert (seen["below"], seen["above"]) == (0, 0), seen
    assert not seen["wider"], seen
    assert seen["inner"] == 0, seen
    assert seen["room"] > 0, seen
