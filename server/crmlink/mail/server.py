"""The office's mail server and its credentials; unsafe ones are rejected."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crmlink.hosts import Host
from crmlink.mail.addresses import mailbox

PORTS = (25, 465, 587, 2525)  # of mail; a page can name no others, so it is no port scanner
MAX_LENGTH = 200  # characters of a user name, password or sender's name
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Security(enum.StrEnum):
    """How the connection is encrypted; the last one only inside the office's own network."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


DEFAULT_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


class InvalidMailServer(Exception):
    """Settings are missing or unsafe; ``errors`` has the code of each by its field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class MailServer:
    """A mail server, the account there, and the sender. Raises InvalidMailServer.

    A name or address of any network may be given: many offices have their mail server on their own.
    What it resolves to is checked when connecting, see addresses.py. ``ca_file`` is an authority to
    trust beside the computer's own. The repr shows the server alone.
    """

    host: str
    port: int
    security: Security
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    sender: str = field(default="", repr=False)
    sender_name: str = field(default="", repr=False)
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        errors = {**self._wrong_server(), **self._wrong_account(), **self._wrong_sender()}
        if errors:
            raise InvalidMailServer(errors)

    @property
    def needs_warning(self) -> bool:
        """Whether emails, with links that let people in, cross the network unencrypted."""
        host = Host.from_text(self.host)
        return self.security is Security.NONE and not (host and host.is_loopback)

    def _wrong_server(self) -> dict[str, str]:
        host = Host.from_text(self.host if ":" not in self.host else f"[{self.host}]")
        if host is None or host.port is not None or host.is_unspecified:
            return {"host": "host"}
        return {} if 1 <= self.port <= 65_535 else {"port": "port"}

    def _wrong_account(self) -> dict[str, str]:
        texts = {name: getattr(self, name) for name in ("username", "password", "sender_name")}
        wrong = {
            name: "text"
            for name, text in texts.items()
            if len(text) > MAX_LENGTH or _CONTROL.search(text)
        }
        if wrong:
            return wrong
        if self.password and not self.username:
            return {"username": "username-missing"}
        if self.username and not self.password:
            return {"password": "password-missing"}
        host = Host.from_text(self.host)
        if self.password and self.security is Security.NONE and not (host and host.is_loopback):
            return {"security": "password-unencrypted"}
        return {}

    def _wrong_sender(self) -> dict[str, str]:
        return {} if mailbox(self.sender) else {"sender": "sender"}
