"""TLS for the web server: waitress has none, and its loop must never wait for one client.

Handshakes and records go through non-blocking sockets in waitress's own loop, so that every limit
of ``http_server`` holds for https too. Servers that bring TLS wait for a client's handshake before
they accept the next one (cherrypy/cheroot#748): one open connection would stop them.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from waitress.channel import HTTPChannel

RECORD_BYTES = 16_384  # a TLS record's maximum: reading as much leaves nothing in OpenSSL's buffer
POLL_INTERVAL = 60.0  # seconds between looks at the files
_WAIT = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
_PLAIN_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Connection: close\r\nContent-Length: 68\r\n\r\n"
    b"crmlink uses https here. Type https:// at the start of its address.\n"
)


class TlsFilesUnusable(Exception):
    """The certificate or its key cannot be read, or they do not belong together."""


class TlsFiles:
    """A certificate with its chain, and its key; read again when they were renewed."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read both. Raises TlsFilesUnusable."""
        self._certificate, self._key = certificate, key
        self._versions = self._read_versions()
        self._context = self._load()
        self._looked_at = time.monotonic()

    def context(self) -> ssl.SSLContext:
        """Return what new connections use: the newest files that could be used."""
        if time.monotonic() - self._looked_at > POLL_INTERVAL:
            self._looked_at = time.monotonic()
            self._check_files()
        return self._context

    def _check_files(self) -> None:
        try:
            versions = self._read_versions()
            if versions != self._versions:
                self._context, self._versions = self._load(), versions
                structlog.get_logger().info("tls_files.renewed")
        except TlsFilesUnusable:  # perhaps only half of them is written yet
            structlog.get_logger().warning("tls_files.unusable")

    def _read_versions(self) -> list[tuple[int, int, int]]:
        try:
            found = [path.stat() for path in (self._certificate, self._key)]
        except OSError as error:
            raise TlsFilesUnusable(error.strerror or "") from error
        return [(each.st_mtime_ns, each.st_size, each.st_ino) for each in found]

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_alpn_protocols(["http/1.1"])
        try:
            # An encrypted key would ask for its password at a terminal that a service lacks.
            context.load_cert_chain(self._certificate, self._key, password=_no_password)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise TlsFilesUnusable(getattr(error, "reason", "") or str(error)) from error
        return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")


class TlsSocket:
    """One client's socket, for waitress: never blocks, and takes one thread at a time.

    Python's TLS sockets are not safe in two threads at once, and waitress reads in its loop while
    a thread may be sending a response.
    """

    def __init__(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        plain.setblocking(False)
        self._socket = context.wrap_socket(
            plain, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
        )
        self._lock = threading.Lock()
        self._is_secure = False  # once the handshake is done
        self.waits_to_send = False  # the handshake continues when the socket takes more

    def recv(self, size: int) -> bytes:
        """Return what arrived, b"" at the end. Raises BlockingIOError and other OSErrors."""
        with self._lock:
            try:
                self._do_handshake()
                return self._socket.recv(max(size, RECORD_BYTES))
            except _WAIT as error:
                raise _would_block() from error

    def send(self, data: bytes) -> int:
        """Send a part of this; return its length. Raises BlockingIOError and other OSErrors."""
        with self._lock:
            try:
                self._do_handshake()
                return self._socket.send(data[:RECORD_BYTES])
            except _WAIT as error:
                raise _would_block() from error

    def close(self) -> None:
        """Send the client the end of the connection, if that takes no waiting, and close."""
        with self._lock:
            if self._is_secure:
                with suppress(OSError, ValueError):
                    self._socket.unwrap()
            self._socket.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def _do_handshake(self) -> None:
        """Continue the handshake. Raises SSLWantReadError, SSLWantWriteError and OSError."""
        if self._is_secure:
            return
        self.waits_to_send = False
        try:
            self._socket.do_handshake()
        except ssl.SSLWantWriteError:
            self.waits_to_send = True
            raise
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                with suppress(OSError):
                    # What is left unread resets the connection, and the answer may be lost with it.
                    socket.socket.recv(self._socket, RECORD_BYTES)
                    socket.socket.send(self._socket, _PLAIN_ANSWER)
            raise
        self._is_secure = True


class TlsReading(HTTPChannel):  # type: ignore[misc] # waitress ships no types
    """Part of a channel: a record may have arrived in part, which is no data and no end."""

    socket: TlsSocket

    def writable(self) -> bool:
        """Return whether there is something to send, of the handshake too."""
        return self.socket.waits_to_send or bool(super().writable())

    def handle_read(self) -> None:
        """Continue the handshake, or read a record."""
        try:
            data = self.recv(self.adj.recv_bytes)
        except BlockingIOError:
            return
        except OSError:
            self.handle_close()
            return
        if data:
            self.last_activity = time.time()
            self.received(data)

    def handle_write(self) -> None:
        """Continue the handshake, or send."""
        if self.socket.waits_to_send:
            self.handle_read()  # continues the handshake
        else:
            super().handle_write()


def _would_block() -> BlockingIOError:
    return BlockingIOError(errno.EWOULDBLOCK, "TLS waits for the client")
