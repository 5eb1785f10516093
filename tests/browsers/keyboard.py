"""A clerk who has nothing but a screen and a keyboard: no shortcut through the browser's insides.

What the popup shows is still read from inside, but every key goes the way a person's does.
"""

import time
from contextlib import suppress

from browsers.page_driver import Browser, WaitTimeout, wait_for
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.screen import Screen
from crmlink.store import Person
from support.access_factories import make_person

MAX_TABS = 30  # steps to any button of the popup
MAX_PRESSES = 10
NOTICED = 1.0  # seconds within which a press shows an effect
ALLOW = bytes((0xD3, 0xE3, 0xFD))  # the button's colour, unlike anything else on a greyed screen
DIMMED = 200  # the settings page is nearly white; a question from the browser greys it
KEYS = {"Enter": "Return", " ": "space", "ArrowDown": "Down", "ArrowUp": "Up"}


class KeyboardDriver(PopupDriver):
    """Works a browser that is seen on a screen."""

    def __init__(self, browser: Browser, screen: Screen) -> None:
        super().__init__(browser)
        self.screen = screen

    def answer_prompt(self) -> None:
        """Press *Allow* where Chromium asks about the server's host.

        It is the one thing done by the mouse: nothing tells which of the question's buttons has the
        keyboard. Chromium ignores a press on a question that has only just come up.
        """
        if not self.browser.asks:
            return
        self.screen.wait_until(self._is_asked, "the browser asks for the server's host")
        allow = self.screen.wait_until(self._still_button, "the question has its button")
        for _ in range(MAX_PRESSES):
            self.screen.click(*allow)
            with suppress(WaitTimeout):
                self.screen.wait_until(lambda: not self._is_asked(), "the question goes", NOTICED)
                return
        raise WaitTimeout("The browser's question never went away")

    def _still_button(self) -> tuple[int, int] | None:
        """Where *Allow* is, once the question has stopped moving."""
        place = self.screen.find_colour(ALLOW)
        time.sleep(NOTICED / 4)
        return place if place == self.screen.find_colour(ALLOW) else None

    def connect(
        self, access: RunningServices, role: str = "clerk", device: str = "Front desk"
    ) -> Person:
        """Connect as a person does: Connect, allow, and yes on the server's page."""
        person = make_person(access.access_context, role)
        settings = self.press_connect(access.server.address)
        self.approve(access.server.address, person, name=device)
        wait_for(settings, "document.querySelector('#outcome .good')")
        settings.close()
        return person

    def _is_asked(self) -> bool:
        return self.screen.brightness(8, self.screen.size[1] - 8) < DIMMED

    def link_to_crm(self, screen: str = "choose") -> None:
        """A click into the page, then the shortcut."""
        self.screen.focus_window(self.browser.name)
        self.screen.click(8, self.screen.size[1] // 2)
        self.screen.park_mouse()
        self.screen.press("alt+shift+k")
        self._popup = self.browser.popup_shown()
        self.sees(screen)

    def press(self, *keys: str) -> None:
        self.screen.press(*(KEYS.get(key, key) for key in keys))

    def reach(self, element: str) -> None:
        """Walk there with Tab."""
        there = f"document.activeElement === ({element})"
        for _ in range(MAX_TABS):
            if self.popup.evaluate(there):
                return
            before = self.popup.evaluate(_MARK)
            self.screen.press("Tab")
            wait_for(self.popup, f"{_MARK} !== {before}")
        raise WaitTimeout(f"{MAX_TABS} steps with Tab do not lead to {element}")


# Which element has the keyboard, as a number that changes when it moves.
_MARK = "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
