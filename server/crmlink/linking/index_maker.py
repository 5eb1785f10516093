"""Index files of one machine, made before they are asked for.

A sync writes a firm's file on the machine of the worker that does it. Every other machine, and each
one after an update of crmlink, would make the index at the firm's first question, which waits for
it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from multiprocessing.connection import Connection

import structlog
from sqlalchemy import func, select

from crmlink.linking.live_matcher import SAVED_SHARE, LiveMatcher
from crmlink.logs import configure_logging_to_output
from crmlink.matching.index_file import saved_index
from crmlink.store import Database, Device, MirroredRecord, Workspace, WorkspaceConnection
from crmlink.store.index_files import IndexFiles
from crmlink.store.time_limits import OF_BACKGROUND_WORK

log = structlog.get_logger()

POLL_SECONDS = 0.2
STOP_SECONDS = 0.5  # after which a process that was asked to end is ended
NICENESS = 19
MIN_FREE_BYTES = 2**30  # on the disk; with less, no file is made ahead


@dataclass(frozen=True, slots=True)
class _Mirror:
    """The records of an active workspace, as its connection in use has them."""

    workspace_id: int
    connection_id: int
    public_id: str
    marks: list[str] | None  # of versions that files hold


class IndexMaker:
    """Makes the files that a machine lacks or that are old, one by one, until ``stopping``.

    In a process of its own with the lowest priority, so that requests come first, and the memory
    is freed afterwards.
    """

    def __init__(self, database: Database, stopping: Callable[[], bool]) -> None:
        self._database, self._stopping = database, stopping
        self._failed: set[int] = set()  # connections that come last

    def make_files(self) -> bool:
        """Make them unless another process of the machine does; returns False: none is left.

        Raises OSError.
        """
        files = self._database.index_files
        if files is None:
            return False
        with files.only_maker() as is_alone:
            if is_alone:
                self._make(files, self._behind(files))
        return False

    def _make(self, files: IndexFiles, behind: Iterator[_Mirror]) -> None:
        first = next(behind, None)
        if first is None:
            return
        made = 0
        with _own_process(self._database, files) as line:
            for mirror in chain([first], behind):
                problem = self._made(line, mirror)
                if problem is None:
                    break
                made += not problem
        log.info("matching indexes made ahead", files=made)

    def _made(self, line: Connection[tuple[int, int], str], mirror: _Mirror) -> str | None:
        """Have a file made; return what failed, if anything, or None if no more can be made."""
        problem: str | None
        try:
            line.send((mirror.workspace_id, mirror.connection_id))
            while not line.poll(POLL_SECONDS):
                if self._stopping():
                    return None
            problem = line.recv()
        except (EOFError, OSError):  # the process ended, for lack of memory for instance
            problem = None
        if self._stopping():
            return None
        self._failed.discard(mirror.connection_id)
        if problem != "":
            self._failed.add(mirror.connection_id)
            log.warning(
                "matching index not made ahead",
                workspace=mirror.workspace_id,
                problem=problem or "process ended",
            )
        return problem

    def _has_room(self, files: IndexFiles) -> bool:
        free = files.free_bytes()
        if free < MIN_FREE_BYTES:
            log.warning("no room to make matching indexes ahead", free_mb=free // 10**6)
        return free >= MIN_FREE_BYTES

    def _behind(self, files: IndexFiles) -> Iterator[_Mirror]:
        """Yield what has no file or an old one, used last first, while there is room."""
        mirrors = sorted(self._mirrors(), key=lambda each: each.connection_id in self._failed)
        for mirror in mirrors:
            if self._stopping():
                return
            if self._is_behind(files, mirror):
                if not self._has_room(files):
                    return
                yield mirror

    def _mirrors(self) -> list[_Mirror]:
        connection = WorkspaceConnection
        used = (
            select(Device.workspace_id, func.max(Device.last_used_at).label("at"))
            .group_by(Device.workspace_id)
            .subquery()
        )
        query = (
            select(
                connection.workspace_id,
                connection.id,
                connection.public_id,
                connection.index_marks,
            )
            .join(Workspace, Workspace.id == connection.workspace_id)
            .outerjoin(used, used.c.workspace_id == connection.workspace_id)
            .where(
                connection.ended_at.is_(None),
                connection.mirror_version > 0,  # nothing was read yet
                Workspace.suspended_at.is_(None),
            )
            .order_by(used.c.at.desc().nulls_last(), connection.id)
        )
        with self._database.reading() as session:
            return [_Mirror(*row) for row in session.execute(query)]

    def _is_behind(self, files: IndexFiles, mirror: _Mirror) -> bool:
        """Return whether there is no file that leaves little to do."""
        saved = saved_index(files.of(mirror.public_id))
        if saved is None or saved.mark not in (mirror.marks or []):
            return True
        changed = select(func.count()).where(
            MirroredRecord.connection_id == mirror.connection_id,
            MirroredRecord.mirror_version > saved.mirror_version,
        )
        with self._database.reading() as session:
            return (session.scalar(changed) or 0) > saved.records // SAVED_SHARE


@contextmanager
def _own_process(
    database: Database, files: IndexFiles
) -> Iterator[Connection[tuple[int, int], str]]:
    """Yield the line to a process that makes files; it is ended at once afterwards."""
    ours, theirs = multiprocessing.Pipe()
    address = database.engine.url.render_as_string(hide_password=False)
    process = multiprocessing.get_context("spawn").Process(
        target=make_in_process, args=(address, files, theirs), name="crmlink-index", daemon=True
    )
    process.start()
    theirs.close()  # so that its end is noticed
    try:
        yield ours
    finally:
        ours.close()
        process.terminate()
        process.join(STOP_SECONDS)
        process.kill()
        process.join()


def make_in_process(
    address: str, files: IndexFiles, line: Connection[str, tuple[int, int]]
) -> None:
    """Make the file of each connection that comes by the line; answer what failed, if anything."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # an unfinished file is deleted
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    configure_logging_to_output()
    with closing(Database(address, pooled=False, limits=OF_BACKGROUND_WORK)) as database:
        database.separate_workspaces()
        with suppress(EOFError, BrokenPipeError):  # until the parent ends, killed or not
            while True:
                workspace_id, connection_id = line.recv()
                line.send(_problem(database.of(workspace_id), connection_id, files))


def _problem(database: Database, connection_id: int, files: IndexFiles) -> str:
    try:
        index = LiveMatcher(database, connection_id, files)
        index.matcher()
        index.save(exactly=True)
    except Exception as error:  # of this firm alone; its message may name a person
        return type(error).__name__
    return ""
