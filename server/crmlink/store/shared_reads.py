"""Reads that follow each other share one session: one transaction instead of one for each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy.orm import Session


class SharedReads:
    """The session that reads of one thread share for a moment; at most one connection is held."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._session: Session | None = None
        self._users = 0

    @contextmanager
    def session(self, key: Hashable, make: Callable[[], Session]) -> Iterator[Session]:
        """Yield the session of a key; a read of another key ends it, unless it is within one."""
        if self._session is None or key != self._key:
            if self._users:
                with make() as apart:
                    yield apart
                return
            self.end()
            self._key, self._session = key, make()
        self._users += 1
        try:
            yield self._session
        finally:
            self._users -= 1

    def end(self) -> None:
        """End the transaction, so that later reads see what was written since."""
        if self._session is not None and not self._users:
            self._session.close()
            self._session = None


_shared: ContextVar[SharedReads | None] = ContextVar("shared_reads", default=None)


@contextmanager
def sharing_reads() -> Iterator[None]:
    """Let the reads within share a session; nothing slow may be done meanwhile."""
    if _shared.get() is not None:
        yield
        return
    reads = SharedReads()
    token = _shared.set(reads)
    try:
        yield
    finally:
        _shared.reset(token)
        reads.end()


def shared_reads() -> SharedReads | None:
    """Return what shares this thread's reads now, None if nothing does."""
    return _shared.get()
