"""Real processes over one database that do each step when they are told to, and none by the clock.

A peer beats, sees time pass and finishes links only on command, so that every order of two
processes' steps can be played without waiting.
"""

from __future__ import annotations

import contextlib
import enum
import threading
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import delete

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import CommusoftError
from crmlink.installation import open_installation
from crmlink.linking import attempts as life
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import Decision, UndoDecision, confirm, undo
from crmlink.linking.errors import LinkingError
from crmlink.linking.first_seen import FirstSeen
from crmlink.settings import Settings
from crmlink.store import Ownership, Process, ProcessRole
from crmlink.store.processes import HEARTBEAT_INTERVAL
from faults.processes import processes
from support.sandbox import FAST_LIMITS

LIMIT = 60.0  # seconds
LATE_AFTER = 1_000.0  # seconds of the peers' own time
SLOW_LIMITS = replace(FAST_LIMITS, read_timeout=50, total_timeout=55, late_write_seconds=LATE_AFTER)


class Care(enum.Enum):
    """How well a peer minds the others: as crmlink does, or as a broken twin of it."""

    CAREFUL = enum.auto()
    HASTY = enum.auto()  # takes a PUT without an answer for one that was never done
    THIEF = enum.auto()  # takes over whatever it finds when it starts, and is as hasty


@dataclass
class Peer:
    """One process, told what to do over a line."""

    line: Connection
    process: Any

    def do(self, what: str, *with_these: Any) -> Any:
        """Have it do something and return what it says."""
        self.line.send((what, with_these))
        assert self.line.poll(LIMIT), f"{what}: no answer"
        return self.line.recv()

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.process.kill()
        self.process.join()


class Peers:
    """Peers of one database; one that was not killed serves again, as a process just started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[Peer] = []

    def start(self, care: Care = Care.CAREFUL) -> Peer:
        peer = self._idle.pop() if self._idle else self._new()
        peer.do("begin", care)
        return peer

    def give_back(self, peer: Peer) -> None:
        if peer.process.is_alive():
            peer.do("rest")
            self._idle.append(peer)

    def close(self) -> None:
        for peer in self._idle:
            peer.kill()

    def _new(self) -> Peer:
        ours, theirs = processes().Pipe()
        process = processes().Process(target=_live, args=(self._settings, theirs), daemon=True)
        process.start()
        theirs.close()
        return Peer(ours, process)


class _Process:
    def __init__(self, settings: Settings) -> None:
        assert settings.commusoft
        self.installation = open_installation(
            settings, CommusoftClient(settings.commusoft, None, SLOW_LIMITS)
        )
        self.seconds = 0.0
        self.work: list[threading.Thread] = []
        self.ownership = self._ownership()
        self.workspace: WorkspaceContext = self.installation.workspace

    def begin(self, care: Care) -> None:
        assert self.installation.settings.commusoft
        self.ownership.close()
        self.ownership = self._ownership()
        limits = (
            replace(SLOW_LIMITS, late_write_seconds=0) if care is not Care.CAREFUL else SLOW_LIMITS
        )
        self.workspace = replace(
            self.installation.workspace,
            commusoft=CommusoftClient(self.installation.settings.commusoft, None, limits),
            ownership=self.ownership,
            first_seen=FirstSeen(lambda: self.seconds),
        )
        if care is Care.THIEF:
            with self.workspace.database.writing() as session:
                session.execute(delete(Process))
        self.beat()

    def _ownership(self) -> Ownership:
        return Ownership(
            self.installation.database,
            ProcessRole.SERVER,
            beat_every=None,
            clock=lambda: self.seconds,
        )

    def beat(self) -> None:
        with self.workspace.database.writing() as session:
            self.ownership.register(session)
        self.ownership.beat()

    def wait(self) -> None:
        """One beat's time passes."""
        self.seconds += HEARTBEAT_INTERVAL
        self.beat()

    def leap(self, seconds: float) -> None:
        self.seconds += seconds

    def finish(self) -> list[str]:
        return [link.state.value for link in recover(self.workspace)]

    def link(self, wish: Decision, key: str, device_id: int) -> None:
        """Begin to link, beside the line."""
        self._beside(lambda: confirm(self.workspace, wish, key, device_id))

    def unlink(self, link_id: str, key: str, device_id: int) -> None:
        """Begin to undo, beside the line."""
        self._beside(lambda: undo(self.workspace, UndoDecision(link_id), key, device_id))

    def try_undo(self, link_id: str, key: str, device_id: int) -> str:
        try:
            return undo(self.workspace, UndoDecision(link_id), key, device_id).state.value
        except LinkingError as failure:
            return failure.code

    def try_link(self, wish: Decision, key: str, device_id: int) -> str:
        try:
            return confirm(self.workspace, wish, key, device_id).state.value
        except LinkingError as failure:
            return failure.code

    def rest(self) -> None:
        """Until what was begun has ended."""
        for thread in self.work:
            thread.join(LIMIT)

    def _beside(self, work: Any) -> None:
        def run() -> None:
            with contextlib.suppress(LinkingError, CommusoftError):
                work()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.work.append(thread)


def _live(settings: Settings, line: Connection) -> None:
    life.READ_BACK_DELAYS = (0.0, 0.0, 0.02)
    here = _Process(settings)
    while True:
        try:
            what, with_these = line.recv()
        except EOFError:
            return
        line.send(getattr(here, what)(*with_these))
