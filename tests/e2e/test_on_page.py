"""The Link to CRM button on the contact's own page, where a person has switched it on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from browsers.chromium import Chromium
from browsers.firefox import Firefox
from browsers.page_driver import PATIENCE, SEEN, Browser, wait_for
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import another_contact, saved_site, xero_contact
from e2e.turns import in_chromium, in_firefox

XERO = "https://go.xero.com/*"
OTHER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser that lets the extension have Xero's pages as soon as it asks for them."""
    if request.param == "firefox":  # it asks no one: the one of all files will do
        yield request.getfixturevalue("firefox")
        return
    with closing(Chromium(("http://127.0.0.1/*", XERO))) as running:
        yield running


@pytest.fixture(params=["chromium", "firefox"])
def fresh(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser for one test, which may break it."""
    running: Browser = (
        Chromium(("http://127.0.0.1/*", XERO)) if request.param == "chromium" else Firefox()
    )
    yield running
    running.close()


@pytest.fixture
def clerk(browser: Browser, access: RunningServices) -> Iterator[PopupDriver]:
    """A connected clerk, with the button switched on in Xero."""
    browser.serve({**saved_site(), **another_contact(OTHER, name="Ruth Adeyemi")})
    clerk = PopupDriver(browser)
    clerk.connect(access)
    assert "is on in Xero" in clerk.switch_on_page("xero")
    yield clerk
    if _is_on(clerk):
        clerk.switch_on_page("xero")


def _is_on(clerk: PopupDriver) -> bool:
    page = clerk.browser.open_own_page("options/options.html")
    try:
        wait_for(page, "document.querySelector('#on-page-xero')")
        on: bool = page.evaluate(
            "document.querySelector('#on-page-xero').getAttribute('aria-checked') === 'true'"
        )
        return on
    finally:
        page.close()


def test_the_button_stands_beside_the_name_and_says_linked_after_linking(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.finds_button("Link to CRM Not linked")
    assert clerk.page
    assert clerk.page.evaluate("!!document.querySelector('h1 > crmlink-button')")

    clerk.link_to_crm()
    clerk.press("Enter")
    clerk.sees("linked")
    clerk.finds_button("Link to CRM Linked")
    clerk.press_button("Undo")
    clerk.sees("undone")
    clerk.finds_button("Link to CRM Not linked")


@in_chromium
def test_the_button_follows_the_page_to_another_contact_and_away_from_all(
    clerk: PopupDriver, access: RunningServices
) -> None:
    access.commusoft.put_reference("customer-1010", OTHER)
    access.crmlink("sync")
    clerk.look_at(xero_contact())
    clerk.finds_button("Link to CRM Not linked")
    _move_without_loading(clerk, xero_contact(OTHER))
    clerk.finds_button("Link to CRM Linked")
    _move_without_loading(clerk, "https://go.xero.com/app/!kR4N6/dashboard")
    clerk.finds_button(None)
    _move_without_loading(clerk, xero_contact())
    clerk.finds_button("Link to CRM Not linked")


@in_firefox
def test_a_page_that_is_drawn_anew_gets_its_button_again_and_only_one(clerk: PopupDriver) -> None:
    clerk.look_at(xero_contact())
    clerk.finds_button("Link to CRM Not linked")
    assert clerk.page
    clerk.page.evaluate("(document.querySelector('h1').textContent = 'Margaret Holloway', true)")
    clerk.finds_button("Link to CRM Not linked")
    assert clerk.page.evaluate("document.querySelectorAll('crmlink-button').length") == 1


@in_chromium
def test_without_a_place_beside_a_name_it_stands_at_the_edge_over_nothing_to_press(
    clerk: PopupDriver,
) -> None:
    clerk.look_at(xero_contact())
    clerk.finds_button("Link to CRM Not linked")
    assert clerk.page
    clerk.page.evaluate(_WITHOUT_NAME)
    wait_for(clerk.page, "document.querySelector('html > crmlink-button')")
    clerk.finds_button("Link to CRM Not linked")
    assert clerk.page.evaluate(_COVERS) == []


@in_firefox
def test_a_page_full_of_controls_is_not_covered_at_all(clerk: PopupDriver) -> None:
    clerk.look_at(xero_contact())
    clerk.finds_button("Link to CRM Not linked")
    assert clerk.page
    clerk.page.evaluate(
        "(document.body.innerHTML = '<button style=\"position:fixed;inset:0\">all</button>', true)"
    )
    clerk.finds_button(None)


def test_the_keyboard_reaches_the_button_and_it_opens_the_popup_on_this_contact(
    clerk: PopupDriver, browser: Browser
) -> None:
    clerk.look_at(xero_contact())
    clerk.finds_button("Link to CRM Not linked")
    clerk.press_on_page()
    _wait(lambda: browser.popup_is_open() or browser.window_on_page())


def test_switched_off_nothing_of_it_is_left_on_an_open_page(
    clerk: PopupDriver, browser: Browser
) -> None:
    clerk.look_at(xero_contact())
    clerk.finds_button("Link to CRM Not linked")
    assert clerk.page
    before = clerk.page
    assert "is off in Xero" in clerk.switch_on_page("xero")
    clerk.finds_button(None)
    assert not before.evaluate("!!document.querySelector('crmlink-button')")
    if browser.name == "firefox":  # in Chromium the tests' copy holds the permission for good
        page = browser.open_own_page("options/options.html")
        held = page.evaluate(f"chrome.permissions.contains({{origins: [{json.dumps(XERO)}]}})")
        page.close()
        assert held is False
    clerk.look_at(xero_contact())
    clerk.finds_button(None)


def test_disconnected_the_button_goes(clerk: PopupDriver, browser: Browser) -> None:
    clerk.look_at(xero_contact())
    clerk.finds_button("Link to CRM Not linked")
    page = browser.open_own_page("options/options.html")
    page.evaluate("chrome.runtime.sendMessage({ type: 'disconnect' })")
    page.close()
    clerk.finds_button(None)


def test_with_the_extension_gone_the_button_is_not_seen_any_more(
    access: RunningServices, fresh: Browser
) -> None:
    fresh.serve(saved_site())
    clerk = PopupDriver(fresh)
    clerk.connect(access)
    assert "is on in Xero" in clerk.switch_on_page("xero")
    clerk.look_at(xero_contact())
    clerk.finds_button("Link to CRM Not linked")
    assert clerk.page
    clerk.page.evaluate(_NOTE_ERRORS)
    fresh.remove_extension()
    wait_for(clerk.page, f"!{SEEN}")
    clerk.page.evaluate("(history.pushState(null, '', '#moved'), document.body.append('x'))")
    wait_for(clerk.page, "new Promise((done) => setTimeout(() => done(true), 1500))")
    assert clerk.page.evaluate("window.noted") == []
    assert clerk.page.evaluate(SEEN) is False


_NOTE_ERRORS = """(() => {
    window.noted = [];
    addEventListener('error', (event) => noted.push(event.message));
    addEventListener('unhandledrejection', (event) => noted.push(String(event.reason)));
    return true;
})()"""
_WITHOUT_NAME = """(() => {
    for (const one of document.querySelectorAll('h1')) one.remove();
    const inTheWay = document.createElement('button');
    inTheWay.style.cssText = 'position:fixed; right:0; top:30%; width:60px; height:25%';
    document.body.append(inTheWay);
    return true;
})()"""
# What can be pressed under the button, looked at point by point.
_COVERS = """(() => {
    const host = document.querySelector('crmlink-button');
    const { left, right, top, bottom } = host.getBoundingClientRect();
    const found = new Set();
    for (let y = top + 1; y < bottom; y += 2)
        for (let x = left + 1; x < right; x += 2)
            for (const one of document.elementsFromPoint(x, y))
                if (one !== host && one.closest('a, button, input')) found.add(one.outerHTML);
    return [...found];
})()"""


def _move_without_loading(clerk: PopupDriver, url: str) -> None:
    assert clerk.page
    clerk.page.evaluate(f"(history.pushState(null, '', {json.dumps(url)}), true)")


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)
