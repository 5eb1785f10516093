"""The agent: connect, read, close, and then send. Sage's user is in use only while it reads."""

from __future__ import annotations

import hashlib
import platform
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from crmlink.hosts import Host
from crmlink.sources.api import bounded_session, exchange, wait_until
from crmlink.sources.errors import AgentFailed, SourceUnreachable, SourceUnreadable
from crmlink.sources.sage_50.ledgers import Connection, read_ledgers
from crmlink.store.base import utc_now
from crmlink.strict_json import NotJSON, read_json

PATH = "/api/v1/sources/sage_50/contacts"
PART_SIZE = 500  # contacts
MAX_TRIES = 6
MAX_WAIT = 300.0  # seconds between two tries
PASSING = (429, 502, 503, 504)
LOGIN_SECONDS = 30


class ClosableConnection(Connection, Protocol):
    """A connection of PEP 249."""

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, slots=True)
class SageData:
    """Where Sage's data is: the name of a data source, or a driver with a folder."""

    user: str
    password: str = field(repr=False)
    dsn: str = ""
    driver: str = ""
    folder: str = ""

    @property
    def connection_string(self) -> str:
        """Return the connection string of ODBC; values cannot add other settings."""
        place = {"DSN": self.dsn} if self.dsn else {"Driver": self.driver, "DIR": self.folder}
        parts = place | {"UID": self.user, "PWD": self.password}
        return ";".join(f"{name}={_quoted(value)}" for name, value in parts.items())

    @property
    def identity(self) -> str:
        """Return what tells this data from other data: a hash of its computer and place."""
        place = "\0".join((platform.node(), self.dsn or self.folder.rstrip("\\/")))
        return hashlib.sha256(place.casefold().encode(errors="replace")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Destination:
    """Which crmlink the contacts are sent to, with a token, and as which company's.

    ``data`` is the identity of the company's data, "" if it is not known; ``has_moved`` if that is
    another one than before.
    """

    address: str
    token: str = field(repr=False)
    company: str
    data: str = ""
    has_moved: bool = False

    def require_safe(self) -> None:
        """Raise AgentFailed unless the token would travel encrypted, or on this computer alone.

        Nor is anything sent that cannot be a token.
        """
        try:
            parts = urlsplit(self.address)
        except ValueError:
            parts = urlsplit("")
        host = Host.from_text(parts.netloc)
        is_local = host is not None and host.is_loopback and parts.scheme == "http"
        if host is None or not (parts.scheme == "https" or is_local):
            raise AgentFailed("unsafe-address")
        if not re.fullmatch(r"[!-~]+", self.token):  # what a header can carry
            raise AgentFailed("token")


def connect_by_odbc(data: SageData) -> ClosableConnection:
    """Return a connection by ODBC. Raises AgentFailed."""
    try:
        import pyodbc
    except ImportError:
        raise AgentFailed("no-pyodbc") from None
    try:
        connection: ClosableConnection = pyodbc.connect(
            data.connection_string, timeout=LOGIN_SECONDS
        )
    except pyodbc.Error as error:
        state = str(error.args[0])[:5] if error.args else ""
        raise AgentFailed(
            "not-opened", state=state
        ) from None  # its text has the connection's settings
    return connection


def read_contacts(connect: Callable[[], ClosableConnection]) -> list[dict[str, Any]]:
    """Return all contacts; the connection is closed when they are read. Raises AgentFailed."""
    try:
        with closing(connect()) as connection:
            return list(read_ledgers(connection))
    except AgentFailed:
        raise
    except Exception as error:  # a driver has errors of its own
        name = type(error).__name__
        raise AgentFailed("not-read", error=name) from None


def send_contacts(
    destination: Destination,
    contacts: Sequence[Mapping[str, Any]],
    wait: Callable[[float], object] = time.sleep,
) -> int:
    """Send a complete list in parts; return how many contacts crmlink has of it.

    Raises AgentFailed. What was sent is kept, and the next list begins anew.
    """
    destination.require_safe()
    if not contacts:
        raise AgentFailed("empty")
    session, reading = bounded_session(destination.address), uuid.uuid4().hex
    session.headers["Authorization"] = f"Bearer {destination.token}"
    received = 0
    for start in range(0, len(contacts), PART_SIZE):
        document = _sent(
            session,
            destination,
            {
                "company": destination.company,
                "data": destination.data,
                "moved": destination.has_moved,
                "reading": reading,
                "part": start // PART_SIZE + 1,
                "last": start + PART_SIZE >= len(contacts),
                "contacts": list(contacts[start : start + PART_SIZE]),
            },
            wait,
        )
        received = document.get("contacts", 0)
    return int(received)


def _sent(
    session: requests.Session,
    destination: Destination,
    part: Mapping[str, Any],
    wait: Callable[[float], object],
) -> Mapping[str, Any]:
    """Return crmlink's answer to a part; a fault that passes is waited for."""
    url = destination.address.rstrip("/") + PATH
    for attempt in range(MAX_TRIES):
        pause = min(2.0**attempt, MAX_WAIT)
        try:
            reply = exchange(session, "POST", url, json=part)
        except SourceUnreachable:
            wait(pause)
            continue
        except SourceUnreadable:
            raise AgentFailed("refused", what="an answer that isn't crmlink's") from None
        if reply.status_code not in PASSING:
            return _document(reply)
        if "Retry-After" in reply.headers:
            pause = min((wait_until(reply) - utc_now()).total_seconds(), MAX_WAIT)
        wait(pause)
    raise AgentFailed("no-answer")


def _document(reply: requests.Response) -> Mapping[str, Any]:
    try:
        document = read_json(reply.content)
    except NotJSON:
        document = None
    if reply.status_code == 200 and isinstance(document, Mapping):
        return document
    if reply.status_code in (401, 403):
        raise AgentFailed("token")
    detail = document.get("detail") if isinstance(document, Mapping) else None
    what = detail if isinstance(detail, str) else f"status {reply.status_code}"
    raise AgentFailed("refused", what=what[:300])


def _quoted(value: str) -> str:
    return "{" + value.replace("}", "}}") + "}"
