"""A connection to PostgreSQL that is given up when it hangs: imported where there is PostgreSQL."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

from crmlink.store.time_limits import UNLIMITED, TimeLimits, own_time_limits

POLL_INTERVAL = 0.1  # seconds, as psycopg's: it notices Ctrl+C in between
T = TypeVar("T")


class DatabaseHangs(psycopg.OperationalError):
    """PostgreSQL accepted a statement, and neither answered nor ended it in time."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that ends once a statement has no answer beyond its limit.

    PostgreSQL ends statements by itself (``statement_timeout``) unless its disk hangs or it was
    suspended. ``limits`` are those of the process, for threads without limits of their own.
    """

    limits: TimeLimits = UNLIMITED

    def wait(
        self, gen: PQGen[T], interval: float = POLL_INTERVAL, timeout: float | None = None
    ) -> T:
        """Wait for what was sent. Raises DatabaseHangs."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, (own_time_limits() or self.limits).silence)
        except _WaitTimeout:
            self.close()  # what became of the statement is not known
            raise DatabaseHangs("PostgreSQL does not answer") from None
