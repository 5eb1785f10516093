"""Deadline of a whole call, whichever part of it blocks.

A socket time-out restarts with every byte, so a peer that sends one byte a second blocks a call for
ever. Here a timer shuts the call's sockets down at the deadline: name resolution, TLS handshake,
slow headers and slow bodies all end then.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError

_current: ContextVar["Deadline | None"] = ContextVar("deadline", default=None)


class Deadline:
    """Deadline of one call, as a context manager; `expired` is True once it has passed.

    `background` marks background work, which yields to interactive calls.
    """

    def __init__(self, seconds: float, *, background: bool = False) -> None:
        self.background = background
        self._ends = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self.expired = False

    def __enter__(self) -> "Deadline":
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        _current.reset(self._token)
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()

    def remaining(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self._ends - time.monotonic())

    def watch(self, sock: socket.socket) -> None:
        """Shut this connection down at the deadline; works on a duplicate, so also through TLS."""
        duplicate = socket.fromfd(sock.fileno(), sock.family, sock.type)
        with self._lock:
            self._sockets.append(duplicate)
            if self.expired:
                _shut(duplicate)

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            for sock in self._sockets:
                _shut(sock)


def current_deadline() -> Deadline | None:
    """Return the deadline of this thread's current call."""
    return _current.get()


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def open_within(open_socket: Callable[[], socket.socket], seconds: float) -> socket.socket | None:
    """Return the opened socket, or None if it took longer; a late socket is closed."""
    future: Future[socket.socket] = Future()

    def work() -> None:
        try:
            future.set_result(open_socket())
        except Exception as error:  # raised in the caller's thread
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        future.add_done_callback(_close_late)
        return None


def _close_late(future: "Future[socket.socket]") -> None:
    if future.exception() is None:
        future.result().close()


def _connect_watched(
    connection: HTTPConnection, open_socket: Callable[[], socket.socket]
) -> socket.socket:
    """Return a new connection within the connect time-out, including name resolution."""
    deadline = current_deadline()
    timeout = connection.timeout
    allowed = float(timeout) if isinstance(timeout, int | float) else 5.0
    if deadline is not None:
        allowed = min(allowed, deadline.remaining())
    sock = open_within(open_socket, allowed)
    if sock is None:
        raise ConnectTimeoutError(connection, "no connection in time")
    if deadline is not None:
        deadline.watch(sock)
    return sock


def _watch_reused(connection: HTTPConnection) -> None:
    deadline = current_deadline()
    if deadline is not None and connection.sock is not None:
        deadline.watch(connection.sock)


class _WatchedConnection(HTTPConnection):
    """HTTP connection that is shut down at the current deadline."""

    def _new_conn(self) -> socket.socket:
        return _connect_watched(self, super()._new_conn)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watch_reused(self)
        super().request(*args, **kwargs)


class _WatchedTlsConnection(HTTPSConnection):
    """HTTPS connection that is shut down at the current deadline."""

    def _new_conn(self) -> socket.socket:
        return _connect_watched(self, super()._new_conn)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watch_reused(self)
        super().request(*args, **kwargs)


class _WatchedPool(HTTPConnectionPool):
    """Pool of watched HTTP connections."""

    ConnectionCls = _WatchedConnection


class _WatchedTlsPool(HTTPSConnectionPool):
    """Pool of watched HTTPS connections."""

    ConnectionCls = _WatchedTlsConnection


class WatchedAdapter(HTTPAdapter):
    """Adapter for requests whose connections are shut down at the current deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pool manager with watched pools."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Return the proxy's manager with watched pools."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS = {"http": _WatchedPool, "https": _WatchedTlsPool}
