"""A sandbox that holds a request until the test lets it go: no test sleeps beside a slow one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from crmlink.commusoft.sandbox.shapes import UpdateForm

LIMIT = 60.0  # seconds; a test that waits for longer has gone wrong
Application = Callable[..., Iterable[bytes]]


@dataclass
class HeldRequest:
    """One request on its way: it has arrived, it is carried out, it is answered."""

    number: int = 1  # of those to its record and with its method that are still to come
    method: str | None = None  # None: whichever it has
    arrived: threading.Event = field(default_factory=threading.Event)
    may_be_done: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    may_be_answered: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Return once it has arrived at Commusoft, which has not done it yet."""
        assert self.arrived.wait(LIMIT), "no request came"

    def carry_out(self) -> None:
        """Let Commusoft do it, and return once it has; anyone who sent it hears nothing yet."""
        self.may_be_done.set()
        assert self.done.wait(LIMIT)

    def release(self) -> None:
        """Let Commusoft do it and answer."""
        self.carry_out()
        self.may_be_answered.set()


class RequestGate:
    """A WSGI layer that holds those requests to records that it was asked to hold."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._held: dict[str, HeldRequest] = {}
        self._all: list[HeldRequest] = []
        self._lock = threading.Lock()
        self.puts = 0

    def hold(self, record_id: str, method: str | None = "PUT", number: int = 1) -> HeldRequest:
        """Hold the next request to this record, or one behind it."""
        kind, _, key = record_id.partition("-")
        return self._hold(f"/{kind}s/{key}", HeldRequest(number, method))

    def hold_list(self, kind: str, number: int) -> HeldRequest:
        """Hold the next request for a page of all records of a kind, or one behind it."""
        return self._hold(f"/v1/{kind}s", HeldRequest(number))

    def _hold(self, path: str, held: HeldRequest) -> HeldRequest:
        self._held[path] = held
        self._all.append(held)
        return held

    def open(self) -> None:
        """Hold nothing any more, so that no thread is left waiting."""
        self._held.clear()
        for held in self._all:
            held.may_be_done.set()
            held.may_be_answered.set()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = "/" + "/".join(environ["PATH_INFO"].split("/")[-2:])
        held = self._due(path, environ["REQUEST_METHOD"])
        if held is None:
            return self._application(environ, start)
        held.method = environ["REQUEST_METHOD"]
        held.arrived.set()
        held.may_be_done.wait(LIMIT)
        try:
            body = list(self._application(environ, start))
        finally:
            held.done.set()
        held.may_be_answered.wait(LIMIT)
        return body

    def _due(self, path: str, method: str) -> HeldRequest | None:
        with self._lock:
            self.puts += method == "PUT"
            held = self._held.get(path)
            if held is None or held.method not in (None, method):
                return None
            held.number -= 1
            return self._held.pop(path) if held.number == 0 else None


@contextmanager
def gated_sandbox(
    customers: int = 60, suppliers: int = 12, update: UpdateForm = "W"
) -> Iterator[tuple[str, RequestGate]]:
    """The address of a sandbox in this process, and the gate in front of it."""
    with gated(create_sandbox(customers, suppliers, update=update)) as served:
        yield served


@contextmanager
def gated(application: Flask) -> Iterator[tuple[str, RequestGate]]:
    """The address of an application in this process, and the gate in front of it."""
    gate = RequestGate(application.wsgi_app)
    application.wsgi_app = gate  # type: ignore[method-assign, assignment] # Flask's way
    with SandboxServer(application) as server:
        try:
            yield server.url, gate
        finally:
            gate.open()
