"""Memory of the matching indexes of one process: bounded, the one used longest ago goes first.

An index that was let go of is read again, from its file or the database, when its connection is
asked for.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import structlog

log = structlog.get_logger()
MEGABYTE = 2**20


class Forgettable(Protocol):
    """An index that can be let go of."""

    def forget(self) -> None:
        """Let go of the memory."""


@dataclass
class _Held:
    index: weakref.ref[Forgettable]
    size: int


class IndexMemory:
    """The indexes that a process holds, ``most`` bytes of them; thread-safe.

    The one used last stays, however large. Indexes of workspaces that were closed do not count.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[int, _Held] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes that are held."""
        with self._lock:
            return self._size()

    def note_use(self, index: Forgettable, size: int | None = None) -> None:
        """Note a use of an index, and its bytes where they have changed; makes room for it.

        May not be called while an index is locked.
        """
        key = id(index)
        with self._lock:
            held = self._held.get(key)
            if held is None or held.index() is not index:
                held = self._held[key] = _Held(weakref.ref(index), 0)
            was_within, is_within = held.size <= self._most, (size or 0) <= self._most
            if size is not None:
                held.size = size
            self._held.move_to_end(key)
            surplus = self._surplus() if size is not None else []
        if was_within and not is_within:  # it and all others make room for each other in turn
            log.warning(
                "a matching index is larger than CRMLINK_INDEX_MEMORY",
                needs_megabytes=-(-(size or 0) // MEGABYTE),
            )
        for each in surplus:
            each.forget()

    def _surplus(self) -> list[Forgettable]:
        """Take out what was used longest ago until the rest is within the bound."""
        taken = []
        size = self._size()
        for key, held in list(self._held.items())[:-1]:
            if size <= self._most:
                break
            size -= held.size
            del self._held[key]
            if index := held.index():
                taken.append(index)
        return taken

    def _size(self) -> int:
        for key in [key for key, held in self._held.items() if held.index() is None]:
            del self._held[key]
        return sum(held.size for held in self._held.values())
