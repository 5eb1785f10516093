"""The panel on a Commusoft page, and what becomes of the link that it is about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from browsers.page_driver import PATIENCE, Browser, PageDriver, Panel
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import xero_contact

T = TypeVar("T")
NONE: dict[str, Any] = {"state": None}


class AssistDriver:
    """Works the panel on the page in front by its keyboard."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def says(self, words: str) -> Panel:
        """Wait until the panel says this."""

        def look() -> Panel | None:
            panel = self.browser.on_page_panel()
            return panel if panel and words in panel.words else None

        return until(look, lambda: f"the panel says {self.browser.on_page_panel()}, not {words!r}")

    def is_gone(self) -> None:
        """Wait until there is no panel."""
        until(
            lambda: self.browser.on_page_panel() is None,
            lambda: f"there still is {self.browser.on_page_panel()}",
        )

    def press(self, page: PageDriver, button: str) -> None:
        """Walk to a button of the panel with the Tab key, and press it."""
        time.sleep(0.4)  # a key that comes at once is taken for the one before
        for _ in range(60):
            panel = self.browser.on_page_panel()
            if panel and panel.focus.startswith(button):
                return page.press("Enter")
            page.press("Tab")
        raise AssertionError(f"Tab never came to {button!r}: {self.browser.on_page_panel()}")

    def fill(self, page: PageDriver) -> None:
        """From the page as it is shown to the filled field."""
        self.says("Select Edit in Commusoft")
        self.press(page, "Select Edit")
        self.says("Fill in the Third-Party Reference?")
        self.press(page, "Fill in")
        self.says("Now select Save in Commusoft")


def decide(clerk: PopupDriver) -> None:
    """Link the contact on the page in Xero to the record that is suggested."""
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.press("Enter")


def newest_link(access: RunningServices) -> dict[str, Any]:
    """Return the newest link that is written on a page; nothing while there is none."""
    links: list[dict[str, Any]] = access.ask("links?method=pages")["links"]
    return links[0] if links else NONE


def becomes(access: RunningServices, state: str) -> dict[str, Any]:
    """Wait until the newest link on a page is in a state."""

    def look() -> dict[str, Any] | None:
        link = newest_link(access)
        return link if link["state"] == state else None

    return until(look, lambda: f"the link is {newest_link(access)['state']}, not {state}")


def until(look: Callable[[], T | None], evidence: Callable[[], str]) -> T:
    """Return the first truthy thing seen. Raises AssertionError with the evidence."""
    end = time.monotonic() + PATIENCE
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(evidence())
        time.sleep(0.1)
    return seen
