"""Whether reads of Commusoft's lists may check links, as one worker has found so far."""

from __future__ import annotations

import threading

from crmlink.kinds import Kind


class ListTrust:
    """Kinds whose lists were found not to show what single records show; thread-safe.

    Lost with the worker's run, whose successor tries again.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._doubted: set[Kind] = set()

    def trusts(self, kind: Kind) -> bool:
        """Return whether links to this kind may wait for a read of its list."""
        with self._guard:
            return kind not in self._doubted

    def doubt(self, kind: Kind) -> None:
        """Have every further link to this kind read back alone."""
        with self._guard:
            self._doubted.add(kind)
