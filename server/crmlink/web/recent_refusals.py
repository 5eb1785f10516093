"""Refusals that are remembered until their Retry-After has passed.

Most of what a refusal costs is to find out whose request it is. A program that does not wait would
take that from others again and again, so the same request is refused from memory meanwhile.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from flask import Flask, Response, current_app, g, request

from crmlink.access.errors import TooManyAttempts
from crmlink.web.auth import API_PREFIX

EXTENSION = "crmlink_recent_refusals"
MAX_KNOWN = 1_000  # requests; those refused last


class RecentRefusals:
    """When requests that were refused may come again, by token and endpoint; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ends: OrderedDict[bytes, float] = OrderedDict()

    def remember(self, key: bytes, seconds: float) -> None:
        """Refuse a request for so many seconds."""
        with self._lock:
            self._ends[key] = self._clock() + seconds
            self._ends.move_to_end(key)
            if len(self._ends) > MAX_KNOWN:
                self._ends.popitem(last=False)

    def left(self, key: bytes) -> float:
        """Return for how many more seconds it is refused, 0 if it is not."""
        with self._lock:
            left = max(0.0, self._ends.get(key, 0.0) - self._clock())
            if not left:
                self._ends.pop(key, None)
            return left


def init_recent_refusals(app: Flask) -> None:
    """Refuse what was refused a moment ago. Call it before authentication."""
    app.extensions[EXTENSION] = RecentRefusals()
    app.before_request(_refuse)
    app.after_request(_remember)


def _refuse() -> None:
    if (key := _key()) and (left := _refusals().left(key)):
        raise TooManyAttempts(retry_after=left)


def _remember(reply: Response) -> Response:
    if reply.status_code == 429 and "actor" in g and "retry_after" in g and (key := _key()):
        _refusals().remember(key, float(g.retry_after))
    return reply


def _key() -> bytes | None:
    """Return a digest of a token and what it asks for; None outside the API."""
    shown = request.headers.get("Authorization")
    if not shown or not request.path.startswith(API_PREFIX):
        return None
    return hashlib.sha256(f"{request.method} {request.endpoint} {shown}".encode()).digest()


def _refusals() -> RecentRefusals:
    found: RecentRefusals = current_app.extensions[EXTENSION]
    return found
