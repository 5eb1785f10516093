"""Values of single settings: numbers, addresses, hosts, networks and files."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from environs import Env

from crmlink.browser_extension.archive import Browser
from crmlink.browser_extension.store_links import NotAStoreLink, parse_store_links
from crmlink.hosts import Host
from crmlink.settings.errors import InvalidSettings

LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1/128")
MAX_DIGITS = 9  # of a number


def whole_number(env: Env, name: str, default: int, maximum: int, minimum: int = 1) -> int:
    """Return a number within its limits. Raises InvalidSettings."""
    text = env.str(name, str(default))
    plain = text.isdecimal() and len(text) <= MAX_DIGITS
    if not plain or not minimum <= int(text) <= maximum:
        raise InvalidSettings(f"CRMLINK_{name} must be a whole number from {minimum} to {maximum}.")
    return int(text)


def choice(env: Env, name: str, choices: tuple[str, ...]) -> str:
    """Return one of the choices, the first without one."""
    text = env.str(name, choices[0])
    if text not in choices:
        raise InvalidSettings(f"CRMLINK_{name} must be {' or '.join(choices)}.")
    return text


def public_url(text: str) -> str:
    """Return the public URL without a trailing slash, "" without one. Raises InvalidSettings."""
    if not text:
        return ""
    parts = split_url(text)
    host = Host.from_text(parts.netloc)
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not host or host.is_unspecified or not plain:
        raise InvalidSettings(
            "CRMLINK_PUBLIC_URL must be the address people type to reach crmlink, such as "
            "https://crmlink.firm.example or http://192.168.1.5:8787, with nothing after it."
        )
    return host.address(parts.scheme)


def split_url(text: str) -> SplitResult:
    """Return the parts of an address; all are empty if it has none."""
    try:
        return urlsplit(text)
    except ValueError:  # half of an IPv6 address
        return urlsplit("")


def allowed_host(text: str) -> Host:
    """Return a further host of this server. Raises InvalidSettings."""
    host = Host.from_text(text)
    if host is None or host.is_unspecified:
        raise InvalidSettings(
            f"CRMLINK_ALLOWED_HOSTS: {text!r} isn't a host such as office-server or "
            "192.168.1.5:8787. Leave out http:// and anything after the name."
        )
    return host


def tls_files(env: Env) -> tuple[Path | None, Path | None]:
    """Return the certificate and its key, both or neither. Raises InvalidSettings."""
    names = ("TLS_CERT", "TLS_KEY")
    certificate, key = (Path(text) if (text := env.str(name, "")) else None for name in names)
    if (certificate is None) != (key is None):
        raise InvalidSettings(
            "For https crmlink needs both CRMLINK_TLS_CERT, the certificate's file, and "
            "CRMLINK_TLS_KEY, its key's."
        )
    return certificate, key


def store_links(text: str) -> dict[Browser, str]:
    """Return the extension's pages in stores. Raises InvalidSettings."""
    try:
        return parse_store_links(text)
    except NotAStoreLink as error:
        raise InvalidSettings(
            f"CRMLINK_STORE_LINKS: {error} isn't the extension's page in the Chrome Web Store, "
            "Microsoft Edge Add-ons or Firefox Browser Add-ons."
        ) from error


def backup_dir(text: str) -> Path | None:
    """Return the folder of scheduled backups, None for none. Raises InvalidSettings."""
    if not text:
        return None
    path = folder("BACKUP_DIR", text)
    if not path.is_absolute():
        raise InvalidSettings(
            "CRMLINK_BACKUP_DIR must be a whole path, such as /srv/backups/crmlink."
        )
    return path


def folder(name: str, text: str) -> Path:
    """Return a folder; ~ is the home folder. Raises InvalidSettings."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~ and no such user
        raise InvalidSettings(
            f"CRMLINK_{name}: the home folder in {text!r} isn't known. Give the whole path."
        ) from error


def updates_setting(text: str) -> str:
    """Return where newer releases are; "" for no place. Raises InvalidSettings."""
    if not text or Path(text).is_absolute():
        return text
    parts = split_url(text)
    host = Host.from_text(parts.netloc)
    safe = parts.scheme == "https" or (parts.scheme == "http" and host and host.is_loopback)
    if not host or not safe or parts.query or parts.fragment:
        raise InvalidSettings(
            "CRMLINK_UPDATES must be the https address of a folder with crmlink's releases, or "
            "the whole path of one. Put no name or password into it."
        )
    return text


def networks(text: str) -> tuple[str, ...]:
    """Return networks that the proxy connects from. Raises InvalidSettings."""
    try:
        found = [
            ipaddress.ip_network(network, strict=False)
            for network in text.replace(",", " ").split()
        ]
    except ValueError as error:
        raise InvalidSettings(
            "CRMLINK_PROXY_ADDRESSES must be IP addresses or networks, such as 10.0.0.5 or "
            f"172.18.0.0/16: {error}."
        ) from error
    if not all(network.prefixlen for network in found):
        raise InvalidSettings(
            "CRMLINK_PROXY_ADDRESSES: every address would count as a proxy, so anyone could "
            "pretend to be someone else. Set the proxy's own address."
        )
    return tuple(map(str, found)) or LOOPBACK_NETWORKS


def origin(text: str) -> str:
    """Return the origin of another website. Raises InvalidSettings."""
    parts = split_url(text)
    if (
        not parts.scheme
        or not Host.from_text(parts.netloc)
        or parts.path not in ("", "/")
        or "*" in text
    ):
        raise InvalidSettings(
            f"CRMLINK_CORS_ORIGINS: {text!r} isn't an origin such as https://intranet.example."
        )
    return f"{parts.scheme}://{parts.netloc}"
