"""Starts of calls to one account, taken by all processes of a PostgreSQL database together.

The generic cell rate algorithm (ITU-T I.371): one number in the database is when the next call is
due at the account's rate. Interactive calls may be ahead of it by a burst, background calls may
not, so they leave the burst to people at any process.
"""

from __future__ import annotations

import structlog
from sqlalchemy import func, literal
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from crmlink.store import CommusoftPace, Database
from crmlink.store.counts import counting

log = structlog.get_logger()


class SharedStarts:
    """Starts of calls of one connection; times in seconds."""

    def __init__(self, database: Database, connection_id: int) -> None:
        self._database, self._connection_id = database, connection_id

    def reserve(self, interval: float, burst: float, patience: float) -> float | None:
        """Take the next start; returns the seconds until it, None if that is beyond the patience.

        ``interval`` is the time between two calls, ``burst`` how far they may be ahead. While the
        database does not answer, each process keeps to the rate alone: returns 0.
        """
        now = func.extract("epoch", func.clock_timestamp())
        due, pause = CommusoftPace.next_at, CommusoftPace.paused_until
        new = insert(CommusoftPace).values(
            connection_id=self._connection_id, next_at=now + interval, paused_until=0.0
        )
        taken = new.on_conflict_do_update(
            index_elements=[CommusoftPace.connection_id],
            set_={"next_at": func.greatest(due, pause, now) + interval},
            where=func.greatest(due - burst, pause) - now <= literal(patience),
        ).returning(func.greatest(due - interval - burst, pause, now) - now)
        try:
            with counting(self._database) as connection:
                wait = connection.scalar(taken)
        except SQLAlchemyError as error:
            log.warning("the pace is not shared", problem=type(error).__name__)
            return 0.0
        return None if wait is None else max(0.0, float(wait))

    def pause_for(self, seconds: float) -> None:
        """Let no process start a call for so many seconds, as Commusoft requested."""
        now = func.extract("epoch", func.clock_timestamp())
        new = insert(CommusoftPace).values(
            connection_id=self._connection_id, next_at=now, paused_until=now + seconds
        )
        later = func.greatest(CommusoftPace.paused_until, new.excluded.paused_until)
        try:
            with counting(self._database) as connection:
                connection.execute(
                    new.on_conflict_do_update(
                        index_elements=[CommusoftPace.connection_id], set_={"paused_until": later}
                    )
                )
        except SQLAlchemyError as error:
            log.warning("the pause is not shared", problem=type(error).__name__)
