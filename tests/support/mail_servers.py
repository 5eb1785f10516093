"""Real mail servers for tests: one that takes emails, and one that fails where it is told to."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from crmlink.mail.server import MailServer, Security
from crmlink.upkeep.local_certificates import AUTHORITY, SERVER, SERVER_KEY, make_certificate
from support.ports import HeldPort

USER, PASSWORD = "crmlink@firm.example", "a £ sign, too"
DROP, HANG = "drop", "hang"  # instead of a reply


@dataclass
class Received:
    """Emails that a server accepted, with whom they were for."""

    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.add(envelope.content, envelope.rcpt_tos[0])
        return "250 2.0.0 Accepted"

    def add(self, content: bytes, recipient: str) -> None:
        parsed = message_from_bytes(content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        self.recipients.append(recipient)
        self.raw.append(content)
        self.arrived.set()


@dataclass(frozen=True)
class Certificates:
    """Files of a certificate for localhost, and of the authority that signed it."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        return cls(make_certificate(folder, ["mail.firm.example"], replace=False).folder)

    @property
    def authority(self) -> Path:
        return self.folder / AUTHORITY

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / SERVER, self.folder / SERVER_KEY)
        return context


def both_texts(message: EmailMessage) -> tuple[str, str]:
    """The plain text and the HTML of an email."""
    plain, html = (str(part.get_content()) for part in message.iter_parts())
    return plain, html


def _authenticate(_server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any) -> Any:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=good, handled=good)


@contextmanager
def mail_server(
    security: Security = Security.NONE,
    certificates: Certificates | None = None,
    *,
    account: bool = False,
    only: str = "",
) -> Iterator[tuple[MailServer, Received]]:
    """A mail server of aiosmtpd, and how to reach it; ``only`` is the one way to sign in there."""
    received = Received()
    context = certificates.context() if certificates else None
    more: dict[str, Any] = {}
    if account:
        excluded = [name for name in ("PLAIN", "LOGIN") if only and name != only]
        more = {
            "authenticator": _authenticate,
            "auth_required": True,
            "auth_require_tls": security is Security.STARTTLS,
            "auth_exclude_mechanism": excluded,
        }
    if security is Security.STARTTLS:
        more |= {"tls_context": context, "require_starttls": True}
    held = HeldPort()
    controller = Controller(
        received,
        hostname="127.0.0.1",
        port=held.number,
        ssl_context=context if security is Security.TLS else None,
        ready_timeout=20,
        **more,
    )
    controller.start()
    try:
        yield (
            MailServer(
                "localhost" if account or context else "127.0.0.1",
                controller.port,
                security,
                USER if account else "",
                PASSWORD if account else "",
                "crmlink@firm.example",
                "crmlink",
                certificates.authority if certificates else None,
            ),
            received,
        )
    finally:
        controller.stop()
        held.close()


class FaultyMailServer:
    """A mail server that answers a command as it is told to, and as usual else.

    ``answers`` has a reply, DROP or HANG by the first word of a command, GREETING, or DOT for the
    end of an email. ``commands`` is all that it was sent.
    """

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.received = Received()
        self.commands: list[str] = []
        self._stopping = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def server(self) -> MailServer:
        port = int(self._listening.getsockname()[1])
        return MailServer("127.0.0.1", port, Security.NONE, sender="crmlink@firm.example")

    def with_account(self) -> MailServer:
        return replace(self.server, host="localhost", username=USER, password=PASSWORD)

    def __enter__(self) -> FaultyMailServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._listening.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            with suppress(OSError):
                connection, _ = self._listening.accept()
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with suppress(OSError, _Dropped), connection, connection.makefile("rb") as lines:
            self._reply(connection, "GREETING", "220 mail.firm.example ESMTP")
            recipient = ""
            for line in lines:
                command = line.decode("ascii", "replace").strip()
                self.commands.append(command)
                word = command.split(" ")[0].upper()
                if word == "RCPT":
                    recipient = command.partition("<")[2].rstrip(">")
                usual = {
                    "EHLO": "250-mail.firm.example\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
                    "AUTH": "235 2.7.0 Welcome",
                    "DATA": "354 Go ahead",
                    "QUIT": "221 2.0.0 Bye",
                }.get(word, "250 2.0.0 OK")
                self._reply(connection, word, usual)
                if word == "DATA" and self.answers.get("DATA", "354").startswith("354"):
                    self._read_email(connection, lines, recipient)

    def _read_email(self, connection: socket.socket, lines: Any, recipient: str) -> None:
        if self.answers.get("BODY") == DROP:
            connection.shutdown(socket.SHUT_RDWR)
            raise _Dropped
        content = b""
        for line in lines:
            if line == b".\r\n":
                break
            content += line.removeprefix(b".")
        else:
            raise _Dropped  # half an email is none
        answer = self.answers.get("DOT", "250")
        if answer in (DROP, HANG) or answer.startswith("2"):
            self.received.add(content, recipient)
        self._reply(connection, "DOT", "250 2.0.0 Accepted")

    def _reply(self, connection: socket.socket, stage: str, usual: str) -> None:
        answer = self.answers.get(stage, usual)
        if answer == HANG:
            self._stopping.wait(60)
            raise _Dropped
        if answer == DROP:
            raise _Dropped
        connection.sendall(answer.encode() + b"\r\n")


class _Dropped(Exception):
    """The connection ends here."""
