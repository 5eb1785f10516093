"""Limits on guessing that all processes of a PostgreSQL database share."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, text

from crmlink.access.attempts import Attempts, Bound, Counted
from crmlink.access.errors import TooManyAttempts
from crmlink.store import Database
from crmlink.store.counts import CountedAttempt, counting, database_seconds

KEY_LOCKS = 0x63726D67  # the first half of the advisory locks of keys


class SharedAttempts(Attempts):
    """Failed attempts by key, in the database; one attempt under a key is counted at a time."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def begin(self, *counted: Counted) -> tuple[float, bool]:
        """Count an attempt under each key, or under none, as ``Attempts.begin`` does.

        Its time is the database's. Raises TooManyAttempts at a limit.
        """
        with counting(self._database) as connection:
            _lock(connection, counted)
            moment = database_seconds(connection)
            before = [_newest_first(connection, each, moment) for each in counted]
            waits = [
                _seconds_to_wait(moments, each.bound, moment)
                for moments, each in zip(before, counted, strict=True)
            ]
            if wait := max(waits, default=0.0):
                raise TooManyAttempts(retry_after=wait)
            for each in counted:
                connection.execute(insert(CountedAttempt).values(key=each.key, at=moment))
        return moment, bool(before and before[0])

    def uncount(self, moment: float, *counted: Counted) -> None:
        """Uncount a successful attempt."""
        keys = [each.key for each in counted]
        with counting(self._database) as connection:
            connection.execute(
                delete(CountedAttempt).where(
                    CountedAttempt.key.in_(keys), CountedAttempt.at == moment
                )
            )


def _lock(connection: Connection, counted: tuple[Counted, ...]) -> None:
    """Keep others from counting under these keys; in one order, so that none waits for ever."""
    lock = text("SELECT pg_advisory_xact_lock(:first, hashtext(:key))")
    for key in sorted(each.key.hex() for each in counted):
        connection.execute(lock, {"first": KEY_LOCKS, "key": key})


def _newest_first(connection: Connection, counted: Counted, moment: float) -> Sequence[float]:
    """Return when attempts were made under a key that still count."""
    query = select(CountedAttempt.at).where(
        CountedAttempt.key == counted.key, CountedAttempt.at > moment - counted.bound.seconds
    )
    return connection.scalars(query.order_by(CountedAttempt.at.desc())).all()


def _seconds_to_wait(moments: Sequence[float], bound: Bound, moment: float) -> float:
    """Return the seconds until another attempt is allowed, 0 for now."""
    if len(moments) < bound.most:
        return 0.0
    return moments[bound.most - 1] + bound.seconds - moment
