"""Proxy headers: honoured from configured proxies, removed otherwise.

A proxy may forward what a client wrote in these headers, so they must also contain a served scheme,
or an address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FORWARDED = (
    "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_BY", "HTTP_X_REAL_IP",
)  # fmt: skip
TRACES = (
    *FORWARDED, "HTTP_VIA", "HTTP_X_ORIGINAL_HOST", "HTTP_X_ORIGINAL_FOR",
    "HTTP_X_FORWARDED_SERVER", "HTTP_X_ARR_LOG_ID", "HTTP_CF_CONNECTING_IP",
)  # fmt: skip
PASSED_ON = "crmlink.passed_on"  # set in the environment of a request that a proxy sent
SCHEMES = ("http", "https")
MAX_ADDRESS_LENGTH = 54  # of the longest IPv6 address in brackets, with a port
WITH_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")


class TrustedProxies:
    """WSGI application behind a number of proxies, the last in one of these networks."""

    def __init__(self, app: WSGIApplication, hops: int, networks: Iterable[str]) -> None:
        self._app = app
        self._behind_proxies = ProxyFix(self._checked, x_for=hops, x_proto=hops, x_host=hops)
        self._networks = [ipaddress.ip_network(each) for each in networks] if hops else []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on, with proxy headers only from trusted proxies."""
        environ[PASSED_ON] = _has_traces(environ)
        environ.pop("HTTP_UPGRADE", None)  # no route is a WebSocket's; the wish may be ignored
        if self._is_ours(environ.get("REMOTE_ADDR", "")):
            return self._behind_proxies(environ, start_response)
        for name in FORWARDED:
            environ.pop(name, None)
        return self._app(environ, start_response)

    def _checked(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Return the application's response, with only plausible proxy headers passed on."""
        direct = environ["werkzeug.proxy_fix.orig"]
        scheme = environ["wsgi.url_scheme"].lower()
        environ["wsgi.url_scheme"] = scheme if scheme in SCHEMES else direct["wsgi.url_scheme"]
        address = _address_in(environ.get("REMOTE_ADDR", ""))
        environ["REMOTE_ADDR"] = address or direct["REMOTE_ADDR"]
        return self._app(environ, start_response)

    def _is_ours(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            return any(address.ipv4_mapped in network for network in self._networks)
        return any(address in network for network in self._networks)


def _has_traces(environ: WSGIEnvironment) -> bool:
    """Return whether a proxy seems to have sent this; nginx's default is HTTP/1.0, no browser's."""
    return environ.get("SERVER_PROTOCOL") == "HTTP/1.0" or any(name in environ for name in TRACES)


def _address_in(text: str) -> str:
    """Return the IP address a proxy names, perhaps with a port; "" if invalid."""
    if len(text) > MAX_ADDRESS_LENGTH:
        return ""
    with_port = WITH_PORT.fullmatch(text)
    plain = (with_port[1] or with_port[2]) if with_port else text
    try:
        return str(ipaddress.ip_address(plain)) if "%" not in plain else ""
    except ValueError:
        return ""
