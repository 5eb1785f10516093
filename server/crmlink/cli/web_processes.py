"""Several web processes on one machine, by gunicorn: each opens the database for itself.

Slow and hostile connections are the proxy's to keep away: gunicorn does not bound them as
``web.http_server`` does. Processes that die are started again; a stop waits for requests.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from crmlink.app import create_app
from crmlink.hosts import Host
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from crmlink.store import ProcessRole
from crmlink.web.body_limits import MAX_BODY_BYTES
from crmlink.web.health import watch_worker
from crmlink.web.hosts import serve_at
from crmlink.worker import Worker

THREADS = 8  # of each process
STOP_SECONDS = 25  # for requests in progress; a call to Commusoft that takes longer is taken over
REQUEST_SECONDS = 120  # without a sign of life from a process


class WebProcesses(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn with crmlink's settings, on a socket that is bound already."""

    def __init__(self, settings: Settings, bound: socket.socket, listening: Host) -> None:
        self._settings, self._bound, self._listening = settings, bound, listening
        self._opened: tuple[Installation, Worker] | None = None
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        for name, value in {
            "bind": f"fd://{self._bound.fileno()}",
            "workers": self._settings.web_processes,
            "worker_class": f"{__name__}.{_Process.__name__}",
            "threads": THREADS,
            "graceful_timeout": STOP_SECONDS,
            "timeout": REQUEST_SECONDS,
            "logger_class": _Lines,
            "control_socket_disable": True,  # it would be in the user's home, one for all servers
            "worker_exit": lambda _arbiter, _worker: self.close(),
            "forwarded_allow_ips": "",  # web.proxies reads these headers
        }.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serve until a signal says to stop."""
        _Processes(self).run()

    def load(self) -> Flask:
        """Return the application of this process, with its part of the background work."""
        installation = open_installation(self._settings, role=ProcessRole.SERVER)
        app = create_app(self._settings, installation)
        app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
        serve_at(app, self._listening)
        worker = Worker(installation, whole=False)
        watch_worker(app, worker)
        worker.start()
        self._opened = installation, worker
        return app

    def close(self) -> None:
        """Close what this process opened."""
        if self._opened:
            installation, worker = self._opened
            worker.stop()
            installation.close()


class _Processes(Arbiter):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's processes, which refuse new connections from the moment they are to stop.

    Otherwise what connects waits until the last request is answered, and is then cut off; refused,
    it goes to another server.
    """

    def stop(self, graceful: bool = True) -> None:
        """Stop all processes."""
        for listener in self.LISTENERS:
            with contextlib.suppress(OSError):
                listener.sock.shutdown(socket.SHUT_RDWR)  # for every process that has it
        super().stop(graceful)


class _Process(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """A process with threads, to which the end of listening is no failure."""

    def accept(self, listener: Any) -> None:
        """Accept a connection, if the server still listens."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise


class _Lines(Logger):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's log within crmlink's: its place in the code, never its text."""

    def setup(self, cfg: Any) -> None:
        """Pass everything on to the root logger."""
        self.cfg = cfg
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True
