"""Machines whose clocks differ: what is done inside happens on one whose clock is off."""

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
