"""Tables of counts that all processes of a PostgreSQL database share; unused on SQLite.

Times are the database's, so that the clocks of several machines do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, ForeignKey, LargeBinary, delete, func, text
from sqlalchemy.orm import Mapped, mapped_column

from crmlink.store.base import Base
from crmlink.store.database import Database

RETENTION_SECONDS = 3600  # seconds that an attempt counts for


class CountedAttempt(Base):
    """A failed or unfinished attempt under a key; ``at`` is in seconds since 1970."""

    __tablename__ = "counted_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    at: Mapped[float]


class RequestCount(Base):
    """Requests of a client within a window that ends at a moment, in seconds since 1970."""

    __tablename__ = "request_count"

    key: Mapped[str] = mapped_column(primary_key=True)
    requests: Mapped[int]
    ends_at: Mapped[float] = mapped_column(index=True)


class CommusoftPace(Base):
    """When the next call of any process to a connection's account may start.

    In seconds since 1970, as ``paused_until``, to which Commusoft asked for no calls. ``state`` is
    what is known of the calls, see ``commusoft/account_state.py``.
    """

    __tablename__ = "commusoft_pace"

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"), primary_key=True)
    next_at: Mapped[float]
    paused_until: Mapped[float] = mapped_column(default=0.0)
    state: Mapped[dict[str, Any] | None]


@contextmanager
def counting(database: Database) -> Iterator[Connection]:
    """Yield a transaction for counts: without the writers' lock, and not worth waiting for disks.

    After a crash of PostgreSQL the counts of its last half second may be missing.
    """
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        yield connection


def database_seconds(connection: Connection) -> float:
    """Return the database's time, in seconds since 1970."""
    return float(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0.0)


def forget_old_counts(database: Database) -> None:
    """Delete counts that no longer count."""
    with counting(database) as connection:
        moment = func.extract("epoch", func.clock_timestamp())
        connection.execute(
            delete(CountedAttempt).where(CountedAttempt.at < moment - RETENTION_SECONDS)
        )
        connection.execute(delete(RequestCount).where(RequestCount.ends_at < moment))
