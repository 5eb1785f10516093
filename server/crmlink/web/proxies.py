"""What proxies say of a request counts when it comes from one of ours, and is removed otherwise."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FORWARDED = (
    "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_BY", "HTTP_X_REAL_IP",
)  # fmt: skip


class TrustedProxies:
    """A WSGI application behind so many proxies, the last of which is at one of these networks."""

    def __init__(self, app: WSGIApplication, hops: int, networks: Iterable[str]) -> None:
        self._app = app
        self._behind_proxies = ProxyFix(app, x_for=hops, x_proto=hops, x_host=hops)
        self._networks = [ipaddress.ip_network(each) for each in networks] if hops else []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._is_ours(environ.get("REMOTE_ADDR", "")):
            return self._behind_proxies(environ, start_response)
        for name in FORWARDED:
            environ.pop(name, None)
        return self._app(environ, start_response)

    def _is_ours(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            return any(address.ipv4_mapped in network for network in self._networks)
        return any(address in network for network in self._networks)
