"""Served hosts, and the base URL of links that are sent out.

A request's ``Host`` is chosen by its sender. Links with a secret must not lead to a host chosen by
an attacker, and another site's name that resolves to this computer must not be served.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, request, url_for
from werkzeug.exceptions import HTTPException

from crmlink.hosts import DEFAULT_PORTS, Host
from crmlink.settings import Settings
from crmlink.web.proxies import PASSED_ON

LOOPBACK = ("localhost", "127.0.0.1", "::1")
FROM_ANYWHERE = {"pages.health"}  # health checks use IP addresses; the response has no link


class Misdirected(HTTPException):
    """The request is for a host that is not served."""

    code = 421
    description = "This host is not served."


class ServedHosts:
    """Hosts of one server: of its public URL, allowed ones, and where it listens."""

    def __init__(self, settings: Settings) -> None:
        self.public_address = settings.public_url
        self._allowed = settings.allowed_hosts
        self._public = Host.from_text(settings.public_url.partition("://")[2])
        self.listening: Host | None = None

    def listen_on(self, host: Host) -> None:
        """Set where the server listens; until then loopback names are served at any port."""
        self.listening = host

    def serves(self, host: Host) -> bool:
        """Return whether this host is served."""
        if self._public and _same(host, self._public, _default_port(self.public_address)):
            return True
        ports = {*DEFAULT_PORTS.values(), self.listening.port if self.listening else None}
        for allowed in self._allowed:
            wanted = {allowed.port} if allowed.port else ports
            if host.name == allowed.name and (host.port or 80) in wanted:
                return True
        return self._is_where_we_listen(host)

    def _is_where_we_listen(self, host: Host) -> bool:
        if self.listening is None:
            return host.name in LOOPBACK
        names = {*LOOPBACK, *(() if self.listening.is_unspecified else (self.listening.name,))}
        ports = DEFAULT_PORTS.values() if host.port is None else {host.port}
        return host.name in names and self.listening.port in ports


def init_hosts(app: Flask, settings: Settings) -> None:
    """Reject requests for hosts that are not served. Call it before authentication."""
    app.extensions["crmlink_hosts"] = ServedHosts(settings)
    app.before_request(_refuse_other_hosts)


def serve_at(app: Flask, host: Host) -> None:
    """Set where the server of this application listens."""
    _hosts(app).listen_on(host)


def listening_host(app: Flask) -> Host | None:
    """Return where the server of this application listens; None if it is not known."""
    return _hosts(app).listening


def public_address() -> str:
    """Return this server's base URL without a trailing slash, for links."""
    host = Host.from_text(request.headers.get("Host"))
    if known := _hosts(current_app).public_address:
        return known
    assert host  # noqa: S101 # others were refused
    return host.address(request.scheme)


def addresses_of_request() -> set[str]:
    """Return the URLs under which a browser may have sent this request, without queries.

    The host is a served one. A proxy may have ended TLS, and replaced its name by this server's.
    """
    here = request.base_url
    at_proxy = public_address() + request.root_path + request.path
    return {here, "https" + here.removeprefix(request.scheme), at_proxy}


def is_from_this_computer() -> bool:
    """Return whether a request was sent on this computer, to one of its own names.

    Behind a proxy on this computer all requests seem to be sent here, mostly for another name; one
    that gives them this computer's name leaves other traces.
    """
    if request.environ.get(PASSED_ON):
        return False
    sender, host = Host.from_text(request.remote_addr), Host.from_text(request.host)
    if sender is None and ":" in (request.remote_addr or ""):
        sender = Host.from_text(f"[{request.remote_addr}]")
    return bool(sender and sender.is_loopback and host and host.is_loopback)


def external_url(endpoint: str, **values: Any) -> str:
    """Return the URL of a page, for links."""
    return public_address() + url_for(endpoint, **values)


def invitation_url(address: str, token: str) -> str:
    """Return the one-time link; its secret is a fragment, which browsers send to no server."""
    return f"{address.rstrip('/')}/welcome#{token}"


def _refuse_other_hosts() -> None:
    host = Host.from_text(request.headers.get("Host"))
    if request.endpoint in FROM_ANYWHERE:
        return
    if host is None or not _hosts(current_app).serves(host):
        raise Misdirected


def _same(host: Host, other: Host, default_port: int) -> bool:
    """Return whether two hosts are equal; a header without a port means a default one."""
    port = other.port or default_port
    return host.name == other.name and (port in DEFAULT_PORTS.values() if host.port is None
                                        else host.port == port)  # fmt: skip


def _default_port(address: str) -> int:
    return DEFAULT_PORTS[address.partition("://")[0]]


def _hosts(app: Flask) -> ServedHosts:
    found: ServedHosts = app.extensions["crmlink_hosts"]
    return found
