"""Accounting software behind an office's proxy, which the environment names."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from crmlink.sources import oauth
from crmlink.sources.api import bounded_session, exchange
from crmlink.sources.errors import SourceUnreachable
from crmlink.sources.oauth import Credentials
from crmlink.sources.packages import PACKAGES
from support.accounting_apis.xero import FakeXero

API = "https://api.accounting.invalid/contacts"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What a proxy was asked, which refuses everything; the environment names it."""
    listener, heard = socket.create_server(("127.0.0.1", 0)), []

    def refuse() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                heard.append(connection.recv(65_536))
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    threading.Thread(target=refuse, daemon=True).start()
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.getsockname()[1]}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield heard
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_an_api_is_asked_by_the_proxy(asked: list[bytes]) -> None:
    with pytest.raises(SourceUnreachable):
        exchange(bounded_session(API), "GET", API)
    assert asked[0].startswith(b"CONNECT api.accounting.invalid:443 ")


def test_tokens_are_fetched_by_the_proxy(asked: list[bytes]) -> None:
    addresses = replace(PACKAGES["xero"].addresses, token="https://login.accounting.invalid/token")
    package = replace(PACKAGES["xero"], addresses=addresses)
    with pytest.raises(SourceUnreachable):
        oauth.finish(package, Credentials("id"), "http://localhost/", "code", "v" * 43)
    assert asked[0].startswith(b"CONNECT login.accounting.invalid:443 ")


def test_this_computer_is_asked_without_the_proxy(asked: list[bytes], xero: FakeXero) -> None:
    session = bounded_session(xero.server.url)
    assert exchange(session, "GET", f"{xero.server.url}/connections").status_code == 401
    assert asked == []


def test_no_password_of_this_computers_files_goes_along(
    xero: FakeXero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login crmlink password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    session = bounded_session("https://elsewhere.invalid")
    assert session.trust_env
    reply = exchange(session, "GET", f"{xero.server.url}/connections",
                     headers={"Authorization": "Bearer mine"})  # fmt: skip
    assert reply.request.headers["Authorization"] == "Bearer mine"
