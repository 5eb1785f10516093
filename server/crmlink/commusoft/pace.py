"""Pace of calls to Commusoft by its answers: more while they are quick and clean, half if not.

Additive increase, multiplicative decrease, as networks share a line. It only ever lowers the
admin's bound. An object of a few numbers, so that processes can share it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

BEGINNING = 5.0  # calls per second, or the bound if that is less
SLOWEST = 0.5
STEP = 0.5  # calls per second more ...
CLEAN_ANSWERS = 20  # ... after so many answers without an obstacle
QUIET_AFTER_DROP = 5.0  # seconds in which calls that were already under way count no second time
SMOOTHING = 0.2  # weight of the newest answer
UNREMARKABLE = 0.25  # seconds; an answer within them is quick, whatever the ones before


@dataclass(frozen=True, slots=True)
class PaceState:
    """Calls per second allowed now, at most ever, and the code of why it was lowered, if so."""

    per_second: float
    bound: float
    reason: str | None


class Pace:
    """Calls per second by what Commusoft answers; thread-safe. ``clock`` returns seconds."""

    def __init__(self, bound: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._bound, self._clock = bound, clock
        self._guard = threading.Lock()
        self._per_second = min(bound, BEGINNING)
        self._clean = 0
        self._reason: str | None = None
        self._usual: float | None = None  # seconds of the quickest smoothed answers
        self._recent: float | None = None
        self._dropped_at = float("-inf")

    def state(self) -> PaceState:
        """Return the present pace."""
        with self._guard:
            return PaceState(self._per_second, self._bound, self._reason)

    def note_answer(self, seconds: float | None, status: int) -> None:
        """Take an answer into account; ``seconds`` is None for calls of unequal size."""
        with self._guard:
            if status == 429 or status >= 500:
                self._drop("busy" if status in (429, 503) else "failing")
            elif seconds is not None and self._is_slow(seconds):
                self._drop("slow")
            else:
                self._count_clean()

    def note_silence(self) -> None:
        """Take a call without an answer into account."""
        with self._guard:
            self._drop("silent")

    def _is_slow(self, seconds: float) -> bool:
        """Return whether answers take twice as long as usual by now."""
        recent = self._recent if self._recent is not None else seconds
        self._recent = recent + SMOOTHING * (seconds - recent)
        self._usual = min(self._recent, self._usual or self._recent)
        return self._recent > max(2 * self._usual, UNREMARKABLE)

    def _count_clean(self) -> None:
        self._clean += 1
        if self._clean < CLEAN_ANSWERS:
            return
        self._clean = 0
        self._per_second = min(self._bound, self._per_second + STEP)
        if self._per_second == self._bound:
            self._reason = None

    def _drop(self, reason: str) -> None:
        self._clean = 0
        if self._clock() - self._dropped_at < QUIET_AFTER_DROP:
            return
        self._dropped_at, self._reason = self._clock(), reason
        self._per_second = max(min(SLOWEST, self._bound), self._per_second / 2)
        self._recent = self._usual  # so that the slow ones before count no second time
