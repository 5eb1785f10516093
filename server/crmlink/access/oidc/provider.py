"""Single sign-on provider; rejects addresses that would leak a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from crmlink.hosts import is_loopback


class UnsafeIssuer(ValueError):
    """A secret must not be sent to this address; the message is a sentence with the reason."""


@dataclass(frozen=True)
class OidcProvider:
    """An OpenID Connect provider, and crmlink's account there; ``name`` is for display.

    The repr does not show the secret. Raises UnsafeIssuer.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str = ""

    def __post_init__(self) -> None:
        if not is_safe_issuer(self.issuer):
            raise UnsafeIssuer(
                "The issuer must be an address that starts with https://, without a query: over "
                "http, others on the network could sign in as anyone."
            )
        if not self.name:
            object.__setattr__(self, "name", urlsplit(self.issuer).hostname or "")


def is_safe_issuer(address: object) -> bool:
    """Return whether secrets may be sent to an address: https, or this computer."""
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    secret = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    return bool(host) and plain and secret
