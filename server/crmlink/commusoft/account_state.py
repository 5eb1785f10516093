"""What is known of calls to one account: failures in a row, pace, calls in progress, token.

One server on SQLite keeps it in memory. The processes of a PostgreSQL database keep it in a row
(``SharedState``), with the database's clock; while that does not answer, each in its own memory.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from crmlink.store import CommusoftPace, Database
from crmlink.store.counts import counting

log = structlog.get_logger()

Result = TypeVar("Result")


@dataclass
class AccountState:
    """The state of one account; times in seconds of the clock that it is read with.

    ``last`` describes the error of the last call, None after an answer. ``calls`` are those in
    progress: by a name of their own, until when each may last and whether it is background work.
    ``token`` is the sealed access token, obtained at ``token_at``; until ``token_awaited`` one
    process obtains another.
    """

    failures: int = 0
    last: dict[str, Any] | None = None
    open_seconds: float | None = None
    opens_at: float = 0.0
    probing: bool = False
    per_second: float | None = None
    reason: str | None = None
    dropped_at: float | None = None
    calls: dict[str, tuple[float, bool]] = field(default_factory=dict)
    token: str | None = field(default=None, repr=False)
    token_at: float = 0.0
    token_awaited: float = 0.0

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> AccountState:
        """Return a stored state; what another version stored beside it is left out."""
        names = {each.name for each in dataclasses.fields(cls)}
        found = cls(**{name: value for name, value in (stored or {}).items() if name in names})
        found.calls = {name: (until, bool(back)) for name, (until, back) in found.calls.items()}
        return found


class KeepsState(Protocol):
    """Where an account's state is kept."""

    def read(self) -> AccountState:
        """Return the present state, not to be changed."""

    def known(self) -> AccountState:
        """Return the state as it was read or changed last here, without asking for it."""

    def change(self, change: Callable[[AccountState, float], Result]) -> Result:
        """Return what ``change`` does with the state and the time, by one thread at a time.

        It has to be quick, may be repeated elsewhere, and changes nothing if it raises.
        """


class LocalState:
    """The state in this process's memory. ``clock`` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._state = clock, AccountState()
        self._lock = threading.Lock()

    def read(self) -> AccountState:
        """Return the present state."""
        return self._state

    def known(self) -> AccountState:
        """Return the present state."""
        return self._state

    def change(self, change: Callable[[AccountState, float], Result]) -> Result:
        """Return what ``change`` does with the state and the time."""
        with self._lock:
            return change(self._state, self._clock())


class SharedState:
    """The state of one connection in the database, for all processes together."""

    def __init__(self, database: Database, connection_id: int) -> None:
        self._database, self._connection_id = database, connection_id
        self._known = AccountState()
        self._own = LocalState()

    def read(self) -> AccountState:
        """Return the present state."""
        query = select(CommusoftPace.state).filter_by(connection_id=self._connection_id)
        try:
            with counting(self._database) as connection:
                self._known = AccountState.of(connection.scalar(query))
        except SQLAlchemyError as error:
            self._warn(error)
            self._known = self._own.read()
        return self._known

    def known(self) -> AccountState:
        """Return the state as this process saw it last."""
        return self._known

    def change(self, change: Callable[[AccountState, float], Result]) -> Result:
        """Return what ``change`` does with the state and the database's time.

        No other process changes the state meanwhile.
        """
        try:
            with counting(self._database) as connection:
                return self._change(connection, change)
        except SQLAlchemyError as error:
            self._warn(error)
            result = self._own.change(change)
            self._known = self._own.read()
            return result

    def _change(
        self, connection: Connection, change: Callable[[AccountState, float], Result]
    ) -> Result:
        row = CommusoftPace.connection_id == self._connection_id
        now = func.extract("epoch", func.clock_timestamp())
        new = insert(CommusoftPace).values(
            connection_id=self._connection_id, next_at=now, paused_until=0.0
        )
        locked = select(CommusoftPace.state, now).where(row).with_for_update()
        if (found := connection.execute(locked).first()) is None:
            connection.execute(new.on_conflict_do_nothing())
            found = connection.execute(locked).one()
        before = AccountState.of(found[0])
        state = AccountState.of(found[0])
        result = change(state, float(found[1]))
        if state != before:
            stored = dataclasses.asdict(state)
            connection.execute(update(CommusoftPace).where(row).values(state=stored))
        self._known = state
        return result

    def _warn(self, error: SQLAlchemyError) -> None:
        log.warning("calls are not counted together", problem=type(error).__name__)
