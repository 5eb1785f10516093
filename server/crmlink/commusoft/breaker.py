"""Circuit breaker: fails calls fast while Commusoft keeps failing, then probes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from crmlink.commusoft.account_state import AccountState, KeepsState, LocalState
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
    """Circuit breaker of one account, for all processes that share its state.

    Closed: calls are sent. Open: calls fail at once with the last error. After an interval one call
    is sent as a probe; its success closes the breaker, its failure doubles the interval.
    """

    def __init__(
        self,
        limits: ClientLimits,
        clock: Callable[[], float] = time.monotonic,
        shared: KeepsState | None = None,
    ) -> None:
        self._limits = limits
        self._states = shared or LocalState(clock)

    @property
    def last_error_code(self) -> str | None:
        """Code of the error the last call ended with; None if it got a response."""
        last = self._states.read().last
        return _error(last).code if last else None

    def admit(self) -> None:
        """Raise a copy of the last error while open, and while a probe is in progress."""
        if self._is_open(self._states.read()):
            self._states.change(self._probe_or_fail)

    def succeeded(self) -> None:
        """Record a response: reset the failures."""
        if self._states.known().last:  # most calls succeed after others that did
            self._states.change(_reset)

    def failed(self, error: CommusoftError) -> None:
        """Record an error: an outage counts as a failure, any other response as success."""
        if isinstance(error, CommusoftBusy | WriteWithdrawn):
            if self._states.known().probing:
                self._states.change(_release_probe)
        elif _counts_as_failure(error):
            self._states.change(lambda state, now: self._count(state, now, error))
        else:
            self.succeeded()

    def _is_open(self, state: AccountState) -> bool:
        return state.last is not None and state.failures >= self._limits.failure_threshold

    def _probe_or_fail(self, state: AccountState, now: float) -> None:
        if state.last is None or not self._is_open(state):
            return
        if now < state.opens_at:
            raise _error({**state.last, "cause": _resting(state.last["cause"])})
        # This call is the probe; others fail for as long as it may take.
        state.opens_at, state.probing = now + self._limits.total_timeout, True

    def _count(self, state: AccountState, now: float, error: CommusoftError) -> None:
        state.failures, state.last = state.failures + 1, _described(error)
        rest = state.open_seconds or self._limits.open_seconds
        if state.probing:
            # Concurrent calls fail together; double the interval only once.
            rest, state.probing = min(rest * 2, self._limits.max_open_seconds), False
        state.open_seconds = rest
        if self._is_open(state):
            state.opens_at = now + rest


def _reset(state: AccountState, _: float) -> None:
    state.failures, state.last, state.open_seconds = 0, None, None
    state.probing = False


def _release_probe(state: AccountState, now: float) -> None:
    """Let the next call be the probe: nothing was sent by this one."""
    if state.probing:
        state.opens_at, state.probing = now, False


def _counts_as_failure(error: CommusoftError) -> bool:
    if isinstance(error, CommusoftServerError):
        return error.status >= 500
    return isinstance(error, CommusoftUnreachable | CommusoftTimeout)


def _described(error: CommusoftError) -> dict[str, Any]:
    """Return an outage as it is stored; its cause is for the log, without data."""
    return {"code": error.code, "status": getattr(error, "status", None), "cause": error.cause}


def _error(described: dict[str, Any]) -> CommusoftError:
    """Return the error of a description."""
    if described["status"] is not None:
        return CommusoftServerError(described["status"], described["cause"])
    kinds = {each.code: each for each in (CommusoftUnreachable, CommusoftTimeout)}
    return kinds[described["code"]](described["cause"])


def _resting(cause: str) -> str:
    """Return the cause of a call that was not sent."""
    return f"resting after: {cause.removeprefix('resting after: ')}"
