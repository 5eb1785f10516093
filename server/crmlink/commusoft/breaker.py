"""Circuit breaker: fails calls fast while Commusoft keeps failing, then probes it."""

import threading
import time
from collections.abc import Callable

from crmlink.commusoft.errors import (
    CommusoftBusy,
    CommusoftError,
    CommusoftServerError,
    CommusoftTimeout,
    CommusoftUnreachable,
    WriteWithdrawn,
)
from crmlink.commusoft.limits import ClientLimits


class CircuitBreaker:
    """Circuit breaker of one connection.

    Closed: calls are sent. Open: calls fail at once with the last error. After an interval one call
    is sent as a probe; its success closes the breaker, its failure doubles the interval.
    """

    def __init__(self, limits: ClientLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._last: CommusoftError | None = None
        self._open_seconds = limits.open_seconds
        self._opens_at = 0.0
        self._probing = False

    @property
    def last_error_code(self) -> str | None:
        """Code of the error the last call ended with; None if it got a response."""
        return self._last.code if self._last else None

    def admit(self) -> None:
        """Raise a copy of the last error while open, and while a probe is in progress."""
        with self._lock:
            if self._last is None or self._failures < self._limits.failure_threshold:
                return
            current_time = self._clock()
            if current_time < self._opens_at:
                raise _copy_error(self._last)
            # This call is the probe; others fail for as long as it may take.
            self._opens_at, self._probing = current_time + self._limits.total_timeout, True

    def succeeded(self) -> None:
        """Record a response: reset the failures."""
        with self._lock:
            self._failures, self._last, self._open_seconds = 0, None, self._limits.open_seconds
            self._probing = False

    def failed(self, error: CommusoftError) -> None:
        """Record an error: an outage counts as a failure, any other response as success."""
        if isinstance(error, CommusoftBusy | WriteWithdrawn):
            self._release_probe()
        elif _counts_as_failure(error):
            self._count(error)
        else:
            self.succeeded()

    def _release_probe(self) -> None:
        """Let the next call be the probe: nothing was sent by this one."""
        with self._lock:
            if self._probing:
                self._opens_at, self._probing = self._clock(), False

    def _count(self, error: CommusoftError) -> None:
        with self._lock:
            self._failures, self._last = self._failures + 1, error
            if self._probing:
                # Concurrent calls fail together; double the interval only once.
                self._open_seconds, self._probing = (
                    min(self._open_seconds * 2, self._limits.max_open_seconds),
                    False,
                )
            if self._failures >= self._limits.failure_threshold:
                self._opens_at = self._clock() + self._open_seconds


def _counts_as_failure(error: CommusoftError) -> bool:
    if isinstance(error, CommusoftServerError):
        return error.status >= 500
    return isinstance(error, CommusoftUnreachable | CommusoftTimeout)


def _copy_error(error: CommusoftError) -> CommusoftError:
    """Return a copy of the error for a call that was not sent."""
    cause = f"resting after: {error.cause.removeprefix('resting after: ')}"
    if isinstance(error, CommusoftServerError):
        return CommusoftServerError(error.status, cause)
    return type(error)(cause)
