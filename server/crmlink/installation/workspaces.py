"""Workspaces that are open in this process: found by id, kept while in use, bounded."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crmlink.installation.open_workspace import OpenWorkspace

# Workspaces kept open, in use or not: 35 kB each, 70 MB. Their indexes have a bound of their own.
MAX_OPEN = 2_000
IDLE_SECONDS = 15 * 60  # after which one that is not in use is closed
REST_SECONDS = 30  # after which one that is not in use lets go of threads and connections
LOOK_EVERY = 1.0  # seconds between looks for idle ones


@dataclass
class _Entry:
    workspace: OpenWorkspace
    left_at: float
    users: int = 0
    rests: bool = False


class OpenWorkspaces:
    """The workspaces that requests and work use now, or used lately; thread-safe.

    What is in use is never closed. One that is closed is only let go of: an attempt that still runs
    has what it needs, and nothing is in memory alone.
    """

    def __init__(
        self,
        open_workspace: Callable[[int], OpenWorkspace],
        *,
        max_open: int = MAX_OPEN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_workspace = open_workspace
        self._max_open, self._clock = max_open, clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._looked_at = clock()

    def acquire(self, workspace_id: int) -> OpenWorkspace:
        """Return a workspace, open until it is released as often as it was acquired.

        Raises WorkspaceUnknown.
        """
        with self._lock:
            entry = self._entries.get(workspace_id)
            if entry is not None:
                return self._begin_use(entry)
        opened = self._open_workspace(workspace_id)  # asks the database, so others do not wait
        with self._lock:
            entry = self._entries.setdefault(workspace_id, _Entry(opened, self._clock()))
            return self._begin_use(entry)

    def release(self, workspace: OpenWorkspace) -> None:
        """Note that a use of a workspace has ended."""
        with self._lock:
            entry = self._entries.get(workspace.id)
            if entry is not None:  # the process may be ending
                entry.users -= 1
                entry.left_at = self._clock()
                self._let_go()

    @contextmanager
    def use(self, workspace_id: int) -> Iterator[OpenWorkspace]:
        """Yield a workspace that stays open meanwhile. Raises WorkspaceUnknown."""
        workspace = self.acquire(workspace_id)
        try:
            yield workspace
        finally:
            self.release(workspace)

    def forget(self, workspace_id: int) -> bool:
        """Close a workspace unless it is in use; return whether it is closed."""
        with self._lock:
            entry = self._entries.get(workspace_id)
            if entry is not None and entry.users:
                return False
            self._entries.pop(workspace_id, None)
            return True

    def opened(self) -> list[int]:
        """Return the ids of the open workspaces, the one acquired last at the end."""
        with self._lock:
            return list(self._entries)

    def close(self) -> None:
        """Finish what runs in all workspaces, and close them."""
        with self._lock:
            entries = list(self._entries.values())
            self._entries.clear()
        for entry in entries:
            entry.workspace.close()

    def _begin_use(self, entry: _Entry) -> OpenWorkspace:
        entry.users += 1
        entry.rests = False
        self._entries.move_to_end(entry.workspace.id)
        self._let_go()
        return entry.workspace

    def _let_go(self) -> None:
        """Close those left long ago, and where there are too many the ones used longest ago.

        Others that are not in use rest.
        """
        now = self._clock()
        surplus = len(self._entries) - self._max_open
        if surplus <= 0 and now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        idle = [(key, entry) for key, entry in self._entries.items() if not entry.users]
        for number, (key, entry) in enumerate(idle):
            if number < surplus or now - entry.left_at > IDLE_SECONDS:
                del self._entries[key]
            elif not entry.rests and now - entry.left_at > REST_SECONDS:
                entry.workspace.rest()
                entry.rests = True
