"""Firefox with the extension in it, through the Node program beside this file.

The popup is the real one, opened by the extension's own shortcut. It belongs to the browser's
window, which WebDriver BiDi reaches with system access.
"""

import json
import os
import queue
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from browsers.find import FIREFOX, find
from browsers.page_driver import (
    EXTENSION,
    PATIENCE,
    SEEN,
    BrowserTrouble,
    PageDriver,
    Panel,
    Site,
    WaitTimeout,
)

PROGRAM = Path(__file__).with_name("firefox.mjs")
START_LIMIT = 60.0  # seconds
PAUSE = 0.02  # seconds between two looks at what the browser has opened
NAMED_KEYS = {
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
    " ": 32,
    "ArrowUp": 38,
    "ArrowDown": 40,
}


class FirefoxPage:
    """A tab."""

    def __init__(self, browser: "Firefox", number: int) -> None:
        self.browser = browser
        self.number = number

    def evaluate(self, expression: str) -> Any:
        return self.browser.ask("evaluate", page=self.number, expression=expression)

    def press(self, key: str) -> None:
        self.browser.ask("press", page=self.number, key=key)

    def type(self, text: str) -> None:
        self.browser.ask("type", page=self.number, text=text)

    def close(self) -> None:
        self.browser.ask("close_page", page=self.number)


class FirefoxPopup:
    """The popup."""

    def __init__(self, browser: "Firefox") -> None:
        self.browser = browser

    def evaluate(self, expression: str) -> Any:
        return self.browser.ask("popup", action="evaluate", expression=expression)

    def press(self, key: str) -> None:
        self.browser.ask("popup", action="press", keys=[_key(key)])

    def type(self, text: str) -> None:
        self.browser.ask("popup", action="type", keys=[_key(letter) for letter in text])

    def close(self) -> None:
        self.browser.close_popup()


class Firefox:
    """A running Firefox. ``screen`` is an X display to be seen on; None runs it headless."""

    name = "firefox"
    asks = False  # by a preference of its own

    def __init__(
        self,
        screen: str | None = None,
        size: tuple[int, int] = (1280, 900),
        home: Path | None = None,
        *,
        always_private: bool = False,
    ) -> None:
        """Start it. `home` is where it looks for what an office has set.

        ``always_private``: it keeps nothing when it is closed, and the extension may run in it.
        """
        self.answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.asked = 0
        self.tab: FirefoxPage | None = None
        self.process = subprocess.Popen(
            ["node", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ)
            | ({"DISPLAY": screen} if screen else {})
            | ({"HOME": str(home)} if home else {}),
        )
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self.ask(
                "start",
                START_LIMIT,
                binary=str(find(FIREFOX).path),
                folder=str(EXTENSION),
                headless=screen is None,
                width=size[0],
                height=size[1],
                always_private=always_private,
            )
        except BaseException:
            self.close()
            raise

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.answers.put(json.loads(line))
        self.answers.put({"id": None, "error": "the Node program ended"})

    def ask(self, command: str, seconds: float = PATIENCE * 2, **asked: Any) -> Any:
        """One command, and its result. Raises BrowserTrouble."""
        assert self.process.stdin
        self.asked += 1
        try:
            self.process.stdin.write(json.dumps({"id": self.asked, "command": command} | asked))
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except OSError as error:
            raise BrowserTrouble(f"Firefox cannot be asked: {error}") from error
        until = time.monotonic() + seconds
        while True:
            try:
                answer = self.answers.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise WaitTimeout(f"Firefox did not answer {command} in {seconds:.0f} s") from None
            if answer["id"] in (self.asked, None):
                break
        if "error" in answer:
            raise BrowserTrouble(f"{command}: {answer['error']}")
        return answer["result"]

    def serve(self, site: Site) -> None:
        pages = {
            url: {"body": page.body, "content_type": page.content_type}
            for url, page in site.items()
        }
        self.ask("serve", pages=pages)

    def visit(self, url: str) -> PageDriver:
        self.close_popup()
        self.tab = FirefoxPage(self, self.ask("visit", url=url))
        return self.tab

    def open_popup(self) -> PageDriver:
        try:
            return self._popup_with_keyboard()
        except BrowserTrouble:
            # A busy Firefox may close a popup at once; a person presses again.
            if self.popup_is_open():
                raise
            return self._popup_with_keyboard()

    def _popup_with_keyboard(self) -> PageDriver:
        self.ask("open_popup")
        popup = self.popup_shown()
        # It opens before it has the keyboard: a key that comes in between is lost.
        self.wait_until(lambda: popup.evaluate("document.hasFocus()"), "the popup has the keyboard")
        return popup

    def popup_shown(self) -> PageDriver:
        self.wait_until(self.popup_is_open, "the popup opens")
        return FirefoxPopup(self)

    def open_own_page(self, path: str) -> PageDriver:
        self.close_popup()
        return self._arrived(self.ask("own_page", path=path), path)

    def open_other_extension(self, folder: Path, path: str) -> PageDriver:
        return self._arrived(self.ask("other_page", folder=str(folder), path=path), path)

    def _arrived(self, number: int, path: str) -> FirefoxPage:
        page = FirefoxPage(self, number)
        self.wait_until(lambda: path in page.evaluate("location.href"), f"{path} opens")
        return page

    def tab_at(self, address: str) -> PageDriver:
        self.wait_until(lambda: self.ask("has_tab", address=address), f"a tab opens {address}")
        return FirefoxPage(self, self.ask("tab_at", address=address))

    def popup_is_open(self) -> bool:
        return bool(self.ask("popup", action="open"))

    def on_page_button(self) -> str | None:
        if self.tab is None or not self.tab.evaluate(SEEN):
            return None
        said = self.ask("on_page_button")
        return str(said) if said else None

    def on_page_panel(self) -> Panel | None:
        said = self.ask("on_page_panel")
        return Panel(str(said["words"]), str(said["focus"])) if said else None

    def window_on_page(self) -> bool:
        return bool(self.ask("window_on_page"))

    def end_worker(self) -> None:
        self.ask("end_background")

    def remove_extension(self) -> None:
        """As a person does in the browser's list of extensions."""
        self.ask("remove_extension")

    def close_popup(self) -> None:
        """As a click elsewhere does; a popup left open would be closed by the next shortcut."""
        self.ask("popup", action="close")
        self.wait_until(lambda: not self.popup_is_open(), "the popup closes")

    def wait_until(self, condition: Any, what: str, seconds: float = PATIENCE) -> None:
        """Look until a condition holds. Raises WaitTimeout."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise WaitTimeout(f"It never came that {what}")
            time.sleep(PAUSE)

    def close(self) -> None:
        """End the browser, then the program, by force if it must be."""
        with suppress(BrowserTrouble):
            self.ask("quit")
        with suppress(OSError):
            self.process.stdin.close()  # type: ignore[union-attr]  # opened above
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(PATIENCE)


def _key(key: str) -> dict[str, Any]:
    """A key event's fields."""
    return {"key": key, "keyCode": NAMED_KEYS.get(key, ord(key.upper()[0]))}
