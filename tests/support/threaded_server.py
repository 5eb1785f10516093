"""The web server in a thread of this process, so that it can be looked into."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from crmlink.web.http_server import HTTPServer
from crmlink.web.tls import TlsFiles


@contextmanager
def running(app: Flask, files: TlsFiles | None = None) -> Iterator[HTTPServer]:
    """A server on a free port, with https if there are files for it."""
    server = HTTPServer(app, "127.0.0.1", 0, files)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    stop = [*server._servers, *channels(server)]
    server._servers[0].trigger.pull_trigger(server._map.clear)
    thread.join(10)
    for each in stop:
        each.close()
    server._dispatcher.shutdown()


def channels(server: HTTPServer) -> list[Any]:
    """The server's open connections."""
    return [channel for each in server._servers for channel in list(each.active_channels.values())]
