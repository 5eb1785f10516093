"""A package's sign-in and API on a port of their own, with the faults that a test sets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler, make_server

from crmlink.sources.packages import PACKAGES, Addresses, SourcePackage
from support.accounting_apis.oauth_server import OAuthState, add_oauth


class _Quiet(WSGIRequestHandler):
    def log(self, *args: Any) -> None:
        """Say nothing."""


@dataclass
class PackageServer:
    """The server of one package: ``fault`` answers a request of the API in place of the API."""

    app: Flask
    oauth: OAuthState
    fault: Callable[[], Any] = lambda: None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # path and query
    url: str = ""

    def package(self, package_id: str) -> SourcePackage:
        """The package with this server's addresses."""
        addresses = Addresses(
            f"{self.url}/authorise", f"{self.url}/token", self.url, f"{self.url}/revoke"
        )
        known = PACKAGES[package_id]
        if not known.addresses.revoke:
            addresses = replace(addresses, revoke="")
        return replace(known, addresses=addresses)

    def consent(self, url: str) -> dict[str, str]:
        """Agree at the package; return what it sends back, and check where to."""
        reply = requests.get(url, allow_redirects=False, timeout=10)
        assert reply.status_code == 302, reply.text
        return dict(parse_qsl(urlsplit(reply.headers["Location"]).query))


@contextmanager
def running(app: Flask, oauth: OAuthState) -> Iterator[PackageServer]:
    """The server while it runs, with OAuth endpoints beside the application's own."""
    add_oauth(app, oauth)
    server = PackageServer(app, oauth)

    @app.before_request
    def misbehave() -> Any:
        if request.path in ("/authorise", "/token", "/revoke"):
            return None
        server.asked.append((request.path, dict(request.args)))
        return server.fault()

    made = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    server.url = f"http://127.0.0.1:{made.port}"
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def answers(status: int, **headers: str) -> Callable[[], Response]:
    """A fault: this status instead of the API's answer."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: Response("out of order", status, sent)
