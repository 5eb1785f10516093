"""The accounting packages that can be read: their addresses, and how one signs in to each.

The addresses are those of the makers' public documents; `CRMLINK_SOURCE_ADDRESSES` changes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal
from urllib.parse import urlsplit

from crmlink.hosts import Host

ClientAuth = Literal["none", "client_secret_basic", "client_secret_post"]


class UnsafeAddress(Exception):
    """There is no such address, or it is neither https nor of this computer."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses of one package, without a trailing slash; empty where it has none."""

    authorise: str
    token: str
    api: str
    revoke: str = ""

    @property
    def api_origin(self) -> str:
        """Scheme and host of the API, the only ones that are asked for contacts."""
        return origin(self.api)


@dataclass(frozen=True, slots=True)
class SourcePackage:
    """One package; ``pkce`` where its sign-in knows the proof key of RFC 7636.

    With less than ``needed_scope`` a sign-in is of no use. ``calls_per_run`` bounds the calls of a
    minute, below the package's own limit. One that ``asks_each_time`` has a session in place of
    OAuth, which is kept nowhere; ``token`` is then the address of its session.
    """

    id: str
    addresses: Addresses
    scope: str = ""
    needed_scope: frozenset[str] = frozenset()
    client_auth: ClientAuth = "client_secret_basic"
    calls_per_run: int = 50
    pkce: bool = False
    asks_each_time: bool = False

    @property
    def has_secret(self) -> bool:
        """Whether the office gets a client secret too."""
        return self.client_auth != "none"


_PACKAGES = (
    SourcePackage(
        "xero",
        Addresses(
            "https://login.xero.com/identity/connect/authorize",
            "https://identity.xero.com/connect/token",
            "https://api.xero.com",
        ),
        scope="accounting.contacts.read offline_access",
        needed_scope=frozenset({"accounting.contacts.read"}),
        client_auth="none",
        pkce=True,
    ),
    SourcePackage(
        "freeagent",
        Addresses(
            "https://api.freeagent.com/v2/approve_app",
            "https://api.freeagent.com/v2/token_endpoint",
            "https://api.freeagent.com",
        ),
        calls_per_run=100,
    ),
    SourcePackage(
        "sage_business_cloud",
        Addresses(
            "https://www.sageone.com/oauth2/auth/central?filter=apiv3.1",
            "https://oauth.accounting.sage.com/token",
            "https://api.accounting.sage.com",
            "https://oauth.accounting.sage.com/revoke",
        ),
        scope="readonly",
        client_auth="client_secret_post",
        calls_per_run=80,
    ),
    SourcePackage(
        "quickbooks_online",
        Addresses(
            "https://appcenter.intuit.com/connect/oauth2",
            "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
            "https://quickbooks.api.intuit.com",
            "https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
        ),
        scope="com.intuit.quickbooks.accounting",
        calls_per_run=200,
    ),
    SourcePackage(
        "kashflow",
        Addresses("", "https://api.kashflow.com/v2/sessiontoken", "https://api.kashflow.com"),
        asks_each_time=True,
    ),
)
PACKAGES: Mapping[str, SourcePackage] = {package.id: package for package in _PACKAGES}
PackageAddresses = Mapping[str, Mapping[str, str]]


def origin(url: str) -> str:
    """Return the scheme, host and port of a URL, in one form; "" if it is not one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or parts.username is not None:
        return ""
    host = Host.from_text(parts.netloc)
    return host.address(parts.scheme) if host else ""


def is_issuer(package: SourcePackage, issuer: str) -> bool:
    """Return whether an issuer of RFC 9207 is the package's: at an address or a domain of its own.

    Not every maker publishes its issuer, so the whole domain is taken.
    """
    own = package.addresses
    origins = {origin(url) for url in (own.authorise, own.token, own.api)}
    given = origin(issuer)
    host = Host.from_text(urlsplit(given).netloc)
    if not given or host is None:
        return False
    domains = {".".join(urlsplit(each).netloc.split(".")[-2:]) for each in origins}
    is_below = any(f".{host.name}".endswith(f".{each}") for each in domains)
    return given in origins or (given.startswith("https://") and is_below)


def with_addresses(changes: PackageAddresses) -> dict[str, SourcePackage]:
    """Return the packages with an operator's addresses. Raises UnsafeAddress."""
    packages = dict(PACKAGES)
    for package_id, addresses in changes.items():
        package = packages.get(package_id)
        names = {field.name for field in fields(Addresses)}
        if package is None or not names >= addresses.keys():
            raise UnsafeAddress
        for url in addresses.values():
            _require_safe(url)
        cleaned = {name: url.rstrip("/") for name, url in addresses.items()}
        packages[package_id] = replace(package, addresses=replace(package.addresses, **cleaned))
    return packages


def _require_safe(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:  # half of an IPv6 address
        raise UnsafeAddress from None
    host = Host.from_text(parts.netloc)
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host.is_loopback)):
        raise UnsafeAddress
