"""Clocks that tests set: of seconds that pass when a test wants, and of machines that are off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import time_machine


@contextmanager
def clock_off_by(seconds: float) -> Iterator[None]:
    """Let the clock that can be set be ahead, or behind; durations stay what they are."""
    shown = datetime.now(UTC) + timedelta(seconds=seconds)
    with time_machine.travel(shown, tick=True):
        yield


class SimulatedClock:
    """Seconds that pass when the test wants."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
