"""Durations for which this process has seen something unchanged, by a monotonic clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Hashable


class FirstSeen:
    """When each subject was first seen; lost with the process, whose successor starts again.

    ``clock`` returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._moments: dict[tuple[str, Hashable], float] = {}
        self._looks: dict[str, float] = {}

    def age(self, subject: str, detail: Hashable) -> float:
        """Return for how many seconds a subject has had this detail; 0.0 the first time."""
        moment = self._clock()
        with self._guard:
            return moment - self._moments.setdefault((subject, detail), moment)

    def record_read(self, subject: str) -> None:
        """Record that a subject is being read now."""
        with self._guard:
            self._looks[subject] = self._clock()

    def seconds_since_read(self, subject: str) -> float:
        """Return how many seconds ago a subject was last read; infinite if never."""
        with self._guard:
            return self._clock() - self._looks.get(subject, float("-inf"))

    def forget_all_but(self, subjects: Container[str]) -> None:
        """Remove all other subjects."""
        with self._guard:
            for key in [key for key in self._moments if key[0] not in subjects]:
                del self._moments[key]
            for subject in [each for each in self._looks if each not in subjects]:
                del self._looks[subject]
