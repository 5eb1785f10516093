"""Ports for servers that are given theirs, or that are started again at the one they had."""

from __future__ import annotations

import socket


class HeldPort:
    """A port that the system gives no one else while it is held; a server may listen there.

    Both share it (SO_REUSEADDR), for this socket never listens.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("", 0))
        self.number = int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Give it back."""
        self._socket.close()
