"""What the tests of the Commusoft room talk to: the sandbox's controls, a server that obeys."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import requests

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.sandbox import SandboxServer

SECRETS = {
    "client_id": "client-id-secret",
    "username": "user-name-secret",
    "password": "pass-word-secret",
    "application_id": "application-secret",
}
QUICK = ClientLimits(
    connect_timeout=10,
    read_timeout=25,
    total_timeout=30,
    max_concurrent=8,
    max_per_second=10_000,
    read_retries=1,
    default_retry_after=0.01,
    open_seconds=0.05,
)


Enter = Callable[..., CommusoftClient]


class Faults:
    """The sandbox's faults, over its control endpoint."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self._url = f"{sandbox.url}/sandbox"

    def add(self, fault: str, **more: Any) -> None:
        """Put one up."""
        answer = requests.post(f"{self._url}/faults", json={"fault": fault, **more}, timeout=30)
        assert answer.status_code == 201, answer.text

    def struck(self) -> list[int]:
        """How often each of those that stand has struck."""
        standing = requests.get(f"{self._url}/faults", timeout=30).json()["standing"]
        return [fault["struck"] for fault in standing]

    def clear(self) -> None:
        """Take all away."""
        requests.delete(f"{self._url}/faults", timeout=30)

    def forget_tokens(self) -> None:
        """Make every token old."""
        requests.delete(f"{self._url}/tokens", timeout=30)

    def writes(self) -> list[dict[str, str]]:
        """Every edit that the sandbox did."""
        writes: list[dict[str, str]] = requests.get(f"{self._url}/writes", timeout=30).json()[
            "writes"
        ]
        return writes


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    monotonic = __call__

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class ScriptedResponse:
    """One request that the obedient server got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class ScriptedServer:
    """A server that answers what its test tells it, and remembers what it was sent."""

    answer: Callable[[ScriptedResponse], Answer]
    url: str = ""
    heard: list[ScriptedResponse] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [f"{said.method} {said.path}" for said in self.heard]


def handler_of(obedient: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            said = ScriptedResponse(
                self.command, self.path, dict(self.headers), self.rfile.read(size)
            )
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
