"""Test of an address: whether this very server answers there, asked from its own computer.

The test sends a health check with a number that only this process knows, or the processes that
share a PostgreSQL database. What else may answer at the address, another crmlink too, cannot make
the number known here.
"""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socket import SOCK_STREAM, getaddrinfo
from typing import Literal
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from crmlink.hosts import DEFAULT_PORTS, Host
from crmlink.settings import Settings
from crmlink.store import Database
from crmlink.upkeep.local_certificates import trusting_context
from crmlink.web.hosts import listening_host
from crmlink.web.shared_counts import SharedCounts

PROBE_HEADER = "X-Crmlink-Probe"
PROBE_PATH = "/healthz"  # is answered for any host
PROBE_TTL = 60  # seconds that other processes know a number
TIMEOUT = 5.0  # seconds for connecting, and again for the response
Outcome = Literal[
    "malformed", "own-computer", "unknown-name", "listens-here-only", "other-port", "nothing",
    "no-answer", "untrusted", "no-https", "needs-https", "other", "busy", "name-means-here",
    "reached",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reach:
    """What became of a test; ``pages.public_address`` puts it into words."""

    outcome: Outcome
    address: str
    host: str = ""
    port: int = 0
    own_port: int = 0
    cause: str = ""


@dataclass
class Probes:
    """Numbers that this process sent, and those that came back to it."""

    _seen: dict[str, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    running: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def number(self) -> Iterator[str]:
        """Give a new number, which is known until the end of the block."""
        number = secrets.token_urlsafe(32)
        with self._lock:
            self._seen[number] = False
        try:
            yield number
        finally:
            with self._lock:
                del self._seen[number]

    def notice(self, number: str | None) -> None:
        """Mark a number that came in, if it is one of these."""
        with self._lock:
            if number in self._seen:
                self._seen[number] = True

    def came_back(self, number: str) -> bool:
        """Return whether this process was asked with the number."""
        with self._lock:
            return self._seen[number]


@dataclass
class SharedProbes(Probes):
    """Numbers that any process sent; another process may be asked with them."""

    counts: SharedCounts = field(kw_only=True)

    @contextmanager
    def number(self) -> Iterator[str]:
        """Give a new number, which is known for a minute."""
        number = secrets.token_urlsafe(32)
        self.counts.incr(_key(number), PROBE_TTL)
        yield number

    def notice(self, number: str | None) -> None:
        """Mark a number that came in, if it is one of these."""
        if number is None:
            return
        with suppress(SQLAlchemyError):  # a health check asks for the process alone
            if self.counts.get(_key(number)):
                self.counts.incr(_key(number), PROBE_TTL)

    def came_back(self, number: str) -> bool:
        """Return whether a process was asked with the number."""
        return self.counts.get(_key(number)) > 1


def _key(number: str) -> str:
    return f"probe {hashlib.sha256(number.encode()).hexdigest()}"


def init_probes(app: Flask, database: Database) -> None:
    """Let this application recognise itself."""
    shared = database.is_shared
    app.extensions["crmlink_probes"] = (
        SharedProbes(counts=SharedCounts("", database=database)) if shared else Probes()
    )


def notice_probe() -> None:
    """Notice a test's number on the current request."""
    _probes().notice(request.headers.get(PROBE_HEADER))


def try_address(settings: Settings, text: str) -> Reach:
    """Return whether this process answers at an address, or why not."""
    text = text.strip()
    scheme, host = _parse(text)
    if host is None:
        return Reach("malformed", text)
    own = listening_host(current_app)
    port = host.port or DEFAULT_PORTS[scheme]
    outcome, cause = _try(settings, scheme, host, port)
    if outcome == "nothing" and own is not None:
        if own.is_loopback and not settings.trusted_proxies:
            outcome = "listens-here-only"
        elif own.port != port:
            outcome = "other-port"
    own_port = own.port or 0 if own else 0
    return Reach(outcome, host.address(scheme), host.name, port, own_port, cause)


def _parse(text: str) -> tuple[str, Host | None]:
    """Return the scheme and host of an address; None if it is not one that people can type."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "", None
    host = Host.from_text(parts.netloc)
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    if host is None or host.is_unspecified or parts.scheme not in DEFAULT_PORTS or not plain:
        return "", None
    return parts.scheme, host


def _try(settings: Settings, scheme: str, host: Host, port: int) -> tuple[Outcome, str]:
    if host.is_loopback:
        return "own-computer", ""
    try:
        found = getaddrinfo(host.name, port, type=SOCK_STREAM)
    except (OSError, UnicodeError, OverflowError):
        return "unknown-name", ""
    running = _probes().running
    if not running.acquire(blocking=False):
        return "busy", ""
    try:
        outcome, cause = _ask(settings, scheme, host.name, port)
    finally:
        running.release()
    if outcome == "reached" and all(_is_loopback(str(each[4][0])) for each in found):
        return "name-means-here", ""
    return outcome, cause


def _ask(settings: Settings, scheme: str, name: str, port: int) -> tuple[Outcome, str]:
    """Send the health check; return the outcome, and what a certificate lacks."""
    connection = _connection(settings, scheme, name, port)
    probes = _probes()
    with probes.number() as number:
        try:
            connection.request("GET", PROBE_PATH, headers={PROBE_HEADER: number})
            reply = connection.getresponse()
            location = reply.headers.get("Location", "")
        except ssl.SSLCertVerificationError as error:
            return "untrusted", error.verify_message
        except ssl.SSLError:
            return "no-https", ""
        except TimeoutError:
            # A server without TLS waits for the rest of what it takes for a request.
            has_begun = connection.sock and not isinstance(connection.sock, ssl.SSLSocket)
            return "no-https" if scheme == "https" and has_begun else "no-answer", ""
        except http.client.HTTPException:
            return "other", ""
        except OSError:
            return "nothing", ""
        finally:
            connection.close()
        if probes.came_back(number):
            return "reached", ""
    if scheme == "http" and (settings.tls_cert or location.startswith("https:")):
        return "needs-https", ""
    return "other", ""


def _connection(
    settings: Settings, scheme: str, name: str, port: int
) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(name, port, timeout=TIMEOUT)
    context = trusting_context(settings.data_dir)
    return http.client.HTTPSConnection(name, port, timeout=TIMEOUT, context=context)


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _probes() -> Probes:
    found: Probes = current_app.extensions["crmlink_probes"]
    return found
