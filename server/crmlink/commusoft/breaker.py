"""The circuit breaker: leaves a Commusoft that keeps failing alone, then tries again by itself."""

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
    """Closed: calls go out. Open: they fail at once with the last failure, for a rest. Then one
    call goes out as a probe; its success closes the breaker, its failure doubles the rest.
    """

    def __init__(self, patience: ClientLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._guard = threading.Lock()
        self._failures = 0
        self._last: CommusoftError | None = None
        self._rest = patience.rest
        self._opens_at = 0.0
        self._probing = False

    @property
    def trouble(self) -> str | None:
        """The code of the failure that the last call ended with; None when it was answered."""
        return self._last.code if self._last else None

    def admit(self) -> None:
        """Raises the last failure anew while resting, and while a probe is out."""
        with self._guard:
            if self._last is None or self._failures < self._patience.faults_to_open:
                return
            now = self._clock()
            if now < self._opens_at:
                raise _copy_error(self._last)
            # This call is the probe; the others rest for as long as it may take.
            self._opens_at, self._probing = now + self._patience.total, True

    def succeeded(self) -> None:
        """A call was answered: forget the failures."""
        with self._guard:
            self._failures, self._last, self._rest = 0, None, self._patience.rest
            self._probing = False

    def failed(self, error: CommusoftError) -> None:
        """A call failed: counts when Commusoft is ill; any other answer shows that it is not."""
        if isinstance(error, CommusoftBusy | WriteWithdrawn):
            self._nothing_learnt()
        elif _counts_as_failure(error):
            self._count(error)
        else:
            self.succeeded()

    def _nothing_learnt(self) -> None:
        """Nothing was sent: if the call was the probe, the next call is."""
        with self._guard:
            if self._probing:
                self._opens_at, self._probing = self._clock(), False

    def _count(self, error: CommusoftError) -> None:
        with self._guard:
            self._failures, self._last = self._failures + 1, error
            if self._probing:
                # Calls that were out together fail together: that is one sign, not several.
                self._rest, self._probing = min(self._rest * 2, self._patience.rest_most), False
            if self._failures >= self._patience.faults_to_open:
                self._opens_at = self._clock() + self._rest


def _counts_as_failure(error: CommusoftError) -> bool:
    if isinstance(error, CommusoftServerError):
        return error.status >= 500
    return isinstance(error, CommusoftUnreachable | CommusoftTimeout)


def _copy_error(error: CommusoftError) -> CommusoftError:
    """The same failure for another caller, who sees that nothing was sent."""
    cause = f"resting after: {error.cause.removeprefix('resting after: ')}"
    if isinstance(error, CommusoftServerError):
        return CommusoftServerError(error.status, cause)
    return type(error)(cause)
