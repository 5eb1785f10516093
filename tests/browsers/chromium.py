"""Chromium with the extension in it, by Playwright.

The popup is the real one: the DevTools command for an extension's toolbar button opens it and
grants ``activeTab`` as a click does.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Error, Page

from browsers.chromium_popup import ChromiumPopup
from browsers.find import CHROMIUM, find
from browsers.intercepted import answer_https
from browsers.managed import MANAGED_FLAGS, managed
from browsers.page_driver import (
    EXTENSION,
    PATIENCE,
    SEEN,
    BrowserTrouble,
    PageDriver,
    Panel,
    SavedPage,
    Site,
    WaitTimeout,
)
from browsers.shared_playwright import shared_playwright

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-sync",
    "--enable-unsafe-extension-debugging",  # without it older releases refuse the button command
)
LOADED_FLAGS = ("--disable-background-networking", "--disable-component-update")
NOT_FOR_EXTENSIONS = ["--enable-automation", "--disable-extensions"]  # of Playwright's own flags
NOT_FOR_MANAGED = [*NOT_FOR_EXTENSIONS, *LOADED_FLAGS]  # they stop what fetches extensions
PANELS = ("crmlink-assist", "crmlink-table")
POPUP_PATH = "/popup/popup.html"
PAUSE = 10.0  # milliseconds between two looks at what the browser has opened


class ChromiumPage:
    """A tab."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def evaluate(self, expression: str) -> Any:
        try:
            return self.page.evaluate(f"async () => await ({expression})")
        except Error as error:
            raise BrowserTrouble(error.message) from error

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def close(self) -> None:
        self.page.close()


class Chromium:
    """A running Chromium. ``screen`` is an X display to be seen on; None runs it headless."""

    name = "chromium"

    def __init__(
        self,
        granted: tuple[str, ...] = (),
        screen: str | None = None,
        size: tuple[int, int] = (1280, 900),
        flags: tuple[str, ...] = (),
        policies: Path | None = None,
    ) -> None:
        """Start it. ``granted`` are host patterns that need no question: see ``_extension``.

        ``policies`` is a folder that this browser sees in place of the machine's policies; the
        extension then comes by policy, or not at all.
        """
        self.asks = not granted and policies is None
        self.answers: dict[tuple[str, int], dict[str, Any]] = {}
        self.detached: set[str] = set()
        self.tab: Page | None = None
        self.site: Site = {}
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crmlink-")))
            extension = None if policies else _extension(folder / "extension", granted)
            _keep_no_passwords(folder / "profile")
            chromium = shared_playwright().chromium
            self.context: BrowserContext = chromium.launch_persistent_context(
                folder / "profile",
                executable_path=managed(folder, policies) if policies else find(CHROMIUM).path,
                headless=False,  # Playwright's own headless mode knows no extensions
                args=[*FLAGS, *flags, *_flags(extension, screen, size)],
                ignore_default_args=NOT_FOR_EXTENSIONS if extension else NOT_FOR_MANAGED,
                env={**os.environ, **({"DISPLAY": screen} if screen else {})},
                no_viewport=True,
                locale="en-GB",
            )
            stack.callback(self.context.close)
            self.id = self._extension_id()
            self.session = self._browser_session()
            answer_https(self.session, self._saved_page)
            self._stack = stack.pop_all()

    def _extension_id(self) -> str:
        workers = self.context.service_workers
        worker = workers[0] if workers else self.context.wait_for_event("serviceworker")
        return worker.url.split("/")[2]

    def _browser_session(self) -> CDPSession:
        browser = self.context.browser
        if browser is None:
            raise BrowserTrouble("Playwright gives no browser for a persistent context")
        session = browser.new_browser_cdp_session()
        session.on("Target.receivedMessageFromTarget", self._receive)
        session.on("Target.detachedFromTarget", lambda gone: self.detached.add(gone["sessionId"]))
        return session

    def _receive(self, event: dict[str, str]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self.answers[(event["sessionId"], message["id"])] = message

    def _saved_page(self, url: str) -> SavedPage | None:
        return self.site.get(url.partition("?")[0].partition("#")[0])

    def serve(self, site: Site) -> None:
        self.site = site

    def visit(self, url: str) -> PageDriver:
        self.close_popup()
        before = self.tab
        self.tab = self.context.new_page()
        if before is None:
            before = self.context.pages[0]
        if not before.is_closed():
            before.close()
        self.tab.goto(url)
        return ChromiumPage(self.tab)

    def open_popup(self) -> PageDriver:
        self.press_button()
        return self.popup_shown()

    def press_button(self) -> None:
        """Press the toolbar button over the tab in front."""
        if self.tab is None:
            raise BrowserTrouble("there is no tab")
        self.session.send("Extensions.triggerAction", {"id": self.id, "targetId": self._tab_id()})

    def popup_shown(self) -> ChromiumPopup:
        """The popup, once the browser has opened it."""
        self.wait_until(self.popup_is_open, "the popup opens")
        return ChromiumPopup(self, self._popups()[0])

    def open_own_page(self, path: str) -> PageDriver:
        self.close_popup()
        page = self.context.new_page()
        page.goto(f"chrome-extension://{self.id}/{path}")
        return ChromiumPage(page)

    def popup_is_open(self) -> bool:
        return bool(self._popups())

    def open_other_extension(self, folder: Path, path: str) -> PageDriver:
        loaded = self.session.send("Extensions.loadUnpacked", {"path": str(folder)})
        page = self.context.new_page()
        page.goto(f"chrome-extension://{loaded['id']}/{path}")
        return ChromiumPage(page)

    def tab_at(self, address: str) -> PageDriver:
        def found() -> list[Page]:
            return [page for page in self.context.pages if page.url.startswith(address)]

        self.wait_until(found, f"a tab opens {address}")
        return ChromiumPage(found()[-1])

    def turn_to(self, address: str) -> PageDriver:
        """Put the tab whose address begins so in front, once there is one, however it opened."""
        self.tab_at(address)
        self.tab = next(one for one in self.context.pages if one.url.startswith(address))
        self.tab.bring_to_front()
        return ChromiumPage(self.tab)

    def newest_page(self) -> PageDriver:
        """The tab that was opened beside the one in front, once it is there."""
        self.wait_until(lambda: len(self.context.pages) > 1, "another tab opens")
        return ChromiumPage(self.context.pages[-1])

    def on_page_button(self) -> str | None:
        if self.tab is None or not self.tab.evaluate(SEEN):
            return None
        session = self.context.new_cdp_session(self.tab)
        try:
            document = session.send("DOM.getDocument", {"depth": -1, "pierce": True})
        finally:
            session.detach()
        host = next(_nodes(document["root"], "crmlink-button"), None)
        buttons = _nodes(host, "button") if host else iter(())
        return next((_text(button) for button in buttons), None)

    def on_page_panel(self) -> Panel | None:
        if self.tab is None:
            return None
        session = self.context.new_cdp_session(self.tab)
        try:
            document = session.send("DOM.getDocument", {"depth": -1, "pierce": True})
            found = (_nodes(document["root"], name) for name in PANELS)
            host = next((node for nodes in found for node in nodes), None)
            section = next(_nodes(host, "section"), None) if host else None
            if section is None:
                return None
            focused = [_text(one) for one in _nodes(section, "button") if _has_focus(session, one)]
            return Panel(_text(section), focused[0] if focused else "")
        except Error:  # the page went on while it was looked at
            return None
        finally:
            session.detach()

    def window_on_page(self) -> bool:
        address = f"chrome-extension://{self.id}{POPUP_PATH}?tab="
        windows = [page for page in self.context.pages if page.url.startswith(address)]
        for page in windows:
            page.close()
        return bool(windows)

    def end_worker(self) -> None:
        # A worker that starts again has the same target, so targets do not show that one ended.
        session = self.context.new_cdp_session(self.context.pages[-1])
        try:
            session.send("ServiceWorker.enable")
            session.send("ServiceWorker.stopAllWorkers")  # answers once they are stopped
        finally:
            session.detach()

    def remove_extension(self) -> None:
        """As a person does with the switch in the browser's list of extensions."""
        page = self.context.new_page()
        page.goto("chrome://extensions")
        page.evaluate("id => chrome.management.setEnabled(id, false)", self.id)
        page.close()

    def close_popup(self) -> None:
        """As a click elsewhere does."""
        for target in self._popups():
            with suppress(Error):
                self.session.send("Target.closeTarget", {"targetId": target})
        self.wait_until(lambda: not self.popup_is_open(), "the popup closes")

    def wait_until(self, condition: Any, what: str, seconds: float = PATIENCE) -> None:
        """Look until a condition holds, taking in Playwright's events too. Raises WaitTimeout."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise WaitTimeout(f"It never came that {what}")
            self.context.pages[0].wait_for_timeout(PAUSE)

    def _targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.session.send("Target.getTargets", {"filter": [{}]})[
            "targetInfos"
        ]
        return found

    def _popups(self) -> list[str]:
        """Target ids of the popup: a page of ours that Playwright does not know as one."""
        known = {page.url for page in self.context.pages}
        address = f"chrome-extension://{self.id}{POPUP_PATH}"
        return [
            target["targetId"]
            for target in self._targets()
            if target["type"] == "page" and target["url"] == address and target["url"] not in known
        ]

    def _tab_id(self) -> str:
        """The tab target around the page in front: it, not the page, has toolbar buttons."""
        if self.tab is None:
            raise BrowserTrouble("there is no tab")
        here = self.tab.url
        ids = [t["targetId"] for t in self._targets() if t["type"] == "tab" and t["url"] == here]
        if len(ids) != 1:
            raise BrowserTrouble(f"{len(ids)} tabs show {here}")
        return str(ids[0])

    def close(self) -> None:
        self._stack.close()


def _has_focus(session: CDPSession, node: dict[str, Any]) -> bool:
    found = session.send("DOM.resolveNode", {"backendNodeId": node["backendNodeId"]})
    asked = {
        "objectId": found["object"]["objectId"],
        "functionDeclaration": "function () { return this.matches(':focus'); }",
        "returnByValue": True,
    }
    return bool(session.send("Runtime.callFunctionOn", asked)["result"]["value"])


def _nodes(top: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The elements of a name below a node, those in closed shadows too."""
    for below in [*top.get("shadowRoots", []), *top.get("children", [])]:
        if below.get("localName") == name:
            yield below
        yield from _nodes(below, name)


def _text(top: dict[str, Any]) -> str:
    """The words in a node, with a space between its parts."""
    own = str(top.get("nodeValue", "")).strip()
    parts = [own, *(_text(below) for below in top.get("children", []))]
    return " ".join(part for part in parts if part)


def _flags(extension: Path | None, screen: str | None, size: tuple[int, int]) -> list[str]:
    flags = [f"--load-extension={extension}", *LOADED_FLAGS] if extension else [*MANAGED_FLAGS]
    if screen is None:
        flags += ["--headless=new", f"--window-size={size[0]},{size[1]}"]
    else:
        flags.append("--start-maximized")
    if os.geteuid() == 0:
        flags += [
            "--no-sandbox",
            "--test-type",
        ]  # no bar about the first
    return flags


def _keep_no_passwords(profile: Path) -> None:
    """A question about a password would cover the page that it was typed into."""
    (profile / "Default").mkdir(parents=True)
    wish = {"credentials_enable_service": False, "profile": {"password_manager_enabled": False}}
    (profile / "Default" / "Preferences").write_text(json.dumps(wish))


def _extension(folder: Path, granted: tuple[str, ...]) -> Path:
    """The extension to load: the one that ships, or a copy that needs not ask for some hosts.

    A person answers the browser's question for the server's host. Headless Chromium shows it to
    no one and has no switch for it, so there the copy's manifest holds the answer, and nothing else
    differs. The test by keyboard on a real screen answers the question itself, with what ships.
    """
    if not granted:
        return EXTENSION
    shutil.copytree(EXTENSION, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["host_permissions"] = list(granted)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
