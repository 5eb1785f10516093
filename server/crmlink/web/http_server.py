"""Web server: waitress, with limits so that anonymous clients cannot exhaust it.

waitress buffers a whole request before the application sees it, stops accepting connections at a
limit, and waits for a header as long as bytes keep arriving. Here the longest waiting connection
makes room for a new one, headers and bodies have deadlines, and a larger body is read only if its
sender is authenticated: reading pauses while a thread checks. Rejected bodies are read and
discarded, so that the sender can read the response. Responses have deadlines too, a connection may
pipeline only a few requests, and none keeps a file open.
"""

from __future__ import annotations

import heapq
import io
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import BadRequest, RequestEntityTooLarge

from crmlink.logs import for_stranger
from crmlink.web.auth import knows_sender
from crmlink.web.body_limits import MAX_BODY_BYTES, STRANGER_BYTES, body_limit
from crmlink.web.http_requests import HEADER_SECONDS, Body, RequestParser, RequestTask
from crmlink.web.tls import TlsFiles, TlsReading, TlsSocket

THREADS = 16  # of these at most 8 hash passwords, 4 do single sign-on
MAX_CONNECTIONS = 1_000
ACCEPT_BATCH = 200  # the loop checks every connection in each round
SPARE_FILES = 300  # files for database, logs, uploads and calls to Commusoft
MAX_CONNECTIONS_OF_SELECT = 400  # where there is no poll(): Windows counts up to 512
HEADER_BYTES = 32_000
IDLE_SECONDS = 60.0  # between requests of a connection
UNREAD_SECONDS = 20.0  # for a client that reads nothing of a response
ANSWER_BYTES_A_SECOND = 8_000  # for a client that reads slowly
FINISH_SECONDS = 20.0  # for requests in progress when the server is to stop
MAX_PIPELINED = 4  # requests that a connection may send before it has read the first answer


class HTTPServer:
    """Sockets of a running server; ``port`` is the requested one, or a free one for 0."""

    def __init__(self, app: Flask, host: str, port: int, tls: TlsFiles | None = None) -> None:
        """Listen on every address of ``host``, with https if ``tls`` is given. Raises OSError."""
        self._map: dict[int, Any] = {}
        adjustments = Adjustments(
            host=host,
            port=port,
            ident=None,
            asyncore_use_poll=True,
            cleanup_interval=1,
            clear_untrusted_proxy_headers=False,  # web.proxies handles them
            connection_limit=2 * MAX_CONNECTIONS,  # never reached: connections are closed earlier
            log_socket_errors=False,
            max_request_header_size=HEADER_BYTES,
            max_request_body_size=MAX_BODY_BYTES + 1,
            url_scheme="https" if tls else "http",
        )
        self._dispatcher = ThreadedTaskDispatcher()
        self._dispatcher.set_thread_count(THREADS)
        connections = room_for_connections()
        addresses = adjustments.listen if port else adjustments.listen[:1]
        self._servers = [
            _Server(
                app, self._map, dispatcher=self._dispatcher, adj=adjustments, sockinfo=address,
                connections=connections, tls=tls,
            )
            for address in addresses
        ]  # fmt: skip
        self.port = int(self._servers[0].effective_port)

    def run(self, on_stop: Callable[[], object] = lambda: None) -> None:
        """Serve until SystemExit or KeyboardInterrupt; then answer what has begun."""
        try:
            wasyncore.loop(timeout=1, use_poll=True, map=self._map)
        except (SystemExit, KeyboardInterrupt):
            on_stop()
            self._finish()
            self._dispatcher.shutdown()

    def _finish(self) -> None:
        """Take no new requests, and answer those that have begun, for a bounded time."""
        for server in self._servers:
            server.stop_listening()
        end = time.monotonic() + FINISH_SECONDS
        while time.monotonic() < end and any(server.is_busy() for server in self._servers):
            wasyncore.loop(timeout=0.2, use_poll=True, map=self._map, count=1)

    def close(self) -> None:
        """Stop listening and close every connection."""
        for server in self._servers:
            server.close()
        wasyncore.close_all(self._map)


def room_for_connections() -> int:
    """Return the maximum number of connections; raises the limit of open files if possible."""
    try:
        import resource
    except ImportError:
        return MAX_CONNECTIONS_OF_SELECT
    wanted = MAX_CONNECTIONS + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
            soft = possible
        except (OSError, ValueError):
            pass
    return max(50, min(MAX_CONNECTIONS, soft - SPARE_FILES))


def _is_busy(channel: Any) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)


class _Server(TcpWSGIServer):  # type: ignore[misc] # waitress ships no types
    """waitress's server that makes room for new connections and ends overdue ones."""

    def __init__(
        self, app: Flask, *args: Any, connections: int, tls: TlsFiles | None, **kwargs: Any
    ) -> None:
        self.channel_class = _TlsChannel if tls else _Channel
        self.app = app
        self._connections = connections
        self._tls = tls
        super().__init__(app, *args, **kwargs)

    def stop_listening(self) -> None:
        """Refuse new connections, and close those that wait for a request."""
        self.del_channel(self._map)
        self.socket.close()
        for channel in list(self.active_channels.values()):
            if not _is_busy(channel):
                channel.handle_close()

    def is_busy(self) -> bool:
        """Return whether a request is worked on, or its response not sent."""
        return any(_is_busy(channel) for channel in list(self.active_channels.values()))

    def handle_accept(self) -> None:
        """Accept waiting connections, and make room for them."""
        for _ in range(ACCEPT_BATCH):
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == before:
                break
        if len(self.active_channels) > self._connections:
            staying = [each for each in self.active_channels.values() if not each.will_close]
            waiting = (each for each in staying if each.is_waiting)
            surplus = len(staying) - self._connections
            for channel in heapq.nsmallest(surplus, waiting, key=_Channel.rank):
                channel.will_close = True

    def accept(self) -> tuple[Any, Any] | None:
        """Return a new connection's socket and address; None if there is none."""
        accepted: tuple[socket.socket, Any] | None = super().accept()
        if accepted is None or self._tls is None:
            return accepted
        return TlsSocket(accepted[0], self._tls.context()), accepted[1]

    def maintenance(self, now: float) -> None:
        """Close overdue connections."""
        for channel in self.active_channels.values():
            if channel.is_overdue(now):
                channel.will_close = True


class _Channel(HTTPChannel):  # type: ignore[misc]
    """One connection."""

    parser_class = RequestParser
    task_class = RequestTask
    request: Any  # a RequestParser while a request arrives

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._served_at = self.creation_time
        self._has_sent = False
        self._unread = 0  # bytes of the last answer that had not been taken when it was complete
        self._is_asking = False  # reading pauses in the meantime

    @property
    def is_waiting(self) -> bool:
        """Whether it may be closed: no request of it is being answered."""
        return not self.requests and not self.will_close and not self._is_asking

    def rank(self) -> tuple[bool, float]:
        """Return the sort key for closing: anonymous connections that wait longest first."""
        known = self.request is not None and self.request.sender_is_known
        return known, self._waiting_since

    def is_overdue(self, now: float) -> bool:
        """Return whether its deadline has passed."""
        if self._is_unread:
            slowest = UNREAD_SECONDS + self._unread / ANSWER_BYTES_A_SECOND
            nothing_taken = now - self.last_activity > UNREAD_SECONDS
            return nothing_taken or (not self.requests and now - self._served_at > slowest)
        if not self.is_waiting:
            return False
        request = self.request
        if request is not None and (request.header_plus or request.headers_finished):
            return bool(now > request.deadline())
        allowed = IDLE_SECONDS if self._has_sent else HEADER_SECONDS
        return now - self._waiting_since > allowed

    def readable(self) -> bool:
        return not self._is_asking and super().readable()

    def received(self, data: bytes) -> bool:
        self._has_sent = True
        done = bool(super().received(data))
        with self.requests_lock:
            if self.request is not None and self.request.headers_finished:
                self._judge(self.request)
                if self.request.completed:
                    self._enqueue()
            self._bound_pipeline()
        return done

    def service(self) -> None:
        for_stranger.set(True)  # in this thread, until the application knows more
        super().service()
        self._served_at = time.time()
        self._unread = self.total_outbufs_len

    def send_continue(self) -> None:
        """Let a sender that waits for 100 Continue proceed, or respond. The lock is held."""
        request = self.request
        self._judge(request)
        if request.body is Body.READ:
            super().send_continue()
        elif request.body is Body.FORGOTTEN:
            _end_with_answer(request)

    def sender_checked(self, request: RequestParser, known: bool) -> None:
        """Continue a request whose sender was looked up, in the thread that did."""
        with self.requests_lock:
            if known:
                request.body, request.sender_is_known = Body.READ, True
                request.limit = self._limit_of(request)
            else:
                self._refuse(request)
            if request is self.request and request.expect_continue:
                self.send_continue()
            if request is self.request and request.completed:
                self._enqueue()
            self._is_asking = False
        self.server.pull_trigger()

    @property
    def _is_unread(self) -> bool:
        """Whether a response waits for its reader; waitress delays a small one for the next."""
        pending = self.total_outbufs_len
        return bool(pending and (not self.requests or pending >= self.adj.send_bytes))

    @property
    def _waiting_since(self) -> float:
        return float(self.last_activity if self.total_outbufs_len else self._served_at)

    def _judge(self, request: RequestParser) -> None:
        """Decide on a body when its head has arrived, and apply the decision to chunks."""
        if request.body is Body.UNJUDGED:
            if request.chunked or request.content_length > STRANGER_BYTES:
                request.body = Body.ASKED
                if not request.chunked and request.content_length > self._limit_of(request):
                    self._refuse(request)
                elif _shows_credentials(request):
                    self._is_asking = True
                    self.server.add_task(_Question(self, request))
                else:
                    self._refuse(request)
            else:
                request.body = Body.READ
        if not request.chunked:
            return
        if len(request.body_rcv) > request.limit:
            self._refuse(request)
        elif request.has_endless_line():
            request.error = BadRequest("A line of the body has no end.")
            request.completed = True

    def _refuse(self, request: RequestParser) -> None:
        if request.chunked and len(request.body_rcv) > STRANGER_BYTES:
            request.error = RequestEntityTooLarge("The body is larger than crmlink accepts.")
            request.completed = True
        elif request.chunked and request.body is Body.ASKED:
            request.body = Body.READ  # a short chunked one: the anonymous limit applies
        else:
            request.forget_body()

    def _limit_of(self, request: RequestParser) -> int:
        path = request.path if isinstance(request.path, str) else ""
        return body_limit(self.server.app, request.command, path)

    def _bound_pipeline(self) -> None:
        """Answer a limited number of pipelined requests, then close. The lock is held."""
        if len(self.requests) > MAX_PIPELINED:
            self.requests[MAX_PIPELINED - 1].headers["CONNECTION"] = "close"
            for request in self.requests[MAX_PIPELINED:]:
                request.close()
            del self.requests[MAX_PIPELINED:]

    def _enqueue(self) -> None:
        """Queue a request that a decision has completed. The lock is held."""
        self.requests.append(self.request)
        self.request = None
        if len(self.requests) == 1:
            self.server.add_task(self)


class _TlsChannel(TlsReading, _Channel):
    """One connection with TLS."""


@dataclass(frozen=True)
class _Question:
    """Task for a thread: whether the sender of a request is known."""

    channel: _Channel
    request: RequestParser

    def service(self) -> None:
        """Look the sender up."""
        known = False
        for_stranger.set(True)
        try:
            environ = RequestTask(self.channel, self.request).get_environment()
            known = knows_sender(self.channel.server.app, environ | {"wsgi.input": io.BytesIO()})
        finally:
            self.channel.sender_checked(self.request, known)

    def cancel(self) -> None:
        """Do nothing: the server stops."""


def _shows_credentials(request: RequestParser) -> bool:
    """Return whether a lookup is worthwhile: most anonymous requests have no credentials."""
    return "AUTHORIZATION" in request.headers or "COOKIE" in request.headers


def _end_with_answer(request: RequestParser) -> None:
    """Answer a request whose body was not sent yet, and close the connection."""
    request.expect_continue = False
    request.headers["CONNECTION"] = "close"
    request.completed = True
