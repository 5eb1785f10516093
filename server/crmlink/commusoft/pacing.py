"""Politeness: so many calls at once, so many a second, and silence while asked to wait."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from crmlink.commusoft.deadline import Deadline
from crmlink.commusoft.errors import CommusoftBusy
from crmlink.commusoft.patience import Patience


class Pace:
    """Hands out turns to call; shared by every thread of one client."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._places = threading.BoundedSemaphore(patience.at_once)
        self._guard = threading.Lock()
        most = max(1, int(patience.per_second))
        self._span = most / patience.per_second
        self._starts: deque[float] = deque(maxlen=most)
        self._held_until = 0.0

    @contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """Wait for a turn and keep its place. Raises `CommusoftBusy` when none comes in time."""
        if not self._places.acquire(timeout=deadline.remaining()):
            raise CommusoftBusy(cause="no free turn")
        try:
            self.next_start(deadline)
            yield
        finally:
            self._places.release()

    def next_start(self, deadline: Deadline) -> None:
        """Wait until one more request may go out. Raises `CommusoftBusy` when that is too late."""
        with self._guard:
            now = time.monotonic()
            held = self._held_until - now
            if held > min(self._patience.wait_most, deadline.remaining()):
                raise CommusoftBusy(held, cause="asked to wait")
            start = max(now, self._held_until)
            if len(self._starts) == self._starts.maxlen:
                start = max(start, self._starts[0] + self._span)
            if start - now > deadline.remaining():
                raise CommusoftBusy(start - now, cause="too many calls waiting")
            self._starts.append(start)
        time.sleep(max(0.0, start - now))

    def hold(self, seconds: float) -> None:
        """Let nothing out for so long: Commusoft asked for it."""
        with self._guard:
            self._held_until = max(self._held_until, time.monotonic() + seconds)
