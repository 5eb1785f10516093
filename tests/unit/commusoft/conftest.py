"""What the tests of the Commusoft room share: a sandbox, a client, and a server that obeys."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from crmlink.commusoft import Commusoft, Connection, Dialect, Patience
from crmlink.commusoft.sandbox import SandboxServer, create_sandbox

SECRETS = {
    "client_id": "client-id-secret",
    "username": "user-name-secret",
    "password": "pass-word-secret",
    "application_id": "application-secret",
}
QUICK = Patience(
    connect=2,
    read=2,
    total=4,
    at_once=8,
    per_second=10_000,
    read_again=1,
    wait_unsaid=0.01,
    rest=0.05,
)


@pytest.fixture
def quick() -> Patience:
    """Patience for tests: everything short, no pace worth mentioning."""
    return QUICK


@pytest.fixture
def secrets() -> Mapping[str, str]:
    """The credentials that `talk` uses: words that must not turn up anywhere."""
    return SECRETS


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A fresh sandbox with the cast and a few dozen others."""
    with SandboxServer(create_sandbox(customers=60, suppliers=20)) as server:
        yield server


Enter = Callable[..., Commusoft]


@pytest.fixture
def enter() -> Enter:
    """A client for a sandbox's address: `enter(url, dialect=None, patience=QUICK)`."""

    def make(url: str, dialect: Dialect | None = None, patience: Patience = QUICK) -> Commusoft:
        return Commusoft(Connection(url, *["sandbox"] * 4), dialect, patience)

    return make


@dataclass
class Said:
    """One request that the obedient server got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class Obedient:
    """A server that answers what its test tells it, and remembers what it was sent."""

    answer: Callable[[Said], Answer]
    url: str = ""
    heard: list[Said] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [f"{said.method} {said.path}" for said in self.heard]


@pytest.fixture
def obey() -> Iterator[Callable[[Callable[[Said], Answer]], Obedient]]:
    """`obey(answer)` starts a server on a port of its own."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[Said], Answer]) -> Obedient:
        obedient = Obedient(answer)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(obedient))
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        obedient.url = f"http://127.0.0.1:{server.server_address[1]}"
        return obedient

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _handler(obedient: Obedient) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            said = Said(self.command, self.path, dict(self.headers), self.rfile.read(size))
            obedient.heard.append(said)
            status, headers, body = obedient.answer(said)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = _reply  # noqa: N815  # the names that http.server calls

        def log_message(self, *args: Any) -> None:
            """Say nothing: the test looks at what was heard."""

    return Handler
