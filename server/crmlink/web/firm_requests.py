"""A limit on the requests a minute of everyone in a firm together, where an operator has set one.

What signed-in people and programs ask is counted like the requests of each device: in memory of the
one server of a SQLite database, in the database where several processes share PostgreSQL.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from flask import Flask, current_app, g
from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter
from werkzeug.wrappers import Response

from crmlink.store import Database
from crmlink.store.quotas import Quota, limit_of
from crmlink.web.auth import current_access
from crmlink.web.error_handlers import problem_response
from crmlink.web.problem_texts.requests import LIMITS
from crmlink.web.problems import problem
from crmlink.web.request_windows import RequestWindows
from crmlink.web.shared_counts import SharedCounts

EXTENSION = "crmlink_firm_requests"
KNOWN_SECONDS = 10.0  # after which a limit is read again
MAX_KNOWN = 10_000  # firms


class KnownLimits:
    """Limits of the firms that asked lately; thread-safe."""

    def __init__(
        self, read: Callable[[int], int | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._clock = read, clock
        self._lock = threading.Lock()
        self._known: dict[int, tuple[float, int | None]] = {}

    def of(self, workspace_id: int) -> int | None:
        """Return a firm's requests a minute, None for no limit."""
        with self._lock:
            read_at, most = self._known.get(workspace_id, (None, None))
        if read_at is not None and self._clock() - read_at < KNOWN_SECONDS:
            return most
        most = self._read(workspace_id)
        with self._lock:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[workspace_id] = self._clock(), most
        return most


@dataclass(frozen=True, slots=True)
class _FirmRequests:
    limits: KnownLimits
    counts: RateLimiter


def init_firm_requests(app: Flask, database: Database) -> None:
    """Count the requests of firms that have a limit."""

    def read(workspace_id: int) -> int | None:
        with database.reading() as session:
            return limit_of(session, workspace_id, Quota.REQUESTS)

    counts: RateLimiter = (
        FixedWindowRateLimiter(SharedCounts("", database=database))
        if database.is_shared
        else MovingWindowRateLimiter(RequestWindows())
    )
    app.extensions[EXTENSION] = _FirmRequests(KnownLimits(read), counts)
    app.before_request(_count)


def _count() -> Response | None:
    """Count a request of a signed-in person or program, or refuse it with Retry-After."""
    if "actor" not in g:
        return None
    firm: _FirmRequests = current_app.extensions[EXTENSION]
    workspace_id = current_access().workspace_id
    most = firm.limits.of(workspace_id)
    if most is None:
        return None
    item, key = RateLimitItemPerMinute(most), f"firm {workspace_id}"
    if firm.counts.hit(item, key):
        return None
    wait = max(1.0, firm.counts.get_window_stats(item, key).reset_time - time.time())
    # The code that every extension knows as refused before anything was done.
    refused = problem("too-many-requests", retry_after=wait)
    return problem_response(replace(refused, detail=LIMITS[Quota.REQUESTS].format(most=most)))
