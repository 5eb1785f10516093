"""A provider whose answers are endless, or come by drops, is given up in time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from crmlink.access.errors import InvalidSsoResponse, SsoUnreachable
from crmlink.access.oidc import transport as oidc_transport
from crmlink.access.oidc.provider import OidcProvider
from crmlink.access.oidc.sign_on import DISCOVERY, AuthorizationRequest, SingleSignOn
from unit.access.oidc.test_sign_on import token

PIECE = 100_000
PATIENCE = 20.0  # seconds after which a test says that there was no end
BACK = "http://127.0.0.1/log-in"
AWAY = AuthorizationRequest("", "the state", "the nonce", "the verifier")


class BadProvider(ThreadingHTTPServer):
    """A provider that answers one path as its test says: without end, by drops, elsewhere."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.bad_path = self.how = ""
        self.sent = 0
        self.followed = False


class _Handler(BaseHTTPRequestHandler):
    server: BadProvider

    def do_GET(self) -> None:
        provider = self.server
        if self.path == "/elsewhere":
            provider.followed = True
        if self.path != provider.bad_path:
            self._answer()
            return
        with suppress(OSError):  # given up
            self._misbehave(provider.how)

    do_POST = do_GET  # noqa: N815 # the names that http.server calls

    def _misbehave(self, how: str) -> None:
        if how == "dripping head":
            while True:
                self.wfile.write(b"H")
                time.sleep(0.05)
        self.send_response(307 if how == "elsewhere" else 200)
        if how == "elsewhere":
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        while how == "endless":
            self.wfile.write(b" " * PIECE)
            self.server.sent += PIECE
        while how == "dripping":
            self.wfile.write(b" ")
            time.sleep(0.05)

    def _answer(self) -> None:
        me = self.server.issuer
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        documents: dict[str, Any] = {
            DISCOVERY: {"issuer": me} | {name: f"{me}/{name}" for name in names},
            "/token_endpoint": {"token_type": "Bearer", "access_token": "a", "id_token": token()},
            "/jwks_uri": {"keys": []},
        }
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(documents.get(self.path, {})).encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[BadProvider]:
    with BadProvider() as provider:
        threading.Thread(target=provider.serve_forever, args=(0.01,), daemon=True).start()
        yield provider
        provider.shutdown()


def sign_on(provider: BadProvider) -> type[Exception] | None:
    """Go to the provider and come back; return what it ended with, at once or after some time."""
    sso = SingleSignOn(OidcProvider(provider.issuer, "crmlink", "a secret of thirty-two letters."))
    ended: list[type[Exception]] = []

    def work() -> None:
        try:
            sso.begin(BACK)
            sso.finish(AWAY, BACK, {"code": "c", "state": "the state"})
        except (SsoUnreachable, InvalidSsoResponse) as error:
            ended.append(type(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return ended[0] if ended else None


@pytest.mark.parametrize("path", [DISCOVERY, "/token_endpoint", "/jwks_uri"])
@pytest.mark.parametrize("how", ["endless", "dripping", "dripping head"])
def test_an_answer_without_end_is_given_up(
    provider: BadProvider, monkeypatch: pytest.MonkeyPatch, path: str, how: str
) -> None:
    monkeypatch.setattr(oidc_transport, "ANSWER_SECONDS", 1.0)
    provider.bad_path, provider.how = path, how
    assert sign_on(provider) is SsoUnreachable
    assert provider.sent < 20_000_000  # what lies in the system's buffers


@pytest.mark.parametrize("path", [DISCOVERY, "/token_endpoint", "/jwks_uri"])
def test_a_redirect_is_not_followed(provider: BadProvider, path: str) -> None:
    provider.bad_path, provider.how = path, "elsewhere"
    assert sign_on(provider) in (SsoUnreachable, InvalidSsoResponse)
    assert not provider.followed
