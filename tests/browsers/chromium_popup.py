"""Chromium's popup, which Playwright does not count among its pages.

It is spoken to through a DevTools session inside the browser's own session.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Error

from browsers.page_driver import PATIENCE, BrowserTrouble

if TYPE_CHECKING:
    from browsers.chromium import Chromium

KEY_CODES = {"Enter": 13, "Escape": 27, "Tab": 9, " ": 32, "ArrowUp": 38, "ArrowDown": 40, "/": 191}


class ChromiumPopup:
    """The popup, through a session inside the browser's own session."""

    def __init__(self, browser: Chromium, target: str) -> None:
        self.browser = browser
        self.target = target
        attached = browser.session.send(
            "Target.attachToTarget", {"targetId": target, "flatten": False}
        )
        self.session: str = attached["sessionId"]
        self.asked = 0

    def evaluate(self, expression: str) -> Any:
        answer = self.send(
            "Runtime.evaluate",
            expression=f"(async () => await ({expression}))()",
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in answer:
            raise BrowserTrouble(str(answer["exceptionDetails"].get("exception", answer)))
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        code = KEY_CODES.get(key, ord(key.upper()[0]))
        event = {"key": key, "windowsVirtualKeyCode": code, "text": text}
        self.send("Input.dispatchKeyEvent", type="keyDown", **event)
        # The key may have closed the popup.
        with suppress(BrowserTrouble):
            self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def close(self) -> None:
        self.browser.close_popup()

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One DevTools command to the popup, and its result."""
        self.asked += 1
        number = self.asked
        message = {"id": number, "method": method, "params": params}
        try:
            self.browser.session.send(
                "Target.sendMessageToTarget",
                {"sessionId": self.session, "message": json.dumps(message)},
            )
        except Error as error:
            raise BrowserTrouble(f"the popup is closed: {error.message}") from error
        answers = self.browser.answers
        self.browser.wait_until(
            lambda: (self.session, number) in answers or self.session in self.browser.detached,
            f"the popup answers {method}",
            PATIENCE * 2,
        )
        answer = answers.pop((self.session, number), None)
        if answer is None:
            raise BrowserTrouble("the popup closed while it was asked something")
        if "error" in answer:
            raise BrowserTrouble(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result
