"""Answers to a Chromium's https requests, without looking at its other ones.

Playwright's own routes stop every request of every page, and each script of the extension on its
way: 30 ms of processor time each time the popup opens. DevTools stop those alone whose address
fits, of all pages and workers of the browser.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from playwright.sync_api import CDPSession, Error

from browsers.page_driver import SavedPage

Answer = Callable[[str], SavedPage | None]  # the page at an address; None where there is none


def answer_https(session: CDPSession, answer: Answer) -> None:
    """Answer all https requests of the browser from here; ``session`` is the browser's own."""

    def fulfil(event: dict[str, Any]) -> None:
        page = answer(event["request"]["url"])
        found = page or SavedPage("No such saved page", "text/plain")
        reply = {
            "requestId": event["requestId"],
            "responseCode": 200 if page else 404,
            "responseHeaders": [{"name": "Content-Type", "value": found.content_type}],
            "body": base64.b64encode(found.body.encode()).decode(),
        }
        with suppress(Error):  # who asked is gone
            session.send("Fetch.fulfillRequest", reply)

    session.on("Fetch.requestPaused", fulfil)
    session.send("Fetch.enable", {"patterns": [{"urlPattern": "https://*"}]})
