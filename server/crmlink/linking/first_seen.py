"""How long this process has seen something unchanged, by a clock that cannot be set."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Hashable


class FirstSeen:
    """Remembers when each thing was first seen; lost with the process, whose successor waits anew.

    ``clock`` gives seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._moments: dict[tuple[str, Hashable], float] = {}
        self._looks: dict[str, float] = {}

    def age(self, subject: str, detail: Hashable) -> float:
        """Return for how many seconds this detail of a subject is known; 0.0 the first time."""
        moment = self._clock()
        with self._guard:
            return moment - self._moments.setdefault((subject, detail), moment)

    def note_look(self, subject: str) -> None:
        """Remember that a subject is being looked at now."""
        with self._guard:
            self._looks[subject] = self._clock()

    def since_look(self, subject: str) -> float:
        """Return how many seconds ago a subject was last looked at; infinite when never."""
        with self._guard:
            return self._clock() - self._looks.get(subject, float("-inf"))

    def forget_all_but(self, subjects: Container[str]) -> None:
        """Keep only what is known of these subjects."""
        with self._guard:
            for key in [key for key in self._moments if key[0] not in subjects]:
                del self._moments[key]
            for subject in [each for each in self._looks if each not in subjects]:
                del self._looks[subject]
