"""Registry of live processes: no process takes over the work of a live one.

A process that links, matches or syncs has a row in ``process`` and increments its ``beats`` every
few seconds. Its work carries the id of that row. Another process counts it as dead once it has
observed the same ``beats`` for SILENCE_TIMEOUT seconds, and deletes the row. Neither clocks of
other machines nor settable clocks are used.

What a process writes about its work is conditional on its row, in the same transaction. A process
that was suspended, and counted as dead, therefore changes nothing its successor decided.
"""

from __future__ import annotations

import enum
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, SQLColumnExpression, delete, event, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from crmlink.store.base import Base, new_id, utc_now
from crmlink.store.database import Database

log = structlog.get_logger()

HEARTBEAT_INTERVAL = 10.0  # seconds
SILENCE_TIMEOUT = 60.0  # seconds without a beat, observed by another process
MAX_OBSERVED_GAP = 2 * HEARTBEAT_INTERVAL  # the observer may have been suspended


class ProcessRole(enum.StrEnum):
    """Role of a process: the server, or a command beside it."""

    SERVER = "server"
    COMMAND = "command"


class Process(Base):
    """One process that counts as alive; ``beats`` grows while it is.

    ``key_id`` names its secret key, as the audit does; None for a version that did not tell.
    """

    __tablename__ = "process"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    role: Mapped[ProcessRole]
    beats: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    key_id: Mapped[str | None]


def is_alive(process_id: SQLColumnExpression[str | None]) -> ColumnElement[bool]:
    """Return the SQL condition that the process with the id in this column is alive."""
    return select(Process.id).where(Process.id == process_id).exists()


def has_peer_with_other_key(
    database: Database, wait: Callable[[float], object] = time.sleep
) -> bool:
    """Return whether a living process of this database has another secret key than this one.

    Takes two heartbeats' time where a row says so: the process may be dead.
    """

    def beats() -> dict[str, int]:
        with database.reading() as session:
            query = select(Process.id, Process.beats).where(Process.key_id != database.key_id)
            return {row.id: row.beats for row in session.execute(query)}

    before = beats()
    if not before:
        return False
    wait(2 * HEARTBEAT_INTERVAL)
    return any(before.get(process_id) != number for process_id, number in beats().items())


class Ownership:
    """Identity of this process, its heartbeat, and what it works on.

    ``working_on`` holds the ids of attempts and leases that threads of this process work on, so
    that failed work is free again although the process lives. An id is added before its row is
    committed. ``beat_every`` is in seconds; with None there is no thread and the caller calls
    ``beat``.
    """

    def __init__(
        self,
        database: Database,
        role: ProcessRole = ProcessRole.COMMAND,
        *,
        beat_every: float | None = HEARTBEAT_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.working_on: set[str] = set()
        self._database, self._role = database, role
        self._beat_every, self._clock = beat_every, clock
        self._lock = threading.Lock()
        self._id: str | None = None
        self._stored: str | None = None  # the id once its row is committed
        self._pid = os.getpid()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._silence: dict[str, tuple[int, float]] = {}
        self._checked_at = clock()
        self._beaten_at: float | None = None

    @property
    def is_beating(self) -> bool:
        """Whether its last successful beat is recent enough to count as alive for others."""
        beaten_at = self._beaten_at
        return beaten_at is not None and self._clock() - beaten_at < SILENCE_TIMEOUT

    @property
    def process_id(self) -> str | None:
        """Id under which this process owns work, None if it owns none yet."""
        return self._id

    def start(self) -> None:
        """Start the heartbeat and the observation of other processes."""
        with self._database.writing() as session:
            self.register(session)

    def register(self, session: Session) -> str:
        """Return the id of this process as owner, in a writing session.

        The id is new after this process was counted as dead: it has lost its earlier work. Threads
        that register at once have the same one: the second waits for the first one's transaction.
        """
        with self._lock:
            self._forget_parent()
            self._start_heartbeat()
            known, was_stored = self._id, self._id == self._stored
        if known is not None and session.get(Process, known) is not None:
            return known
        with self._lock:
            # Not found though stored: its row is gone. Another thread may store it just now.
            if self._id is None or (self._id == known and was_stored):
                self._id, self._stored = new_id(), None
            process_id = self._id
        insert = postgresql.insert if self._database.is_shared else sqlite.insert
        row = insert(Process).values(id=process_id, role=self._role, key_id=self._database.key_id)
        session.execute(row.on_conflict_do_nothing())
        event.listen(session, "after_commit", lambda _: self._note_stored(process_id), once=True)
        self._beaten_at = self._clock()
        return process_id

    def _note_stored(self, process_id: str) -> None:
        with self._lock:
            if self._id == process_id:
                self._stored = process_id

    def is_worked_on(self, session: Session, owner_id: str | None, token: str) -> bool:
        """Return whether a live process does the work with this owner and token."""
        if owner_id is None:
            return False
        if owner_id == self._id:
            return token in self.working_on
        return session.get(Process, owner_id) is not None

    def beat(self) -> None:
        """Increment this process's beats, and delete the rows of silent processes."""
        with self._database.writing() as session:
            if self._id is not None and not self._add_beat(session, self._id):
                log.warning("this process was counted as dead", process=self._id)
                self._id = None
            query = select(Process.id, Process.beats).where(Process.id.is_distinct_from(self._id))
            beats = {row.id: row.beats for row in session.execute(query)}
            for process_id, number in self._silent_processes(beats):
                session.execute(
                    delete(Process).where(Process.id == process_id, Process.beats == number)
                )
                log.warning("a process is counted as dead", process=process_id)
        self._beaten_at = self._clock()

    def mark_servers_ended(self) -> None:
        """Delete the rows of all other servers; only for a server whose lock proves it is alone."""
        with self._database.writing() as session:
            session.execute(
                delete(Process).where(
                    Process.role == ProcessRole.SERVER, Process.id.is_distinct_from(self._id)
                )
            )

    def close(self) -> None:
        """Remove this process's row: its work is free for others at once."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        process_id, self._id = self._id, None
        if process_id is None:
            return
        try:
            with self._database.writing() as session:
                session.execute(delete(Process).where(Process.id == process_id))
        except Exception:  # other processes detect the missing heartbeat
            log.warning("the end of this process was not noted", exc_info=True)

    def _add_beat(self, session: Session, process_id: str) -> bool:
        added = session.scalar(
            update(Process)
            .where(Process.id == process_id)
            .values(beats=Process.beats + 1)
            .returning(Process.id)
        )
        return added is not None

    def _silent_processes(self, beats: dict[str, int]) -> list[tuple[str, int]]:
        """Return the processes without a beat for too long, with their last beats."""
        current_time = self._clock()
        gap = min(current_time - self._checked_at, MAX_OBSERVED_GAP)
        self._checked_at = current_time
        silence_of: dict[str, tuple[int, float]] = {}
        for process_id, number in beats.items():
            before, silence = self._silence.get(process_id, (None, 0.0))
            silence_of[process_id] = (number, silence + gap if before == number else 0.0)
        self._silence = silence_of
        return [
            (process_id, number)
            for process_id, (number, silence) in silence_of.items()
            if silence >= SILENCE_TIMEOUT
        ]

    def _forget_parent(self) -> None:
        """Reset the state inherited from a parent process by forking."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._id, self._thread = None, None
            self.working_on.clear()

    def _start_heartbeat(self) -> None:
        if self._thread is None and self._beat_every is not None:
            self._thread = threading.Thread(
                target=self._run_heartbeat, args=(self._beat_every,), name="beat", daemon=True
            )
            self._thread.start()

    def _run_heartbeat(self, seconds: float) -> None:
        while not self._stopping.wait(seconds):
            try:
                self.beat()
            except Exception:  # such as a full disk: the next beat may succeed
                log.warning("no heartbeat", exc_info=True)
