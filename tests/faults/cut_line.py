"""A line to PostgreSQL that a test cuts: without a word, as a pulled cable, or by resets."""

from __future__ import annotations

import contextlib
import enum
import socket
import struct
import threading

PART = 65_536  # bytes forwarded at once
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Cut(enum.Enum):
    """How a line is cut."""

    SILENT = enum.auto()  # nothing arrives any more, and no one is told
    RESET = enum.auto()  # each connection ends at once, and so does each new one


class Line:
    """Forwards connections from an address of this machine to PostgreSQL's socket."""

    def __init__(self, host: str, target: str) -> None:
        """``target`` is the path of the Unix socket."""
        self._target = target
        self._listening = socket.create_server((host, 0), backlog=64)
        self.host, self.port = self._listening.getsockname()[:2]
        self._forwards = threading.Event()
        self._forwards.set()
        self._refuses = False
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, how: Cut) -> None:
        """Cut it until it is mended."""
        if how is Cut.SILENT:
            self._forwards.clear()
            return
        self._refuses = True
        self._end_all()

    def mend(self) -> None:
        """Let it work again. What was cut silently goes on where it was."""
        self._refuses = False
        self._forwards.set()

    def close(self) -> None:
        """End it for good."""
        self.cut(Cut.RESET)
        self._forwards.set()
        self._listening.close()

    def _end_all(self) -> None:
        with self._lock:
            ends, self._ends = self._ends, set()
        for end in ends:
            with contextlib.suppress(OSError):
                if end.family == socket.AF_INET:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        self._forwards.wait()
        far = socket.socket(socket.AF_UNIX)
        try:
            if self._refuses:
                raise ConnectionError
            far.connect(self._target)
        except OSError:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            near.close()
            far.close()
            return
        with self._lock:
            self._ends |= {near, far}
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(PART):
                self._forwards.wait()
                sink.sendall(part)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
