"""Workspaces that are open in this process: found by id, kept while in use, bounded."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from crmlink.installation.open_workspace import OpenWorkspace

MAX_OPEN = 64  # workspaces kept open while none of them is in use
IDLE_SECONDS = 15 * 60  # after which one that is not in use is closed


@dataclass
class _Entry:
    workspace: OpenWorkspace
    users: int = 0
    left_at: float = field(default_factory=time.monotonic)


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

    def acquire(self, workspace_id: int) -> OpenWorkspace:
        """Return a workspace, open until it is released as often as it was acquired.

        Raises WorkspaceUnknown.
        """
        with self._lock:
            entry = self._entries.get(workspace_id)
            if entry is None:
                entry = _Entry(self._open_workspace(workspace_id))
                self._entries[workspace_id] = entry
            entry.users += 1
            self._entries.move_to_end(workspace_id)
            self._close_idle()
            return entry.workspace

    def release(self, workspace: OpenWorkspace) -> None:
        """Note that a use of a workspace has ended."""
        with self._lock:
            entry = self._entries.get(workspace.id)
            if entry is not None:  # the process may be ending
                entry.users -= 1
                entry.left_at = self._clock()
                self._close_idle()

    @contextmanager
    def use(self, workspace_id: int) -> Iterator[OpenWorkspace]:
        """Yield a workspace that stays open meanwhile. Raises WorkspaceUnknown."""
        workspace = self.acquire(workspace_id)
        try:
            yield workspace
        finally:
            self.release(workspace)

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

    def _close_idle(self) -> None:
        """Let go of those left long ago, and of the ones left first where there are too many."""
        oldest = self._clock() - IDLE_SECONDS
        idle = [key for key, entry in self._entries.items() if not entry.users]
        surplus = len(self._entries) - self._max_open
        for number, key in enumerate(idle):
            if number < surplus or self._entries[key].left_at < oldest:
                del self._entries[key]
