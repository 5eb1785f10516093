"""How many rows a worker settles per second."""

from __future__ import annotations

import time
from collections import deque

RATE_WINDOW = 20.0  # seconds over which the rate is smoothed


class Throughput:
    """Rows per second, smoothed over the last seconds."""

    def __init__(self) -> None:
        self.settled = 0
        self._recent: deque[float] = deque(maxlen=2_000)
        self._began = time.monotonic()

    def add(self) -> None:
        """Count one row."""
        self.settled += 1
        self._recent.append(time.monotonic())

    def per_second(self) -> float | None:
        """Return the rate; None until there are enough rows."""
        moment = time.monotonic()
        while self._recent and self._recent[0] < moment - RATE_WINDOW:
            self._recent.popleft()
        if len(self._recent) < 2:
            return None
        full = len(self._recent) == self._recent.maxlen
        since = self._recent[0] if full else max(self._began, moment - RATE_WINDOW)
        return len(self._recent) / max(0.1, moment - since)
