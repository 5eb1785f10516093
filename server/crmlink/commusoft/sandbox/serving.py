"""HTTP server for the sandbox in a thread, for tests and demonstrations."""

import contextlib
import threading
from types import TracebackType
from typing import Any

from flask import Flask
from waitress.server import create_server

MAX_CONNECTIONS = 500  # each firm keeps some open in each process


class SandboxServer:
    """Serves the application during a `with` block; port 0 uses any free one.

    `url` is the start page, `w_url` and `p_url` are the base addresses of the two shapes.
    """

    def __init__(self, app: Flask, port: int = 0, host: str = "127.0.0.1", threads: int = 32):
        self._channels: dict[int, Any] = {}
        self._server = create_server(
            app, map=self._channels, host=host, port=port, threads=threads,
            connection_limit=MAX_CONNECTIONS,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self.port: int = self._server.effective_port
        self.url = f"http://{host}:{self.port}"
        self.w_url = f"{self.url}/webservice_dev.php/api/v1"
        self.p_url = f"{self.url}/api/v1"

    def __enter__(self) -> "SandboxServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        open_channels = list(self._channels.values())
        # The loop ends when its map is empty; clearing it inside the loop ends it at once.
        self._server.trigger.pull_trigger(self._channels.clear)
        self._thread.join(5)
        for connection in list(self._server.active_channels.values()):
            # Wake a worker that waits for its client to read.
            connection.handle_close()
        self._server.task_dispatcher.shutdown()
        for channel in open_channels:
            with contextlib.suppress(OSError):
                channel.close()
