"""When a batch's worker asks Commusoft again after an error, and when it gives a row up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from crmlink.store.base import utc_now

INITIAL_BACKOFF = 1.0  # seconds
MAX_BACKOFF = 60.0  # seconds, when Commusoft does not answer
MIN_SHOWN_BACKOFF = 0.5  # seconds; the end of a shorter one is not stored
SLOW_AFTER = 5.0  # seconds without a response before that is reported
MAX_TRIES = 5  # of one row while others succeed
MAX_TRIES_IN_OUTAGE = 25  # of each row in an outage: 15 minutes and more
OUTAGE_CODES = {
    "commusoft-unreachable", "commusoft-slow", "commusoft-busy", "commusoft-fault",
    "commusoft-refused",
}  # fmt: skip


class Backoff:
    """One worker's obstacle, if any, and its pause because of it; doubled by each error."""

    def __init__(self) -> None:
        self.problem: str | None = None  # code of the obstacle
        self._seconds, self._until = INITIAL_BACKOFF, 0.0
        self._tries: Counter[int] = Counter()

    def record_obstacle(self, problem: str) -> bool:
        """Record an obstacle; return whether it is a new one."""
        is_new, self.problem = problem != self.problem, problem
        return is_new

    def count_try(self, row_id: int) -> None:
        """Count a try of a row that met an obstacle, and pause longer than after the last one."""
        self._tries[row_id] += 1
        self.pause_longer()

    def pause_longer(self) -> None:
        """Ask nothing for longer than after the last obstacle."""
        self.pause(self._seconds)
        self._seconds = min(2 * self._seconds, MAX_BACKOFF)

    def pause(self, seconds: float) -> None:
        """Ask nothing for so long."""
        self._until = time.monotonic() + seconds

    def reset(self) -> None:
        """Forget the obstacle: Commusoft has answered."""
        self.problem, self._seconds = None, INITIAL_BACKOFF

    def forget(self, row_id: int) -> None:
        """Forget the tries of a row that has ended."""
        self._tries.pop(row_id, None)

    @property
    def seconds_left(self) -> float:
        """Seconds of the pause that are left; not positive when it is over."""
        return self._until - time.monotonic()

    def gives_up(self, row_id: int, problem: str, others_succeed: bool) -> bool:
        """Return whether a row has been tried enough; not while no row succeeds: an outage."""
        own = problem not in OUTAGE_CODES or others_succeed
        return self._tries[row_id] >= (MAX_TRIES if own else MAX_TRIES_IN_OUTAGE)

    def obstacle(self, begun: Iterable[float]) -> dict[str, str] | None:
        """Return the obstacle's code, and when Commusoft is asked again; or None.

        ``begun`` is when each request without a response was sent, by the monotonic clock.
        """
        if self.problem:
            left = self.seconds_left
            next_at = (utc_now() + timedelta(seconds=left)).isoformat()
            return {"code": self.problem} | (
                {"next_at": next_at} if left > MIN_SHOWN_BACKOFF else {}
            )
        moment = time.monotonic()
        if any(moment - each > SLOW_AFTER for each in begun):
            return {"code": "commusoft-slow"}
        return None
