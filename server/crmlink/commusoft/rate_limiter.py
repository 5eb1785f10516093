"""Politeness: so many calls at once, so many a second, and silence while asked to wait.

Calls that somebody waits for go first. The others, a whole list's, leave a place and a share of
the starts free, come evenly spaced, and stop while a person's call is out.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from crmlink.commusoft.errors import CommusoftBusy
from crmlink.commusoft.limits import ClientLimits
from crmlink.deadline import Deadline

INTERACTIVE_GRACE = 0.25  # seconds after a person's call in which their next one may come
LOOK_AGAIN = 0.05


class RateLimiter:
    """Hands out turns to call; shared by every thread of one client."""

    def __init__(self, patience: ClientLimits) -> None:
        self._patience = patience
        self._places = threading.BoundedSemaphore(patience.at_once)
        self._guard = threading.Lock()
        most = max(1, int(patience.per_second))
        self._span = most / patience.per_second
        self._starts: deque[float] = deque(maxlen=most)
        self._held_until = 0.0
        self._patient_places = threading.BoundedSemaphore(max(1, patience.at_once - 1))
        self._patient_most = max(1, most - -(-most // 4))
        self._patient_next = 0.0
        self._people = 0  # calls of theirs that are out
        self._quiet_until = 0.0

    @property
    def patient_per_second(self) -> float:
        """How many calls a second may go out that nobody waits for."""
        return self._patient_most / self._span

    @contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """Wait for a turn and keep its place. Raises `CommusoftBusy` when none comes in time."""
        before = self._patient_turn(deadline) if deadline.background else self._persons_turn()
        with before, self._place(deadline):
            yield

    @contextmanager
    def _patient_turn(self, deadline: Deadline) -> Iterator[None]:
        if not self._patient_places.acquire(timeout=deadline.remaining()):
            raise CommusoftBusy(cause="no free turn")
        try:
            self._wait_behind(deadline)
            yield
        finally:
            self._patient_places.release()

    @contextmanager
    def _persons_turn(self) -> Iterator[None]:
        with self._guard:
            self._people += 1
        try:
            yield
        finally:
            with self._guard:
                self._people -= 1
                self._quiet_until = time.monotonic() + INTERACTIVE_GRACE

    @contextmanager
    def _place(self, deadline: Deadline) -> Iterator[None]:
        if not self._places.acquire(timeout=deadline.remaining()):
            raise CommusoftBusy(cause="no free turn")
        try:
            if not deadline.background:  # a patient call took its start before it took the place
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

    def _wait_behind(self, deadline: Deadline) -> None:
        """Wait until nobody else wants to start, without booking a start ahead."""
        while True:
            with self._guard:
                wait = self._wait_of_patient(time.monotonic())
                if wait <= 0:
                    return
            if wait > deadline.remaining():
                raise CommusoftBusy(wait, cause="people go first")
            time.sleep(wait)

    def _wait_of_patient(self, now: float) -> float:
        """Seconds to wait before asking again; at 0 the start is taken."""
        waits = [self._held_until - now, self._quiet_until - now, self._patient_next - now]
        if self._people:
            waits.append(LOOK_AGAIN)
        if len(self._starts) >= self._patient_most:
            waits.append(self._starts[-self._patient_most] + self._span - now)
        wait = max(waits)
        if wait <= 0:
            self._starts.append(now)
            self._patient_next = now + self._span / self._patient_most
        return wait

    def hold(self, seconds: float) -> None:
        """Let nothing out for so long: Commusoft asked for it."""
        with self._guard:
            self._held_until = max(self._held_until, time.monotonic() + seconds)
