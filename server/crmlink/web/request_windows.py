"""Moving windows of rate limits in memory, without a thread.

``limits`` has such a storage, which starts a thread for nearly every request to drop old entries.
Here the window's own requests drop them, and now and then those of clients that went away.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from limits.storage import MovingWindowSupport, Storage

SCHEME = "request-windows"
SWEEP_INTERVAL = 60.0  # seconds


class RequestWindows(Storage, MovingWindowSupport):
    """Times of the requests of each key, oldest first; registered with ``limits`` by its scheme."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - the base class declares it so

    def __init__(self, uri: str | None = None, **_: str) -> None:
        super().__init__(uri)
        self._lock = threading.Lock()
        self._times: dict[str, deque[float]] = {}
        self._longest = 0.0  # window, in seconds
        self._swept_at = time.monotonic()

    @property
    def base_exceptions(self) -> type[Exception]:
        """Errors of this storage; it has none."""
        return ValueError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` requests now, unless the last ``expiry`` seconds then exceed a limit."""
        with self._lock:
            moment = time.monotonic()
            self._longest = max(self._longest, expiry)
            self._sweep(moment)
            times = self._times.setdefault(key, deque())
            _drop(times, moment - expiry)
            if len(times) + amount > limit:
                return False
            times.extend([moment] * amount)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return when the oldest request of the window came, and how many there are."""
        with self._lock:
            moment = time.monotonic()
            times = self._times.get(key)
            if times:
                _drop(times, moment - expiry)
            began = moment - times[0] if times else 0.0
            return time.time() - began, len(times or ())

    def clear(self, key: str) -> None:
        """Forget the requests of a key."""
        with self._lock:
            self._times.pop(key, None)

    def reset(self) -> int:
        """Forget all requests; returns how many keys had any."""
        with self._lock:
            keys = len(self._times)
            self._times.clear()
            return keys

    def check(self) -> bool:
        """Return whether it can be used: always."""
        return True

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Raise NotImplementedError: fixed windows are not counted here."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """Raise NotImplementedError: fixed windows are not counted here."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """Raise NotImplementedError: fixed windows are not counted here."""
        raise NotImplementedError

    def _sweep(self, moment: float) -> None:
        """Drop keys without a request in the longest window. The lock is held."""
        if moment - self._swept_at < SWEEP_INTERVAL:
            return
        self._swept_at = moment
        ended = moment - self._longest
        self._times = {key: times for key, times in self._times.items()
                       if times and times[-1] > ended}  # fmt: skip


def _drop(times: deque[float], ended: float) -> None:
    while times and times[0] <= ended:
        times.popleft()
