"""From a contact to its reference on Commusoft's own page: decided, filled, saved, seen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browsers.chromium import Chromium
from browsers.firefox import Firefox
from browsers.page_driver import PATIENCE, Browser, Panel, wait_for
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import MARGARET, xero_contact
from crmlink.store import Workspace, Writes
from e2e.commusoft_pages import ORIGIN, VARIANTS, CommusoftPages, OpenPage

COMMUSOFT = (f"{ORIGIN}/*", "https://app.commusoft.us/*")
PLAIN = next(one for one in VARIANTS if one.name == "plain-old")
FRAMEWORKS = [one for one in VARIANTS if one.name in ("angularjs", "angular", "react", "vue")]
RECORD = "customer-1001"


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser that lets the extension have Commusoft's pages as soon as it asks for them."""
    running: Browser = (
        Chromium(("http://127.0.0.1/*", *COMMUSOFT)) if request.param == "chromium" else Firefox()
    )
    yield running
    running.close()


@pytest.fixture
def commusoft(browser: Browser, commusoft_bundles: Path) -> CommusoftPages:
    """Commusoft's pages in this module's browser."""
    return CommusoftPages(browser, commusoft_bundles)


@pytest.fixture
def clerk(
    browser: Browser, access: RunningServices, commusoft: CommusoftPages
) -> Iterator[PopupDriver]:
    """A clerk of a workspace that writes on Commusoft's pages, with the mode switched on."""
    with access.doors.database.writing() as session:
        session.get_one(Workspace, access.doors.workspace_id).writes = Writes.PAGES
    commusoft.serve(PLAIN)
    clerk = PopupDriver(browser)
    clerk.connect(access)
    assert "now works" in clerk.switch_on_page("commusoft")
    yield clerk
    clerk.switch_on_page("commusoft")


class Assist:
    """The panel on the page in front."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def says(self, words: str, seconds: float = PATIENCE) -> Panel:
        """Wait until the panel says this."""
        until = time.monotonic() + seconds
        while True:
            panel = self.browser.on_page_panel()
            if panel and words in panel.words:
                return panel
            if time.monotonic() > until:
                raise AssertionError(f"the panel says {panel}, not {words!r}")
            time.sleep(0.1)

    def is_gone(self) -> None:
        """Wait until there is no panel."""
        until = time.monotonic() + PATIENCE
        while self.browser.on_page_panel():
            assert time.monotonic() < until, self.browser.on_page_panel()
            time.sleep(0.1)

    def press(self, page: OpenPage, button: str) -> None:
        """Walk to a button of the panel with the Tab key, and press it."""
        time.sleep(0.4)  # a key that comes at once is taken for the one before
        for _ in range(60):
            panel = self.browser.on_page_panel()
            if panel and panel.focus.startswith(button):
                return page.driver.press("Enter")
            page.driver.press("Tab")
        raise AssertionError(
            f"the Tab key never came to {button!r}: {self.browser.on_page_panel()}"
        )


def decide(clerk: PopupDriver) -> None:
    """Link the contact on the page in Xero to the record that is suggested."""
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.press("Enter")


def newest_link(access: RunningServices) -> dict[str, Any]:
    """Return the newest link that is written on a page; nothing while there is none."""
    links: list[dict[str, Any]] = access.ask("links?method=pages")["links"]
    return links[0] if links else {"state": None}


def becomes(access: RunningServices, state: str) -> dict[str, Any]:
    """Wait until the newest link on a page is in a state."""
    return wait_until(
        lambda: (one := newest_link(access))["state"] == state and one, f"the link is {state}"
    )


def wait_until(look: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + PATIENCE
    while not (seen := look()):
        assert time.monotonic() < until, what
        time.sleep(0.1)
    return seen


@pytest.mark.parametrize("variant", [PLAIN, *FRAMEWORKS], ids=lambda one: one.name)
def test_a_decision_is_filled_in_on_the_page_saved_there_and_seen(
    clerk: PopupDriver,
    browser: Browser,
    access: RunningServices,
    commusoft: CommusoftPages,
    variant: Any,
) -> None:
    commusoft.serve(variant)
    decide(clerk)
    becomes(access, "intended")
    page = commusoft.open_record(RECORD, variant.layout)
    assist = Assist(browser)
    assist.says("Select Edit in Commusoft")
    assist.press(page, "Select Edit")
    panel = assist.says("Fill in the Third-Party Reference?")
    assert MARGARET in panel.words
    before = page.model()
    assist.press(page, "Fill in")
    assist.says("Now select Save in Commusoft")
    wait_for(page.driver, f"window.commusoftModel().values.reference === {json.dumps(MARGARET)}")
    assert before is not None
    assert page.model() == before | {"reference": MARGARET}
    assert page.saves() == []
    assert newest_link(access)["state"] == "intended"
    page.save()
    page.is_saved()
    assist.says("Linked, seen on the page")
    assert becomes(access, "linked")["reference"] == MARGARET
    assert page.record(RECORD)["reference"] == MARGARET
