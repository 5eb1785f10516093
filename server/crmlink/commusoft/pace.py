"""Pace of calls to Commusoft by its answers: more while they are quick and clean, half if not.

Additive increase, multiplicative decrease, as networks share a line. It only ever lowers the
admin's bound. The pace is the account's, for all processes that share its state; how long answers
usually take is measured by each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from crmlink.commusoft.account_state import AccountState, KeepsState, LocalState

INITIAL_PER_SECOND = 5.0  # calls per second, or the bound if that is less
MIN_PER_SECOND = 0.5
STEP = 0.5  # calls per second more ...
CLEAN_ANSWERS = 20  # ... after so many answers without an obstacle
QUIET_AFTER_DROP = 5.0  # seconds in which calls that were already under way count no second time
SMOOTHING = 0.2  # weight of the newest answer
FAST_SECONDS = 0.25  # seconds; an answer within them is quick, whatever the ones before


@dataclass(frozen=True, slots=True)
class PaceState:
    """Calls per second allowed now, at most ever, and the code of why it was lowered, if so."""

    per_second: float
    bound: float
    reason: str | None


class Pace:
    """Calls per second by what Commusoft answers; thread-safe. ``clock`` returns seconds."""

    def __init__(
        self,
        bound: float,
        clock: Callable[[], float] = time.monotonic,
        shared: KeepsState | None = None,
    ) -> None:
        self._bound = bound
        self._states = shared or LocalState(clock)
        self._guard = threading.Lock()
        self._clean = 0
        self._usual: float | None = None  # seconds of the quickest smoothed answers
        self._recent: float | None = None

    def state(self) -> PaceState:
        """Return the pace as it was known at the last call of this process."""
        return self._of(self._states.known())

    def present_state(self) -> PaceState:
        """Return the pace after the last call of any process."""
        return self._of(self._states.read())

    def _of(self, state: AccountState) -> PaceState:
        return PaceState(self._per_second(state), self._bound, state.reason)

    def _per_second(self, state: AccountState) -> float:
        return min(
            self._bound, INITIAL_PER_SECOND if state.per_second is None else state.per_second
        )

    def record_response(self, seconds: float | None, status: int) -> None:
        """Take an answer into account; ``seconds`` is None for calls of unequal size."""
        with self._guard:
            if status == 429 or status >= 500:
                self._drop("busy" if status in (429, 503) else "failing")
            elif seconds is not None and self._is_slow(seconds):
                self._drop("slow")
            else:
                self._count_clean()

    def record_timeout(self) -> None:
        """Take a call without an answer into account."""
        with self._guard:
            self._drop("silent")

    def _is_slow(self, seconds: float) -> bool:
        """Return whether answers take twice as long as usual by now."""
        recent = self._recent if self._recent is not None else seconds
        self._recent = recent + SMOOTHING * (seconds - recent)
        self._usual = min(self._recent, self._usual or self._recent)
        return self._recent > max(2 * self._usual, FAST_SECONDS)

    def _count_clean(self) -> None:
        self._clean += 1
        if self._clean < CLEAN_ANSWERS:
            return
        self._clean = 0
        known = self._states.known()
        if self._per_second(known) < self._bound or known.reason:
            self._states.change(self._grow)

    def _grow(self, state: AccountState, _: float) -> None:
        state.per_second = min(self._bound, self._per_second(state) + STEP)
        if state.per_second == self._bound:
            state.reason = None

    def _drop(self, reason: str) -> None:
        self._clean = 0

        def drop(state: AccountState, now: float) -> None:
            if state.dropped_at is not None and now - state.dropped_at < QUIET_AFTER_DROP:
                return
            state.dropped_at, state.reason = now, reason
            state.per_second = max(min(MIN_PER_SECOND, self._bound), self._per_second(state) / 2)
            self._recent = self._usual  # so that the slow ones before count no second time

        self._states.change(drop)
