"""The fixtures of the Commusoft room: a sandbox, a way in, and a server that obeys."""

import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import ThreadingHTTPServer

import pytest

from crmlink.commusoft import rate_limiter
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.sandbox import SandboxServer
from support.faulty_sandbox.app import create_faulty_sandbox
from unit.commusoft.fake_server import (
    QUICK,
    SECRETS,
    Answer,
    Clock,
    Enter,
    Faults,
    ScriptedResponse,
    ScriptedServer,
    handler_of,
)


@pytest.fixture
def quick() -> ClientLimits:
    """Patience for tests: everything short, no pace worth mentioning."""
    return QUICK


@pytest.fixture
def limiter_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The rate limiter's: no time passes in it but what is slept."""
    moved = Clock()
    monkeypatch.setattr(rate_limiter, "time", moved)
    return moved


@pytest.fixture
def secrets() -> Mapping[str, str]:
    """The credentials that `talk` uses: words that must not turn up anywhere."""
    return SECRETS


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A fresh sandbox with the cast and a few dozen others."""
    with SandboxServer(create_faulty_sandbox(customers=60, suppliers=20)) as server:
        yield server


@pytest.fixture
def enter() -> Enter:
    """A client for a sandbox's address: `enter(url, dialect=None, limits=QUICK)`."""

    def make(
        url: str, dialect: Dialect | None = None, limits: ClientLimits = QUICK
    ) -> CommusoftClient:
        return CommusoftClient(Connection(url, *["sandbox"] * 4), dialect, limits)

    return make


@pytest.fixture
def faults(sandbox: SandboxServer) -> Iterator[Faults]:
    """The faults of this test's sandbox; taken away at the end, so that no one is kept waiting."""
    board = Faults(sandbox)
    yield board
    board.clear()


@pytest.fixture
def obey() -> Iterator[Callable[[Callable[[ScriptedResponse], Answer]], ScriptedServer]]:
    """`obey(answer)` starts a server on a port of its own."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[ScriptedResponse], Answer]) -> ScriptedServer:
        obedient = ScriptedServer(answer)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(obedient))
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        obedient.url = f"http://127.0.0.1:{server.server_address[1]}"
        return obedient

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
