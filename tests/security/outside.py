"""A real server process seen from outside: raw requests over loopback, and all that it writes."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from browsers.real_services import CREDENTIALS, PreparedService, Service, wait_until
from support.browser_key import BrowserKey
from support.installations import NOWHERE
from support.sandbox import WEBSERVICE

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
WELCOME = re.compile(r"(http\S+)/welcome#(crmi_\w+)")
TIMEOUT_SECONDS = 15.0  # seconds for one answer on a loaded machine


@dataclass
class Outside:
    """A server whose Commusoft does not answer; ``data`` is its data folder."""

    service: Service
    data: Path

    @property
    def address(self) -> str:
        return self.service.address

    @property
    def port(self) -> int:
        return self.service.port

    def logs(self) -> dict[str, bytes]:
        """Everything that it has written for people who run it."""
        files = {file.name: file.read_bytes() for file in self.data.glob("*.log*")}
        return files | {"terminal": self.service.log.read_bytes()}

    def become_admin(self, email: str, password: str, code: str = "") -> requests.Session:
        """Sign in as the first admin, by a set-up code or the link that the server printed."""
        token = code or wait_until(lambda: WELCOME.findall(self.service.said()), "a link")[0][1]
        person = requests.Session()
        form = {"csrf_token": self.csrf(person, "/welcome"), "token": token, "name": "The Admin"}
        form |= {"email": email, "password": password, "again": password}
        reply = person.post(f"{self.address}/welcome", data=form, timeout=TIMEOUT_SECONDS)
        assert reply.ok, reply.text
        return person

    def csrf(self, person: requests.Session, path: str = "/log-in") -> str:
        """Return what a form of this page carries."""
        found = CSRF.search(person.get(self.address + path, timeout=TIMEOUT_SECONDS).text)
        assert found
        return found[1]

    def raw(
        self, request: bytes, *, source: str = "127.0.0.1", wait: float = TIMEOUT_SECONDS
    ) -> bytes:
        """Send bytes as they are; return what comes back until the server closes."""
        with self.connect(source) as connection:
            connection.settimeout(wait)
            try:
                connection.sendall(request)
                return b"".join(iter(lambda: connection.recv(65536), b""))
            except OSError:
                return b""

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS, (source, 0))

    def seconds_to_answer(self, path: str = "/healthz") -> float:
        """Return how long a request takes, from the connection to the end of its answer."""
        begun = time.monotonic()
        reply = requests.get(self.address + path, timeout=60)
        assert reply.status_code == 200
        return time.monotonic() - begun


@dataclass
class Browser:
    """Something that talks to a server as the extension does, with a key of its own."""

    address: str
    key: BrowserKey = field(default_factory=BrowserKey)
    access_token: str = ""
    token_type: str = "DPoP"
    nonce: str = ""
    last_proof: str = ""

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """One request to the API; once more when the server wants its own nonce in the proof."""
        url = f"{self.address}/api/v1{path}"
        headers = more.pop("headers", {})
        if self.access_token:
            headers |= {"Authorization": f"{self.token_type} {self.access_token}"}
        for _ in range(2):
            self.last_proof = self.key.proof(method, url, self.nonce, self.access_token)
            proven = headers | {"DPoP": self.last_proof}
            reply = requests.request(method, url, headers=proven, timeout=30, **more)
            self.nonce = reply.headers.get("DPoP-Nonce", self.nonce)
            if reply.ok or not _wants_nonce(reply):
                break
        return reply


def _wants_nonce(reply: requests.Response) -> bool:
    return "json" in reply.headers["Content-Type"] and reply.json().get("error") == "use_dpop_nonce"


@contextmanager
def real_server(folder: Path, *words: str, **settings: str) -> Iterator[Outside]:
    """Start ``crmlink serve`` with some settings; end it afterwards."""
    with _started(PreparedService, folder, words, settings) as outside:
        yield outside


@contextmanager
def limited_server(folder: Path, **settings: str) -> Iterator[Outside]:
    """Start ``crmlink serve`` with this process's limits of files and memory."""
    with _started(Service, folder, (), settings) as outside:
        yield outside


@contextmanager
def _started(
    how: Callable[[str, Path, dict[str, str]], Service],
    folder: Path,
    words: Sequence[str],
    settings: dict[str, str],
) -> Iterator[Outside]:
    inherited = {name: value for name, value in os.environ.items() if "CRMLINK" not in name}
    data = folder / "data"
    given = {
        "DATA_DIR": str(data),
        "COMMUSOFT_URL": NOWHERE + WEBSERVICE,
        **{f"COMMUSOFT_{name}": "sandbox" for name in CREDENTIALS},
        **settings,
    }
    environment = inherited | {f"CRMLINK_{name}": value for name, value in given.items()}
    service = how(" ".join(("serve", *words)), folder, environment)
    try:
        service.start()
        yield Outside(service, data)
    finally:
        service.stop()
