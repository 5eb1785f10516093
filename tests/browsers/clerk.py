"""A clerk at a browser: what a person does with the extension, and what they see."""

import json
from typing import Any

from browsers.surface import PATIENCE, Browser, Surface, focus, wait_for


class Clerk:
    """Works the extension by its keyboard, in one tab of one browser."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.page: Surface | None = None
        self._popup: Surface | None = None

    @property
    def popup(self) -> Surface:
        """The popup that was opened last."""
        if self._popup is None:
            raise AssertionError("the popup was never opened")
        return self._popup

    def connect(self, server: str, token: str) -> str:
        """Connect the extension by its settings page; what the page says in the end."""
        page = self.browser.open_own_page("options/options.html")
        try:
            wait_for(page, "document.querySelector('#server, #disconnect')")
            if page.evaluate("!!document.querySelector('#disconnect')"):
                self._leave_earlier_server(page)
            focus(page, "#server")
            page.type(server)
            focus(page, "#token")
            page.type(token)
            page.press("Enter")
            said: str = wait_for(
                page, "document.querySelector('#outcome .good, #outcome .stop')?.innerText"
            )
            return said
        finally:
            page.close()

    def _leave_earlier_server(self, page: Surface) -> None:
        # The page tries the connection when it opens, and draws itself anew after it.
        wait_for(
            page, "document.querySelector('#outcome .good, #outcome .stop, #outcome .caution')"
        )
        focus(page, "#disconnect")
        page.press("Enter")
        wait_for(page, "document.querySelector('#server')")

    def look_at(self, url: str) -> None:
        """Open a page of the accounting package in a fresh tab."""
        self.page = self.browser.visit(url)

    def link_to_crm(self, screen: str = "choose") -> None:
        """Open the popup over the page, and wait until it shows a screen."""
        self._popup = self.browser.open_popup()
        self.sees(screen)

    def link_to_crm_in_window(self, screen: str = "choose") -> None:
        """The popup in a window of its own, as where the page's menu cannot open it in place."""
        self.link_to_crm(screen)
        tab = self.popup.evaluate(
            "chrome.tabs.query({ active: true, currentWindow: true }).then(([tab]) => tab.id)"
        )
        self.popup.close()
        self._popup = self.browser.open_own_page(f"popup/popup.html?tab={tab}")
        self.sees(screen)

    def sees(self, screen: str, seconds: float = PATIENCE) -> None:
        """Wait for one of the popup's screens, by its name."""
        wait_for(self.popup, f"document.body.dataset.screen === {json.dumps(screen)}", seconds)

    def press(self, *keys: str) -> None:
        """Keys in the popup, one after another."""
        for key in keys:
            self.popup.press(key)

    def press_button(self, words: str) -> None:
        """Walk to a button of the popup by what it says, and press it."""
        self.popup.evaluate(
            "(() => [...document.querySelectorAll('button')]"
            f".find((one) => one.textContent.includes({json.dumps(words)}))"
            ".setAttribute('data-wanted', ''))()"
        )
        focus(self.popup, "[data-wanted]")
        self.popup.press("Enter")

    def accept(self) -> None:
        """Tick the box that says what was seen and checked."""
        focus(self.popup, "#accept")
        self.popup.press(" ")

    def reads(self) -> str:
        """All words on the popup."""
        words: str = self.popup.evaluate("document.body.innerText")
        return words

    def chosen(self) -> str | None:
        """The id of the record that Enter would link."""
        record: str | None = self._one_of("document.querySelector('input[name=record]:checked')")
        return record

    def first(self) -> str | None:
        """The id of the record at the top."""
        record: str | None = self._one_of("document.querySelector('input[name=record]')")
        return record

    def _one_of(self, found: str) -> Any:
        return self.popup.evaluate(f"{found}?.value ?? null")
