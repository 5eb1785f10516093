"""A server that says what it is told to: for looking at every state of the popup."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

RULES = Path(__file__).parents[2] / "server" / "crmlink" / "accounting" / "packages.json"
PROBLEM = "urn:crmlink:problem:"


@dataclass(frozen=True)
class Reply:
    """What is answered; `hang` keeps the caller waiting until the server is told to let go."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False


def problem(name: str, status: int, detail: str, **more: Any) -> Reply:
    """Problem details (RFC 9457) as the server sends them."""
    body = {
        "type": PROBLEM + name,
        "title": name,
        "status": status,
        "detail": detail,
        "request_id": "req-7c1e90d2",
        **more,
    }
    return Reply(status, body, {"Content-Type": "application/problem+json"})


Answer = Reply | Callable[[dict[str, Any]], Reply]


def in_turn(*replies: Reply) -> Answer:
    """One reply after another, and from the start again."""
    row = cycle(replies)
    return lambda _body: next(row)


class ScriptedServer:
    """Answers each `METHOD path` with its reply; remembers what was asked."""

    def __init__(self) -> None:
        self.replies: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, Any], str | None]] = []
        self.let_go = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self.let_go.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, method: str, path: str, body: dict[str, Any], key: str | None) -> Reply:
        asked = f"{method} {path}"
        self.requests.append((asked, body, key))
        if asked == "GET /api/v1/packages" and asked not in self.replies:
            return Reply(200, json.loads(RULES.read_text("utf-8")), {"ETag": '"one"'})
        found = self.replies.get(asked)
        if found is None:
            return problem("not-found", 404, "There is nothing here.")
        reply = found if isinstance(found, Reply) else found(body)
        if reply.hang:
            self.let_go.wait(60)
        return reply


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply("GET", {})

        def do_DELETE(self) -> None:
            self._reply("DELETE", {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            form = self.headers.get("Content-Type", "").startswith("application/x-www-form")
            self._reply(
                "POST", dict(parse_qsl(body.decode())) if form else json.loads(body or b"{}")
            )

        def _reply(self, method: str, body: dict[str, Any]) -> None:
            path = urlsplit(self.path).path
            reply = server.answer(method, path, body, self.headers.get("Idempotency-Key"))
            if reply.status == 204:
                self.send_response(204)
                return self.end_headers()
            raw = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw.encode())
            return None

        def log_message(self, *_: object) -> None:
            """Silent: the script that drives it says what matters."""

    return Handler
