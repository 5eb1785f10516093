"""Paired browsers for tests without a browser: their keys, and clients that prove them."""

from __future__ import annotations

from typing import Any

import jwt
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.wsgi import get_current_url

from crmlink.access.dpop import new_nonce
from crmlink.access.proofs import Proof, token_hash
from crmlink.store.base import new_id
from support.browser_key import BrowserKey
from support.installations import installation_of

_keys: dict[str, BrowserKey] = {}


def new_key() -> BrowserKey:
    """A browser's key, which ``with_token`` finds again by what is bound to it."""
    key = BrowserKey()
    _keys[key.thumbprint] = key
    return key


def proven(thumbprint: str | None, token: str = "") -> Proof:
    """A fresh proof by this key, as if it was checked."""
    return Proof(thumbprint or "", new_id(), token_hash(token) if token else "")


def key_of(access_token: str) -> BrowserKey:
    """The key that an access token is bound to."""
    claims = jwt.decode(access_token, options={"verify_signature": False})
    return _keys[claims["cnf"]["jkt"]]


class BrowserClient(FlaskClient):
    """A client that sends a browser's access token and proves a key with every request."""

    access_token = ""
    key: BrowserKey

    def run_wsgi_app(self, environ: dict[str, Any], buffered: bool = False) -> Any:
        prove(self.application, environ, self.access_token, self.key)
        return super().run_wsgi_app(environ, buffered)


def prove(app: Any, environ: dict[str, Any], access_token: str, key: BrowserKey) -> None:
    """Put an access token, and a proof of a key for this very request, into a request."""
    nonce = new_nonce(installation_of(app).access)
    proof = key.proof(
        environ["REQUEST_METHOD"], get_current_url(environ, strip_querystring=True), nonce,
        access_token,
    )  # fmt: skip
    environ |= {"HTTP_AUTHORIZATION": f"DPoP {access_token}", "HTTP_DPOP": proof}


def browser_client(app: Flask, access_token: str, key: BrowserKey | None = None) -> FlaskClient:
    """A client that is a paired browser, or that holds its token and another key."""
    client = BrowserClient(app, app.response_class, use_cookies=True)
    client.access_token, client.key = access_token, key or key_of(access_token)
    return client
