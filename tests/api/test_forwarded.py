"""What a trusted proxy passes on of a stranger's words is a scheme or an address, or left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request

from crmlink.access.dpop import new_nonce
from support.browser_key import BrowserKey
from support.installations import installation_of, open_app


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with open_app(tmp_path, trusted_proxies=1) as app:
        yield app


def seen(app: Flask, **headers: str) -> tuple[str, str | None]:
    """Return the scheme and the address that the application takes a request to have come by."""
    found: list[Any] = []
    app.before_request_funcs[None].insert(
        0, lambda: found.append((request.scheme, request.remote_addr))
    )
    app.test_client().get(
        "/healthz", headers={name.replace("_", "-"): v for name, v in headers.items()}
    )
    scheme, address = found[0]
    return scheme, address


@pytest.mark.parametrize("scheme", ["evil", "javascript", "ws", "", "https\0", "http,", "x" * 5000])
def test_a_scheme_that_is_none_is_left_out(app: Flask, scheme: str) -> None:
    key, nonce = BrowserKey(), new_nonce(installation_of(app).access)
    proof = key.proof("POST", "http://localhost/api/v1/pairings", nonce)
    reply = app.test_client().post(
        "/api/v1/pairings",
        data={"browser": "x"},
        headers={"X-Forwarded-Proto": scheme, "DPoP": proof},
    )
    assert reply.status_code < 500, reply.text
    assert seen(app, X_Forwarded_Proto=scheme)[0] == "http"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("evil, 203.0.113.7", "203.0.113.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("[2001:db8::1]:51234", "2001:db8::1"),
        ("<script>", "127.0.0.1"),
        ("x" * 5000, "127.0.0.1"),
        ("fe80::1%" + "x" * 5000, "127.0.0.1"),
    ],
)
def test_an_address_is_one_or_left_out(app: Flask, header: str, address: str) -> None:
    assert seen(app, X_Forwarded_For=header)[1] == address


def test_https_is_believed(app: Flask) -> None:
    assert seen(app, X_Forwarded_Proto="https")[0] == "https"
    assert seen(app, X_Forwarded_Proto="HTTPS")[0] == "https"


def test_a_wish_for_a_websocket_is_answered_as_if_it_was_not_there(app: Flask) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    reply = app.test_client().get("/log-in", headers=headers)
    assert reply.status_code == 200, "it was sent to itself, again and again"
