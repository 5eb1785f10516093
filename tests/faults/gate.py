"""A sandbox that holds a PUT until the test lets it go: no test has to sleep beside a slow one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from crmlink.commusoft.sandbox import SandboxServer, create_sandbox

LIMIT = 60.0  # seconds; a test that waits for longer has gone wrong
Application = Callable[..., Iterable[bytes]]


@dataclass
class HeldPut:
    """One PUT on its way: it has arrived, it is carried out, it is answered."""

    arrived: threading.Event = field(default_factory=threading.Event)
    may_be_done: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    may_be_answered: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Return once it has arrived at Commusoft, which has not done it yet."""
        assert self.arrived.wait(LIMIT), "no PUT came"

    def carry_out(self) -> None:
        """Let Commusoft do it, and return once it has; whoever sent it hears nothing yet."""
        self.may_be_done.set()
        assert self.done.wait(LIMIT)

    def release(self) -> None:
        """Let Commusoft do it and answer."""
        self.carry_out()
        self.may_be_answered.set()


class PutGate:
    """A WSGI layer that holds the next PUT to each record that it was asked to hold."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._held: dict[str, HeldPut] = {}
        self._all: list[HeldPut] = []
        self.puts = 0

    def hold(self, record_id: str) -> HeldPut:
        """Hold the next PUT to this record."""
        kind, _, number = record_id.partition("-")
        put = self._held[f"/{kind}s/{number}"] = HeldPut()
        self._all.append(put)
        return put

    def open(self) -> None:
        """Hold nothing any more, so that no thread is left waiting."""
        self._held.clear()
        for put in self._all:
            put.may_be_done.set()
            put.may_be_answered.set()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = "/" + "/".join(environ["PATH_INFO"].split("/")[-2:])
        if environ["REQUEST_METHOD"] != "PUT":
            return self._application(environ, start)
        self.puts += 1
        put = self._held.pop(path, None)
        if put is None:
            return self._application(environ, start)
        put.arrived.set()
        put.may_be_done.wait(LIMIT)
        body = list(self._application(environ, start))
        put.done.set()
        put.may_be_answered.wait(LIMIT)
        return body


@contextmanager
def gated_sandbox(customers: int = 60, suppliers: int = 12) -> Iterator[tuple[str, PutGate]]:
    """The address of a sandbox in this process, and the gate in front of it."""
    application = create_sandbox(customers, suppliers)
    gate = PutGate(application.wsgi_app)
    application.wsgi_app = gate  # type: ignore[method-assign, assignment] # Flask's way
    with SandboxServer(application) as server:
        try:
            yield server.url, gate
        finally:
            gate.open()
