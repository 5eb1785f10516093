"""One email handed to the mail server, within a deadline, and what the server answered.

The server has the email once it has the line with the dot that ends it. That line is sent apart,
after ``committing`` was called: an error before means that it cannot have been accepted, an error
after that it is not known.
"""

from __future__ import annotations

import base64
import contextlib
import re
import selectors
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crmlink.deadline import Deadline, open_within
from crmlink.mail.addresses import refusal
from crmlink.mail.server import MailServer, Security

SECONDS = 30.0  # for one email, whatever the server does
STEP_SECONDS = 15.0  # without a byte from the server
NOT_SIGNED_IN = 530  # also says that STARTTLS has to come first
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?= |$)")
_LINE_START_DOT = re.compile(rb"(?m)^\.")

# Codes of problems that concern the server or the account, so all emails alike
OF_SERVER = frozenset({
    "unknown-host", "address-forbidden", "address-unencrypted", "no-route", "timed-out", "dropped",
    "certificate", "tls-failed", "starttls-missing", "login-missing", "login-needed",
    "login-refused", "sender-refused", "not-smtp", "busy",
})  # fmt: skip
# Those that only a person mends
OF_SETTINGS = frozenset({
    "unknown-host", "address-forbidden", "address-unencrypted", "certificate", "tls-failed",
    "starttls-missing", "login-missing", "login-needed", "login-refused", "sender-refused",
    "not-smtp",
})  # fmt: skip
FINAL = frozenset({"recipient-refused", "message-refused"})


class MailProblem(Exception):
    """An email was not accepted, by a code; ``reply`` is the server's code, such as 535 5.7.8.

    With the code ``unclear`` it may have been accepted. What the server said in words is not kept:
    it may name people, or be of another service than mail.
    """

    def __init__(self, code: str, reply: str = "") -> None:
        super().__init__(code)
        self.code, self.reply = code, reply


@dataclass(frozen=True, slots=True)
class Envelope:
    """Sender and recipient as mail servers take them, and the name this computer gives itself."""

    sender: str
    recipient: str
    own_name: str


def deliver(
    server: MailServer,
    envelope: Envelope,
    content: bytes,
    committing: Callable[[], None] = lambda: None,
    *,
    seconds: float = SECONDS,
) -> None:
    """Hand one email over; ``content`` has lines that end with CR LF. Raises MailProblem.

    What ``committing`` raises is passed on, and nothing was accepted then.
    """
    with Deadline(seconds) as deadline, _failures(deadline):
        connection = _connect(server, envelope.own_name, deadline)
        with contextlib.closing(connection):
            _log_in(connection, server)
            _hand_over(connection, envelope, content, committing, deadline)
            with contextlib.suppress(OSError, smtplib.SMTPException):
                connection.quit()


class _Connection(smtplib.SMTP):
    """SMTP over a socket to a checked address, opened and watched by the deadline."""

    def __init__(self, server: MailServer, own_name: str, deadline: Deadline) -> None:
        self._server, self._deadline = server, deadline
        super().__init__(server.host, server.port, own_name, STEP_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        opened = open_within(lambda: _open(self._server), self._deadline.remaining())
        if opened is None:
            raise MailProblem("timed-out")
        self._deadline.watch(opened)
        if self._server.security is not Security.TLS:
            return opened
        return _tls(self._server).wrap_socket(opened, server_hostname=host)


def _connect(server: MailServer, own_name: str, deadline: Deadline) -> _Connection:
    try:
        connection = _Connection(server, own_name, deadline)
    except smtplib.SMTPConnectError as error:
        if error.smtp_code < 0:
            raise MailProblem("not-smtp") from error
        raise _refused("not-smtp", error.smtp_code, error.smtp_error) from error
    _expect(connection.ehlo(), "not-smtp")
    if server.security is Security.STARTTLS:
        _encrypt(connection, server)
    return connection


def _encrypt(connection: _Connection, server: MailServer) -> None:
    """Begin TLS, or end here: nothing is sent in clear instead."""
    if not connection.has_extn("starttls"):
        raise MailProblem("starttls-missing")
    try:
        connection.starttls(context=_tls(server))
    except smtplib.SMTPResponseException as error:
        raise _refused("starttls-missing", error.smtp_code, error.smtp_error) from error
    _expect(connection.ehlo(), "not-smtp")


def _open(server: MailServer) -> socket.socket:
    """Return a connection to the first address of the server that may be one and answers."""
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise MailProblem("unknown-host") from error
    problem = MailProblem("unknown-host")
    for family, kind, protocol, _, address in found:
        code = refusal(
            str(address[0]),
            unencrypted=server.security is Security.NONE,
            with_password=bool(server.password),
        )
        if code:
            problem = MailProblem(code)
            continue
        opened = socket.socket(family, kind, protocol)
        opened.settimeout(STEP_SECONDS)
        try:
            opened.connect(address)
        except TimeoutError:
            problem = MailProblem("timed-out")
        except OSError:
            problem = MailProblem("no-route")
        else:
            return opened
        opened.close()
    raise problem


def _tls(server: MailServer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if server.ca_file:
        context.load_verify_locations(server.ca_file)
    return context


def _log_in(connection: smtplib.SMTP, server: MailServer) -> None:
    """Sign in by PLAIN or LOGIN in UTF-8; smtplib's own takes ASCII passwords only."""
    if not server.username:
        return
    offered = connection.esmtp_features.get("auth", "").upper().split()
    user, password = server.username.encode(), server.password.encode()
    if "PLAIN" in offered:
        both = _base64(b"\0".join((b"", user, password)))
        code, reply = connection.docmd("AUTH", f"PLAIN {both}")
    elif "LOGIN" in offered:
        code, reply = connection.docmd("AUTH", "LOGIN")
        for secret in (user, password):
            if code == 334:
                code, reply = connection.docmd(_base64(secret))
    else:
        raise MailProblem("login-missing")
    if code != 235:
        raise _refused("login-refused", code, reply)


def _hand_over(
    connection: smtplib.SMTP,
    envelope: Envelope,
    content: bytes,
    committing: Callable[[], None],
    deadline: Deadline,
) -> None:
    _expect(connection.mail(envelope.sender), "sender-refused")
    _expect(connection.rcpt(envelope.recipient), "recipient-refused")
    code, reply = connection.docmd("DATA")
    if code != 354:
        raise _refused("message-refused", code, reply)
    connection.send(_LINE_START_DOT.sub(b"..", content))
    if _has_spoken(connection):  # too early to accept anything: it refuses, or has gone
        raise MailProblem("timed-out" if deadline.expired else "dropped")
    committing()
    try:
        connection.send(b".\r\n")
        code, reply = connection.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise MailProblem("unclear") from error
    _expect((code, reply), "message-refused")


def _has_spoken(connection: smtplib.SMTP) -> bool:
    """Return whether the server has sent something, or closed the connection."""
    if connection.sock is None:
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _expect(answer: tuple[int, bytes], problem: str) -> None:
    code, reply = answer
    if not 200 <= code < 300:
        raise _refused(problem, code, reply)


def _refused(problem: str, code: int, reply: bytes | str) -> MailProblem:
    """Return the problem of a reply; one that starts with 4 is temporary, whatever it is about."""
    if code < 0:
        return MailProblem("dropped")
    if code == NOT_SIGNED_IN:
        problem = "login-needed"
    said = reply.encode("ascii", "replace") if isinstance(reply, str) else reply
    enhanced = _ENHANCED.match(said)
    shown = f"{code} {enhanced[0].decode()}" if enhanced else str(code)
    return MailProblem("busy" if 400 <= code < 500 else problem, shown)


def _base64(secret: bytes) -> str:
    return base64.b64encode(secret).decode()


@contextmanager
def _failures(deadline: Deadline) -> Iterator[None]:
    """Turn errors of sockets, TLS and smtplib into MailProblem."""
    try:
        yield
    except MailProblem as problem:
        if deadline.expired and problem.code in ("dropped", "tls-failed", "not-smtp"):
            raise MailProblem("timed-out") from problem
        raise
    except ssl.SSLCertVerificationError as error:
        raise MailProblem("certificate") from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailProblem("timed-out" if deadline.expired else _code_of(error)) from error


def _code_of(error: BaseException) -> str:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "timed-out"  # smtplib raises another error while it handles this one
    return "tls-failed" if isinstance(error, ssl.SSLError) else "dropped"
