"""A clerk at a browser: what a person does with the extension, and what they see."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from browsers.page_driver import PATIENCE, Browser, PageDriver, focus, wait_for, wait_through
from browsers.real_services import RunningServices
from crmlink.access.dpop import thumbprint
from crmlink.access.refresh_tokens import TokenResponse
from crmlink.store import Person
from support.access_factories import PASSWORD, make_person, pair

# As the extension does it, and only what everybody may see of it comes back.
NEW_KEY = """import(chrome.runtime.getURL("lib/server/key_store.js")).then(async (module) => {
    const kind = { name: "ECDSA", namedCurve: "P-256" };
    const pair = await crypto.subtle.generateKey(kind, false, ["sign", "verify"]);
    await module.createKeyStore(() => indexedDB, chrome.storage.session).keep(pair);
    const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    return { kty, crv, x, y };
})"""


class PopupDriver:
    """Works the extension by its keyboard, in one tab of one browser."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.page: PageDriver | None = None
        self._popup: PageDriver | None = None

    @property
    def popup(self) -> PageDriver:
        """The popup that was opened last."""
        if self._popup is None:
            raise AssertionError("the popup was never opened")
        return self._popup

    def connect(
        self, access: RunningServices, role: str = "clerk", device: str = "Front desk"
    ) -> Person:
        """Be connected as someone new, as if paired before; who it is."""
        person = make_person(access.access_context, role)
        server = access.server.address
        with self._own_page() as page:
            key = thumbprint(page.evaluate(NEW_KEY))
            page.evaluate(_keep(server, pair(access.access_context, person, device, key)))
            may_reach = page.evaluate(_may_reach(server))
        if not may_reach:  # no more than once in a browser
            said = self.test_connection()
            if "works" not in said:
                raise AssertionError(f"not connected: {said}")
        return person

    def new_key(self) -> str:
        """Have the browser make a key where the extension keeps its own; its thumbprint."""
        return thumbprint(self.in_own_page(NEW_KEY))

    def remember(self, server: str, grant: TokenResponse) -> None:
        """Put a pairing's outcome where the extension keeps it."""
        self.in_own_page(_keep(server, grant))

    def test_connection(self) -> str:
        """Press Test in the settings, which also asks for the server's host; what they say."""
        page = self.browser.open_own_page("options/options.html")
        try:
            wait_for(page, "document.querySelector('#outcome .good, #outcome .stop')")
            focus(page, "#test")
            page.press("Enter")
            self.answer_prompt()
            said: str = wait_for(page, "document.querySelector('#outcome .good')?.innerText")
            return said
        finally:
            page.close()

    def press_connect(self, server: str) -> PageDriver:
        """Connect in the settings, as a person does; the settings, which show the code."""
        page = self.browser.open_own_page("options/options.html")
        focus(page, "#server")
        page.type(server)
        page.press("Enter")
        self.answer_prompt()
        wait_for(page, "document.querySelector('.code')")
        return page

    def approve(
        self,
        server: str,
        person: Person,
        answer: str = "approve",
        name: str = "Front desk",
        look: Callable[[], None] = lambda: None,
    ) -> str:
        """Log in on the page that Connect opened, and answer it; the code it shows.

        `look` is called while the question can be seen.
        """
        page = self.browser.tab_at(f"{server}/")
        wait_through(page, "document.querySelector('#password, .code')")
        if page.evaluate("!!document.querySelector('#password')"):
            focus(page, "#email")
            page.type(person.email)
            focus(page, "#password")
            page.type(PASSWORD)
            page.press("Enter")
        code: str = wait_through(page, "document.querySelector('.code')?.innerText")
        focus(page, "#name")
        page.type(name)
        look()
        focus(page, f"button[name=answer][value={answer}]")
        page.press("Enter")
        wait_through(
            page, "!document.querySelector('button[name=answer]') && document.querySelector('h1')"
        )
        page.close()
        return code

    def in_own_page(self, script: str) -> Any:
        """The value of a JavaScript expression in one of the extension's own pages."""
        with self._own_page() as page:
            return page.evaluate(script)

    def may_reach(self, server: str) -> bool:
        """Whether the browser lets the extension talk to a server's host now."""
        return bool(self.in_own_page(_may_reach(server)))

    @contextmanager
    def _own_page(self) -> Iterator[PageDriver]:
        page = self.browser.open_own_page("options/options.html")
        try:
            yield page
        finally:
            page.close()

    def answer_prompt(self) -> None:
        """Allow what the browser asks a person about; the tests' browsers mostly need not ask."""

    def look_at(self, url: str) -> None:
        """Open a page of the accounting package in a fresh tab."""
        self.page = self.browser.visit(url)

    def link_to_crm(self, screen: str = "choose") -> None:
        """Open the popup over the page, and wait until it shows a screen."""
        self._popup = self.browser.open_popup()
        self.sees(screen)

    def open_window_on_page(self, screen: str) -> None:
        """The popup in a window of its own, as where the page's menu cannot open it in place.

        It may look at the page only where the button or the shortcut was pressed before.
        """
        helper = self.browser.open_own_page("options/options.html")
        tab = helper.evaluate(
            "Promise.all([chrome.tabs.query({ currentWindow: true }), chrome.tabs.getCurrent()])"
            ".then(([tabs, own]) => tabs.findLast((tab) => tab.id !== own.id).id)"
        )
        helper.close()
        self._popup = self.browser.open_own_page(f"popup/popup.html?tab={tab}")
        self.sees(screen)

    def sees(self, screen: str, seconds: float = PATIENCE) -> None:
        """Wait for one of the popup's screens, by its name."""
        wait_for(self.popup, f"document.body.dataset.screen === {json.dumps(screen)}", seconds)

    def switch_on_page(self, package: str) -> str:
        """Throw the settings' switch for a package's pages; what the page says to it."""
        page = self.browser.open_own_page("options/options.html")
        try:
            focus(page, f"#on-page-{package}")
            page.press("Enter")
            self.answer_prompt()
            said: str = wait_for(page, "document.querySelector('.outcome > *')?.innerText")
            return said
        finally:
            page.close()

    def finds_button(self, words: str | None) -> None:
        """Wait until the button on the page says this; None: until there is none."""
        until = time.monotonic() + PATIENCE
        while (said := self.browser.on_page_button()) != words:
            if time.monotonic() > until:
                raise AssertionError(f"the button on the page says {said!r}, not {words!r}")
            time.sleep(0.05)

    def press_on_page(self) -> None:
        """Walk to the button on the page with the Tab key, and press it."""
        page = self.page
        if page is None:
            raise AssertionError("there is no page")
        for _ in range(100):
            page.press("Tab")
            if page.evaluate("document.activeElement?.localName === 'crmlink-button'"):
                return page.press("Enter")
        raise AssertionError("the Tab key never came to the button")

    def press(self, *keys: str) -> None:
        """Keys in the popup, one after another."""
        for key in keys:
            self.popup.press(key)

    def press_button(self, words: str) -> None:
        """Walk to a button of the popup by what it says, and press it."""
        said = json.dumps(words)
        self.reach(
            "[...document.querySelectorAll('button, a.button')]"
            f".find((one) => one.textContent.includes({said}))"
        )
        self.press("Enter")

    def accept(self) -> None:
        """Tick each box that says what was seen and checked."""
        wait_for(self.popup, "document.querySelector('.accept input')")
        for box in range(self.popup.evaluate("document.querySelectorAll('.accept input').length")):
            self.reach(f"document.querySelectorAll('.accept input')[{box}]")
            self.press(" ")

    def waits_for(self, words: str) -> None:
        """Wait until the popup says this."""
        wait_for(self.popup, f"document.body.innerText.includes({json.dumps(words)})")

    def reach(self, element: str) -> None:
        """Put the keyboard on an element of the popup, given as an expression."""
        wait_for(self.popup, f"(({element}).focus(), document.activeElement === {element})")

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


def _keep(server: str, grant: TokenResponse) -> str:
    """A script that puts a pairing's outcome where the extension keeps it."""
    connection = {
        "server": server,
        "device": {"id": grant.device.public_id, "name": grant.device.name},
        "person": {"name": grant.person.name, "role": grant.person.role},
        "refresh_token": grant.refresh_token,
        "access_token": grant.access_token,
        "token_type": "DPoP",
        "access_until": (time.time() + grant.expires_in) * 1000,
        "workspace": None,
    }
    return (
        "Promise.all([chrome.storage.session.clear(), chrome.storage.local.remove('rules'),"
        f" chrome.storage.local.set({json.dumps({'connection': connection, 'ended': None})})])"
    )


def _may_reach(server: str) -> str:
    """A script that asks whether the extension may talk to a server's host."""
    host = f"{server.rpartition(':')[0]}/*"
    return f"chrome.permissions.contains({{ origins: [{json.dumps(host)}] }})"
