"""The unpacked extension in headless Chromium, on saved pages under their real addresses."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Playwright, Worker

from browsers.find import CHROMIUM, find
from browsers.intercepted import answer_https
from browsers.page_driver import SavedPage
from extension.scripted_replies import DEVICE, PERSON

HERE = Path(__file__).parent
EXTENSION = HERE.parents[1] / "extension"
PAGES = HERE.parent / "saved_pages"
CONNECTION = {
    "device": DEVICE,
    "person": PERSON,
    "refresh_token": "crmr_" + "t" * 40,
    "access_token": "e30." + "t" * 40,
    "token_type": "DPoP",
    "workspace": None,
}
Stored = dict[str, dict[str, Any]]  # what the extension keeps, by storage area
BLANK = "<!doctype html><html lang='en-GB'><title></title><body><div></div></body></html>"
SAVED = {
    "go.xero.com": "xero/contact.html",
    "app.qbo.intuit.com": "quickbooks_online/vendor.html",
    "accounts-extra.sageone.com": "sage_business_cloud/customer.html",
    "app.kashflow.com": "kashflow/customer.html",
}
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def with_permissions(profile: Path) -> Path:
    """A copy of the extension that has at once what a person grants with a click: a headless
    browser shows no prompt and no toolbar."""
    copy = profile / "extension"
    shutil.copytree(EXTENSION, copy)
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    manifest["host_permissions"] = ["http://127.0.0.1/*", "https://*/*"]
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return copy


@dataclass
class LoadedExtension:
    """A browser with the extension, and one tab (`site`) on an accounting package's page.

    `own` is a tab of the extension's without its scripts, for what tests do in its name.
    """

    context: BrowserContext
    worker: Worker
    site: Page
    own: Page
    html: str = ""  # served instead of the saved page

    @property
    def origin(self) -> str:
        return f"chrome-extension://{urlsplit(self.worker.url).netloc}"

    @classmethod
    @contextmanager
    def launch(
        cls, playwright: Playwright, profile: Path, *, bypass_csp: bool = False
    ) -> Iterator[LoadedExtension]:
        extension = with_permissions(profile)
        loading = [f"--disable-extensions-except={extension}", f"--load-extension={extension}"]
        context = playwright.chromium.launch_persistent_context(
            profile / "profile",
            executable_path=find(CHROMIUM).path,
            headless=False,
            args=[*ARGUMENTS, *loading],
            device_scale_factor=2,
            locale="en-GB",
            bypass_csp=bypass_csp,
        )
        try:
            workers = context.service_workers
            worker = workers[0] if workers else context.wait_for_event("serviceworker")
            loaded = cls(context, worker, context.new_page(), context.pages[0])
            loaded.own.goto(f"{loaded.origin}/manifest.json")
            assert context.browser
            answer_https(context.browser.new_browser_cdp_session(), loaded._page_at)
            context.set_default_timeout(30_000)
            yield loaded
        finally:
            context.close()

    def _page_at(self, url: str) -> SavedPage:
        return SavedPage(self.html or self._saved(urlsplit(url).hostname or ""))

    @staticmethod
    def _saved(host: str) -> str:
        return (PAGES / SAVED[host]).read_text("utf-8") if host in SAVED else BLANK

    def visit(self, url: str) -> None:
        """Show a page in the tab; a new tab when the last was closed."""
        if self.site.is_closed():
            self.site = self.context.new_page()
        self.site.goto(url)

    def forget(self) -> None:
        """As freshly installed."""
        self.worker.evaluate("""async () => {
            await chrome.storage.local.clear();
            await chrome.storage.session.clear();
        }""")

    def connect(self, server: str) -> Stored:
        """Be connected, and asked whether that works, in the settings; what is stored then."""
        self.restore({"local": {"connection": CONNECTION | {"server": server}}, "session": {}})
        answer = self._in_settings("() => chrome.runtime.sendMessage({ type: 'test' })")
        if not answer["ok"]:
            raise AssertionError(f"not connected: {answer}")
        stored: Stored = self.own.evaluate("""async () => ({
            local: await chrome.storage.local.get(),
            session: await chrome.storage.session.get(),
        })""")
        return stored

    def restore(self, stored: Stored) -> None:
        """Be connected as `connect` left it, with a fresh token and a key of its own."""
        until = (time.time() + 600) * 1000
        connection = stored["local"]["connection"] | {"access_until": until}
        self.own.evaluate(
            """async ({ local, session }) => {
                const module = await import("/lib/server/key_store.js");
                const kind = { name: "ECDSA", namedCurve: "P-256" };
                const pair = await crypto.subtle.generateKey(kind, false, ["sign", "verify"]);
                await module.createKeyStore(() => indexedDB, chrome.storage.session).keep(pair);
                await chrome.storage.session.set(session);
                await chrome.storage.local.set(local);
            }""",
            stored | {"local": stored["local"] | {"connection": connection}},
        )

    def let_token_lapse(self) -> None:
        """The next request needs a new access token."""
        self.worker.evaluate("""async () => {
            const { connection } = await chrome.storage.local.get("connection");
            await chrome.storage.local.set({ connection: { ...connection, access_until: 0 } });
        }""")

    def set_policy(self, policy: Mapping[str, object]) -> None:
        """What the office has set for all browsers; a real policy is the machine's, not ours."""
        self.worker.evaluate(
            """policy => Object.defineProperty(chrome.storage.managed, "get", {
                value: async () => policy, configurable: true,
            })""",
            dict(policy),
        )

    def close_others(self) -> None:
        """What the extension opened."""
        for page in self.context.pages:
            if page not in (self.site, self.own):
                page.close()

    def move_server(self, address: str) -> None:
        """Connected as before, to another address."""
        self.worker.evaluate(
            """async server => {
            const { connection } = await chrome.storage.local.get("connection");
            await chrome.storage.local.set({ connection: { ...connection, server } });
        }""",
            address,
        )

    def _in_settings(self, script: str) -> Any:
        page = self.context.new_page()
        try:
            page.goto(f"{self.origin}/options/options.html")
            # What the page asks by itself when it opens must not come after what is done here.
            page.locator("#connect, #cancel, #outcome .good, #outcome .stop").first.wait_for()
            return page.evaluate(script)
        finally:
            page.close()

    def open_popup(self) -> Page:
        """The popup as a page of its own, looking at the tab."""
        page = self.context.new_page()
        page.goto(f"{self.origin}/popup/popup.html?tab={self._tab()}")
        return page

    def open_settings(self) -> Page:
        page = self.context.new_page()
        page.goto(f"{self.origin}/options/options.html")
        return page

    def _tab(self) -> int:
        """The number that the browser gave the site's tab."""
        return int(
            self.worker.evaluate(
                "url => chrome.tabs.query({}).then((all) => all.find((tab) => tab.url === url).id)",
                self.site.url,
            )
        )
