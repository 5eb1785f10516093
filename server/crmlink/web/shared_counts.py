"""Requests of each client, counted in the database for all processes: a storage of limits."""

from __future__ import annotations

from typing import Any

from limits.storage import Storage
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.expression import case

from crmlink.store import Database
from crmlink.store.counts import RequestCount, counting

SCHEME = "crmlink"
_NOW = func.extract("epoch", func.clock_timestamp())


class SharedCounts(Storage):
    """Windows of requests by key. Flask-Limiter counts in memory while the database is away."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 # as the library declares it

    def __init__(self, uri: str, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._database: Database = options["database"]

    @property
    def base_exceptions(self) -> type[Exception]:
        """Errors of the database."""
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count requests of a client; returns how many there were in its window."""
        over = RequestCount.ends_at <= _NOW
        new = insert(RequestCount).values(key=key, requests=amount, ends_at=_NOW + expiry)
        counted = new.on_conflict_do_update(
            index_elements=[RequestCount.key],
            set_={
                "requests": case((over, amount), else_=RequestCount.requests + amount),
                "ends_at": case((over, new.excluded.ends_at), else_=RequestCount.ends_at),
            },
        ).returning(RequestCount.requests)
        with counting(self._database) as connection:
            return int(connection.scalar(counted) or 0)

    def get(self, key: str) -> int:
        """Return the requests in a client's window."""
        query = select(RequestCount.requests).where(
            RequestCount.key == key, RequestCount.ends_at > _NOW
        )
        with self._database.reading() as session:
            return session.scalar(query) or 0

    def get_expiry(self, key: str) -> float:
        """Return when a client's window ends, in seconds since 1970."""
        query = select(func.coalesce(func.max(RequestCount.ends_at), _NOW)).filter_by(key=key)
        with self._database.reading() as session:
            return float(session.scalar(query) or 0.0)

    def check(self) -> bool:
        """Return whether the database answers."""
        return self._database.answers()

    def reset(self) -> None:
        """Forget all counts."""
        with counting(self._database) as connection:
            connection.execute(delete(RequestCount))

    def clear(self, key: str) -> None:
        """Forget a client's count."""
        with counting(self._database) as connection:
            connection.execute(delete(RequestCount).where(RequestCount.key == key))
