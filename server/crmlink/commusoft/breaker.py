"""The circuit breaker: leaves a Commusoft that keeps failing alone, then tries again by itself."""

import threading
import time

from crmlink.commusoft.errors import (
    CommusoftBusy,
    CommusoftError,
    CommusoftFault,
    CommusoftSlow,
    CommusoftUnreachable,
)
from crmlink.commusoft.patience import Patience


class Breaker:
    """Closed: calls go out. Open: they fail at once with the last failure, for a rest. Then one
    call goes out as a probe; its success closes the breaker, its failure doubles the rest.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._guard = threading.Lock()
        self._failures = 0
        self._last: CommusoftError | None = None
        self._rest = patience.rest
        self._opens_at = 0.0

    def admit(self) -> None:
        """Raises the last failure anew while resting, and while a probe is out."""
        with self._guard:
            if self._last is None or self._failures < self._patience.faults_to_open:
                return
            now = time.monotonic()
            if now < self._opens_at:
                raise _again(self._last)
            # This call is the probe; the others rest for as long as it may take.
            self._opens_at = now + self._patience.total

    def succeeded(self) -> None:
        """A call was answered: forget the failures."""
        with self._guard:
            self._failures, self._last, self._rest = 0, None, self._patience.rest

    def failed(self, error: CommusoftError) -> None:
        """A call failed: counts when Commusoft is ill; any other answer shows that it is not."""
        if isinstance(error, CommusoftBusy):
            self._nothing_learnt()
        elif _says_commusoft_is_ill(error):
            self._count(error)
        else:
            self.succeeded()

    def _nothing_learnt(self) -> None:
        """No turn came for the call: if it was the probe, the next call is."""
        with self._guard:
            self._opens_at = min(self._opens_at, time.monotonic())

    def _count(self, error: CommusoftError) -> None:
        with self._guard:
            self._failures, self._last = self._failures + 1, error
            if self._failures > self._patience.faults_to_open:
                self._rest = min(self._rest * 2, self._patience.rest_most)
            if self._failures >= self._patience.faults_to_open:
                self._opens_at = time.monotonic() + self._rest


def _says_commusoft_is_ill(error: CommusoftError) -> bool:
    if isinstance(error, CommusoftFault):
        return error.status >= 500
    return isinstance(error, CommusoftUnreachable | CommusoftSlow)


def _again(error: CommusoftError) -> CommusoftError:
    """The same failure for another caller, who sees that nothing was sent."""
    cause = f"resting after: {error.cause.removeprefix('resting after: ')}"
    if isinstance(error, CommusoftFault):
        return CommusoftFault(error.status, cause)
    return type(error)(cause)
