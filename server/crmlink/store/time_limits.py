"""How long PostgreSQL may take, by who waits for it; SQLite has its busy timeout.

Without limits a statement that never ends, because an operator's psql holds a lock or a disk hangs,
would keep a thread of a server for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

HANGS_AFTER_MS = 5_000  # beyond its limit a statement that PostgreSQL itself cannot end is given up


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Milliseconds for a lock, for a statement, and between two of a transaction; 0: no limit."""

    lock: int
    statement: int
    idle: int

    @property
    def options(self) -> dict[str, int]:
        """PostgreSQL's settings."""
        return {
            "lock_timeout": self.lock,
            "statement_timeout": self.statement,
            "idle_in_transaction_session_timeout": self.idle,
        }

    @property
    def silence(self) -> float | None:
        """Seconds without an answer after which PostgreSQL hangs; None for no limit."""
        return (self.statement + HANGS_AFTER_MS) / 1_000 if self.statement else None


UNLIMITED = TimeLimits(0, 0, 0)  # commands and migrations: a person watches, or has to wait
OF_REQUESTS = TimeLimits(lock=15_000, statement=60_000, idle=120_000)
OF_BACKGROUND_WORK = TimeLimits(lock=60_000, statement=600_000, idle=600_000)
OF_PROBES = TimeLimits(lock=2_000, statement=2_000, idle=2_000)

_own: ContextVar[TimeLimits | None] = ContextVar("time_limits", default=None)


def own_time_limits() -> TimeLimits | None:
    """Return this thread's limits where they differ from its process's."""
    return _own.get()


def use_time_limits(limits: TimeLimits) -> None:
    """Set this thread's limits from now on."""
    _own.set(limits)


@contextmanager
def time_limits(limits: TimeLimits) -> Iterator[None]:
    """Set the limits of what is done within."""
    token = _own.set(limits)
    try:
        yield
    finally:
        _own.reset(token)


def limiting_calls() -> list[tuple[str, Any]]:
    """Return the calls, with a value each, that set a thread's own limits in a transaction."""
    limits = own_time_limits()
    if limits is None:
        return []
    return [(f"set_config('{name}', %s, true)", str(ms)) for name, ms in limits.options.items()]
