"""Rate limiter: concurrent calls, calls per second, and pauses that Commusoft requests.

Interactive calls take precedence. Background calls leave one slot free, are evenly spaced, and stop
while an interactive call is in progress. For a while after one they leave a share of the starts
free too.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from crmlink.commusoft.account_state import KeepsState
from crmlink.commusoft.errors import CommusoftBusy
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.pace import Pace
from crmlink.commusoft.shared.calls import SharedCalls
from crmlink.commusoft.shared.starts import SharedStarts
from crmlink.deadline import Deadline

INTERACTIVE_GRACE = 0.25  # seconds after an interactive call in which another may follow
SHARE_FOR = 30.0  # seconds after an interactive call for which background calls leave a share
POLL_INTERVAL = 0.05


class RateLimiter:
    """Slots for calls of every thread of one client, and of every process if shared.

    Starts of calls, the pace and calls in progress are then those of all processes.
    """

    def __init__(
        self,
        limits: ClientLimits,
        shared: SharedStarts | None = None,
        states: KeepsState | None = None,
    ) -> None:
        self._limits, self._shared = limits, shared
        self._calls = SharedCalls(states, limits.max_concurrent) if states else None
        self._slots = threading.BoundedSemaphore(limits.max_concurrent)
        self._lock = threading.Lock()
        max_starts = max(1, int(limits.max_per_second))
        self._span = max_starts / limits.max_per_second
        self._starts: deque[float] = deque(maxlen=max_starts)
        self._paused_until = 0.0
        self.pace = Pace(limits.max_per_second, shared=states) if limits.paced_by_answers else None
        self._background_slots = threading.BoundedSemaphore(max(1, limits.max_concurrent - 1))
        self._all_starts = max_starts
        self._shared_starts = max(1, max_starts - -(-max_starts // 4))
        self._background_next = 0.0
        self._interactive_calls = 0
        self._quiet_until = self._shared_until = 0.0

    @property
    def background_per_second(self) -> float:
        """Calls per second available to background work now."""
        with self._lock:
            return 1 / self._background_spacing(time.monotonic())

    @contextmanager
    def slot(self, deadline: Deadline) -> Iterator[None]:
        """Hold a slot for the call. Raises `CommusoftBusy` if none is free in time."""
        before = (
            self._background_slot(deadline) if deadline.background else self._interactive_slot()
        )
        with before, self._slot_and_start(deadline):
            yield

    @contextmanager
    def _background_slot(self, deadline: Deadline) -> Iterator[None]:
        if not self._background_slots.acquire(timeout=deadline.remaining()):
            raise CommusoftBusy(cause="no free slot")
        try:
            self._wait_for_background_start(deadline)
            with self._call_of_all(deadline):
                self._take_shared_start(deadline)
                yield
        finally:
            self._background_slots.release()

    @contextmanager
    def _interactive_slot(self) -> Iterator[None]:
        with self._lock:
            self._interactive_calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._interactive_calls -= 1
                self._quiet_until = time.monotonic() + INTERACTIVE_GRACE
                self._shared_until = time.monotonic() + SHARE_FOR

    @contextmanager
    def _slot_and_start(self, deadline: Deadline) -> Iterator[None]:
        if not self._slots.acquire(timeout=deadline.remaining()):
            raise CommusoftBusy(cause="no free slot")
        try:
            if deadline.background:  # background calls reserve their start earlier
                yield
                return
            with self._call_of_all(deadline):
                self.reserve_start(deadline)
                yield
        finally:
            self._slots.release()

    def _call_of_all(self, deadline: Deadline) -> AbstractContextManager[None]:
        """Be one of the calls in progress in all processes, if they share them."""
        return self._calls.call(deadline) if self._calls else nullcontext()

    def reserve_start(self, deadline: Deadline) -> None:
        """Wait until another request may start. Raises `CommusoftBusy` if that is too late."""
        with self._lock:
            now = time.monotonic()
            pause = self._paused_until - now
            if pause > min(self._limits.max_wait, deadline.remaining()):
                raise CommusoftBusy(pause, cause="asked to wait")
            start = max(now, self._paused_until)
            if len(self._starts) == self._starts.maxlen:
                start = max(start, self._starts[0] + self._span)
            if self._starts:
                start = max(start, self._starts[-1] + self._spacing())
            if start - now > deadline.remaining():
                raise CommusoftBusy(start - now, cause="too many calls waiting")
            self._starts.append(start)
        time.sleep(max(0.0, start - now))
        self._take_shared_start(deadline)

    def _take_shared_start(self, deadline: Deadline) -> None:
        """Wait for a start among those of all processes. Raises `CommusoftBusy`."""
        if self._shared is None:
            return
        interval = max(self._span / self._all_starts, self._spacing())
        burst = 0.0 if deadline.background else interval * (self._all_starts - 1)
        patience = min(self._limits.max_wait, deadline.remaining())
        wait = self._shared.reserve(interval, burst, patience)
        if wait is None:
            raise CommusoftBusy(cause="too many calls of all processes")
        time.sleep(wait)

    def _wait_for_background_start(self, deadline: Deadline) -> None:
        """Wait until no interactive call needs the start, without reserving one ahead."""
        while True:
            with self._lock:
                wait = self._background_wait(time.monotonic())
                if wait <= 0:
                    return
            if wait > deadline.remaining():
                raise CommusoftBusy(wait, cause="interactive calls go first")
            time.sleep(wait)

    def _background_wait(self, now: float) -> float:
        """Return the seconds to wait before the next check; at 0 the start is taken."""
        waits = [self._paused_until - now, self._quiet_until - now, self._background_next - now]
        if self._interactive_calls:
            waits.append(POLL_INTERVAL)
        most = self._background_max(now)
        if len(self._starts) >= most:
            waits.append(self._starts[-most] + self._span - now)
        wait = max(waits)
        if wait <= 0:
            self._starts.append(now)
            self._background_next = now + self._background_spacing(now)
        return wait

    def _background_max(self, now: float) -> int:
        return self._shared_starts if now < self._shared_until else self._all_starts

    def _background_spacing(self, now: float) -> float:
        return max(self._span / self._background_max(now), self._spacing())

    def _spacing(self) -> float:
        """Return the seconds between two starts that the answers ask for, 0 at the admin's rate."""
        if self.pace is None:
            return 0.0
        state = self.pace.state()
        return 1 / state.per_second if state.per_second < state.bound else 0.0

    def pause_for(self, seconds: float) -> None:
        """Start no request for so many seconds, as Commusoft requested."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)
        if self._shared is not None:
            self._shared.pause_for(seconds)
