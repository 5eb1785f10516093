"""Which processes are alive, so that nobody takes over what a living one works on.

A process that links, matches or syncs has a row in ``process`` and adds one to its ``beats`` every
few seconds. Its work carries the id of that row. Another process counts it as dead once it has seen
``beats`` stay the same for SILENT_FOR seconds while it kept looking, and deletes the row. No clock
of another machine is compared, and none that can be set is read.

What a process writes about its work is conditional on its row, in the same transaction. So one that
was suspended, and was counted as dead meanwhile, changes nothing that its successor decided.
"""

from __future__ import annotations

import enum
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, SQLColumnExpression, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from crmlink.store.database import Database
from crmlink.store.models import Base, new_id, now

log = structlog.get_logger()

BEAT_EVERY = 10.0  # seconds
SILENT_FOR = 60.0  # seconds without a beat, seen by another process that kept looking
LONGEST_GAP = 2 * BEAT_EVERY  # what counts of the time between two looks: the looker may have slept


class ProcessRole(enum.StrEnum):
    """What a process is: the server, or a command beside it."""

    SERVER = "server"
    COMMAND = "command"


class Process(Base):
    """One process that counts as alive. ``beats`` grows while it is."""

    __tablename__ = "process"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    role: Mapped[ProcessRole]
    beats: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(default=now)


def is_alive(process_id: SQLColumnExpression[str | None]) -> ColumnElement[bool]:
    """Whether the process with the id in this column counts as alive, as an SQL condition."""
    return select(Process.id).where(Process.id == process_id).exists()


class Ownership:
    """This process among the others: its id, its heartbeat, and what it works on.

    ``working_on`` holds the ids of the attempts and leases that threads of this process are busy
    with, so that work which broke down in here is free again although the process lives on. An id
    is added before its row is committed. ``beat_every`` is in seconds; None: no thread beats, the
    caller does.
    """

    def __init__(
        self,
        database: Database,
        role: ProcessRole = ProcessRole.COMMAND,
        *,
        beat_every: float | None = BEAT_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.working_on: set[str] = set()
        self._database, self._role = database, role
        self._beat_every, self._clock = beat_every, clock
        self._guard = threading.Lock()
        self._id: str | None = None
        self._process_number = os.getpid()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._silence: dict[str, tuple[int, float]] = {}
        self._looked_at = clock()

    def start(self) -> None:
        """Begin to beat and to look after the others, before there is anything to own."""
        with self._database.writing() as session:
            self.register(session)

    def register(self, session: Session) -> str:
        """Return the id that this process owns its work by, in a writing session.

        It is another one after this process was counted as dead: what it owned before is lost.
        """
        with self._guard:
            self._forget_parent()
            if self._id is None or session.get(Process, self._id) is None:
                self._id = new_id()
                session.add(Process(id=self._id, role=self._role))
                session.flush()
            self._start_beating()
            return self._id

    def is_worked_on(self, session: Session, owner_id: str | None, token: str) -> bool:
        """Whether a living process does the work that carries this owner and token."""
        if owner_id is None:
            return False
        if owner_id == self._id:
            return token in self.working_on
        return session.get(Process, owner_id) is not None

    def beat(self) -> None:
        """Tell the others that this process lives, and count those as dead that went silent."""
        with self._database.writing() as session:
            if self._id is not None and not self._add_beat(session, self._id):
                log.warning("this process was counted as dead", process=self._id)
                self._id = None
            query = select(Process.id, Process.beats).where(Process.id.is_distinct_from(self._id))
            beats = {row.id: row.beats for row in session.execute(query)}
            for process_id, number in self._silent(beats):
                session.execute(
                    delete(Process).where(Process.id == process_id, Process.beats == number)
                )
                log.warning("a process is counted as dead", process=process_id)

    def bury_servers(self) -> None:
        """Count every other server as dead: for the one server that its lock proves to be alone."""
        with self._database.writing() as session:
            session.execute(
                delete(Process).where(
                    Process.role == ProcessRole.SERVER, Process.id.is_distinct_from(self._id)
                )
            )

    def close(self) -> None:
        """Leave: what this process still owns is free for the others at once."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        process_id, self._id = self._id, None
        if process_id is None:
            return
        try:
            with self._database.writing() as session:
                session.execute(delete(Process).where(Process.id == process_id))
        except Exception:  # the others find out by the missing heartbeat
            log.warning("the end of this process was not noted", exc_info=True)

    def _add_beat(self, session: Session, process_id: str) -> bool:
        added = session.scalar(
            update(Process)
            .where(Process.id == process_id)
            .values(beats=Process.beats + 1)
            .returning(Process.id)
        )
        return added is not None

    def _silent(self, beats: dict[str, int]) -> list[tuple[str, int]]:
        """Those of the others that have been silent for too long, with the beats last seen."""
        moment = self._clock()
        gap = min(moment - self._looked_at, LONGEST_GAP)
        self._looked_at = moment
        seen: dict[str, tuple[int, float]] = {}
        for process_id, number in beats.items():
            before, silence = self._silence.get(process_id, (None, 0.0))
            seen[process_id] = (number, silence + gap if before == number else 0.0)
        self._silence = seen
        return [(each, number) for each, (number, silence) in seen.items() if silence >= SILENT_FOR]

    def _forget_parent(self) -> None:
        """A forked process has no heartbeat of its own yet, and must not use its parent's id."""
        if self._process_number != os.getpid():
            self._process_number = os.getpid()
            self._id, self._thread = None, None
            self.working_on.clear()

    def _start_beating(self) -> None:
        if self._thread is None and self._beat_every is not None:
            self._thread = threading.Thread(
                target=self._keep_beating, args=(self._beat_every,), name="beat", daemon=True
            )
            self._thread.start()

    def _keep_beating(self, seconds: float) -> None:
        while not self._stopping.wait(seconds):
            try:
                self.beat()
            except Exception:  # such as a full disk: the next beat may be possible again
                log.warning("no heartbeat", exc_info=True)
