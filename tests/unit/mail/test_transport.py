"""Handing an email over: what real servers accept, and what each of their faults is called."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crmlink.deadline import Deadline
from crmlink.mail import transport
from crmlink.mail.addresses import mailbox, refusal
from crmlink.mail.server import InvalidMailServer, MailServer, Security
from crmlink.mail.transport import Envelope, MailProblem, deliver
from support.mail_servers import DROP, HANG, Certificates, FaultyMailServer, mail_server
from support.ports import HeldPort

ENVELOPE = Envelope("crmlink@firm.example", "kim@firm.example", "crmlink.firm.example")
CONTENT = b"Subject: A test\r\n\r\n.A line that begins with a dot\r\n..\r\nThe end\r\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("mail"))


def problem(
    server: MailServer, committing: Callable[[], None] = lambda: None, seconds: float = 10
) -> tuple[str, str]:
    """The code of what went wrong, and the server's reply code."""
    with pytest.raises(MailProblem) as caught:
        deliver(server, ENVELOPE, CONTENT, committing, seconds=seconds)
    return caught.value.code, caught.value.reply


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
@pytest.mark.parametrize("only", ["PLAIN", "LOGIN"])
def test_an_email_goes_by_each_way_with_an_account(
    certificates: Certificates, security: Security, only: str
) -> None:
    with mail_server(security, certificates, account=True, only=only) as (server, received):
        deliver(server, ENVELOPE, CONTENT)
    assert received.recipients == ["kim@firm.example"]
    assert received.raw == [CONTENT]


def test_an_email_goes_unencrypted_on_this_computer() -> None:
    with mail_server() as (server, received):
        deliver(server, ENVELOPE, CONTENT)
    assert received.raw == [CONTENT]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_certificate_that_is_not_trusted_or_of_another_name_gets_nothing(
    certificates: Certificates, security: Security, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, *more: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host == "other.firm.example" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with mail_server(security, certificates) as (server, received):
        assert problem(replace(server, ca_file=None)) == ("certificate", "")
        assert problem(replace(server, host="other.firm.example")) == ("certificate", "")
    assert not received.raw


def test_encryption_that_is_not_offered_is_not_done_without(certificates: Certificates) -> None:
    with FaultyMailServer() as faulty:
        asked = replace(faulty.server, security=Security.STARTTLS)
        assert problem(asked) == ("starttls-missing", "")
        assert not any(line.startswith(("AUTH", "MAIL")) for line in faulty.commands)
    with FaultyMailServer(
        EHLO="250-mail.firm.example\r\n250 STARTTLS", STARTTLS="502 5.5.1 Not now"
    ) as faulty:
        asked = replace(faulty.server, security=Security.STARTTLS)
        assert problem(asked) == ("starttls-missing", "502 5.5.1")


def test_what_comes_with_the_answer_to_starttls_is_no_part_of_the_encrypted_talk(
    certificates: Certificates,
) -> None:
    injected = "220 Ready\r\n250-mail.firm.example\r\n250 AUTH LOGIN"
    with FaultyMailServer(
        EHLO="250-mail.firm.example\r\n250 STARTTLS", STARTTLS=injected
    ) as faulty:
        asked = replace(faulty.server, security=Security.STARTTLS)
        assert problem(asked)[0] in ("tls-failed", "dropped")
        assert not any(line.startswith(("AUTH", "MAIL")) for line in faulty.commands)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"GREETING": DROP}, ("dropped", "")),
        ({"GREETING": "HTTP/1.1 400 Bad Request"}, ("not-smtp", "")),
        ({"GREETING": "421 4.3.2 Closing"}, ("busy", "421 4.3.2")),
        ({"GREETING": "554 5.7.1 Not you"}, ("not-smtp", "554 5.7.1")),
        ({"EHLO": DROP}, ("dropped", "")),
        ({"MAIL": "550 5.7.1 anna@firm.example may not send"}, ("sender-refused", "550 5.7.1")),
        ({"MAIL": "530 5.7.0 Sign in"}, ("login-needed", "530 5.7.0")),
        ({"MAIL": "451 4.3.0 Later"}, ("busy", "451 4.3.0")),
        ({"RCPT": "550 5.1.1 No such person"}, ("recipient-refused", "550 5.1.1")),
        ({"RCPT": "450 Greylisted"}, ("busy", "450")),
        ({"RCPT": DROP}, ("dropped", "")),
        ({"DATA": "554 5.5.1 No"}, ("message-refused", "554 5.5.1")),
        ({"DOT": "554 5.6.0 Spam"}, ("message-refused", "554 5.6.0")),
        ({"DOT": "452 4.3.1 Full"}, ("busy", "452 4.3.1")),
        ({"DOT": DROP}, ("unclear", "")),
    ],
)
def test_each_fault_has_a_name_and_nothing_of_the_servers_words(
    answers: dict[str, str], expected: tuple[str, str]
) -> None:
    handed_over: list[bool] = []
    with FaultyMailServer(**answers) as faulty:
        committing = lambda: handed_over.append(True)  # noqa: E731
        assert problem(faulty.server, committing) == expected
    assert bool(handed_over) is ("DOT" in answers)


def test_half_an_email_is_none() -> None:
    with FaultyMailServer(BODY=DROP) as faulty:
        code, _ = problem(faulty.server)
        assert code in ("dropped", "unclear")  # the kernel may take a few lines more
        assert not faulty.received.raw


@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "RCPT", "DATA"])
def test_a_server_that_is_silent_ends_at_the_deadline(stage: str) -> None:
    with FaultyMailServer(**{stage: HANG}) as faulty:
        assert problem(faulty.server, seconds=0.5) == ("timed-out", "")
    assert not faulty.received.raw


def test_a_server_that_sends_a_byte_now_and_then_ends_at_the_deadline_too() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Event()

    def dribble() -> None:
        connection, _ = listening.accept()
        with suppress(OSError), connection:
            while not stopping.wait(0.05):
                connection.sendall(b"2")

    threading.Thread(target=dribble, daemon=True).start()
    server = MailServer(
        "127.0.0.1", listening.getsockname()[1], Security.NONE, sender="a@firm.example"
    )
    assert problem(server, seconds=0.5) == ("timed-out", "")
    stopping.set()
    listening.close()


def test_silence_after_the_end_of_an_email_leaves_its_fate_unclear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The deadline comes once the server has the email, however slow this computer is."""
    deadline = Deadline(60)
    monkeypatch.setattr(transport, "Deadline", lambda _: deadline)
    with FaultyMailServer(DOT=HANG) as faulty, ThreadPoolExecutor(1) as pool:

        def expire() -> None:
            assert faulty.received.arrived.wait(60)
            deadline._expire()

        expired = pool.submit(expire)
        assert problem(faulty.server) == ("unclear", "")
        expired.result()
        assert len(faulty.received.raw) == 1


def test_silence_without_a_deadline_is_a_time_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "STEP_SECONDS", 0.2)
    with FaultyMailServer(RCPT=HANG) as faulty:
        assert problem(faulty.server) == ("timed-out", "")


def test_an_email_is_not_ended_when_its_state_could_not_be_stored() -> None:
    class NotStored(Exception):
        pass

    with FaultyMailServer() as faulty:

        def fail() -> None:
            if not faulty.received.arrived.wait(0.5):
                raise NotStored

        with pytest.raises(NotStored):
            deliver(faulty.server, ENVELOPE, CONTENT, fail)
        assert not faulty.received.raw


def test_a_wrong_password_is_told_from_a_server_without_accounts() -> None:
    with FaultyMailServer(AUTH="535 5.7.8 for anna") as faulty:
        assert problem(faulty.with_account()) == ("login-refused", "535 5.7.8")
    with FaultyMailServer(EHLO="250 mail.firm.example") as faulty:
        assert problem(faulty.with_account()) == ("login-missing", "")


def test_a_wrong_way_to_encrypt_is_said(certificates: Certificates) -> None:
    with FaultyMailServer() as faulty:
        asked = replace(faulty.server, security=Security.TLS)
        assert problem(asked)[0] == "tls-failed"


def test_nothing_there_is_no_route_and_no_name_an_unknown_host() -> None:
    held = HeldPort()
    server = MailServer("127.0.0.1", held.number, Security.NONE, sender="a@firm.example")
    assert problem(server) == ("no-route", "")
    assert problem(replace(server, host="mail.invalid")) == ("unknown-host", "")
    held.close()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("127.0.0.1", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("192.168.1.5", None),
        ("fd12::5", None),
        ("8.8.8.8", None),
        ("169.254.169.254", "address-forbidden"),
        ("::ffff:169.254.169.254", "address-forbidden"),
        ("64:ff9b::a9fe:a9fe", "address-forbidden"),
        ("fe80::1%eth0", "address-forbidden"),
        (str(ipaddress.IPv4Address(0)), "address-forbidden"),
        ("::", "address-forbidden"),
        ("224.0.0.1", "address-forbidden"),
        ("255.255.255.255", "address-forbidden"),
    ],
)
def test_which_computers_may_be_the_mail_server(address: str, code: str | None) -> None:
    assert refusal(address, unencrypted=False, with_password=False) == code


@pytest.mark.parametrize(
    ("address", "with_password", "code"),
    [
        ("127.0.0.1", True, None),
        ("192.168.1.5", False, None),
        ("192.168.1.5", True, "address-unencrypted"),
        ("8.8.8.8", False, "address-unencrypted"),
        ("::ffff:8.8.8.8", False, "address-unencrypted"),
    ],
)
def test_unencrypted_emails_stay_in_the_office(
    address: str, with_password: bool, code: str | None
) -> None:
    assert refusal(address, unencrypted=True, with_password=with_password) == code


def test_a_name_that_leads_to_a_forbidden_address_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 25))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    server = MailServer("mail.firm.example", 25, Security.STARTTLS, sender="a@firm.example")
    assert problem(server) == ("address-forbidden", "")


@pytest.mark.parametrize(
    ("email", "found"),
    [
        ("kim@firm.example", "kim@firm.example"),
        ("kim+x@firm.example", "kim+x@firm.example"),
        ("kim@münchen.example", "kim@xn--mnchen-3ya.example"),
        ("kim@firm.example\r\nRCPT TO:<eve@x.example>", None),
        ("kim\n@firm.example", None),
        ("kim@firm.example,eve@x.example", None),
        ("kim,eve@x.example", None),
        ("kim>@firm.example", None),
        ("kim\x00@firm.example", None),
        ("(kim)@firm.example", None),
        ('"kim eve"@firm.example', None),
        ("vivİ@firm.example", None),
        ("k..im@firm.example", None),
        ("kim@firm..example", None),
        ("kim@[127.0.0.1]", None),
        ("kim", None),
        ("", None),
        ("k" * 65 + "@firm.example", None),
    ],
)
def test_addresses_that_are_more_than_one_address_are_not_written_to(
    email: str, found: str | None
) -> None:
    assert mailbox(email) == found


GOOD = {"host": "mail.firm.example", "port": 587, "security": Security.STARTTLS}


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"host": ""}, {"host": "host"}),
        ({"host": "mail.firm.example:25"}, {"host": "host"}),
        ({"host": "mail firm"}, {"host": "host"}),
        ({"host": "mail\r\nx"}, {"host": "host"}),
        ({"host": str(ipaddress.IPv4Address(0))}, {"host": "host"}),
        ({"port": 0}, {"port": "port"}),
        ({"port": 70000}, {"port": "port"}),
        ({"sender": "crmlink"}, {"sender": "sender"}),
        ({"sender": "a@b.example\nBcc: x@y.example"}, {"sender": "sender"}),
        ({"sender_name": "Firm\r\nBcc: x@y.example"}, {"sender_name": "text"}),
        ({"username": "a\nb", "password": "x"}, {"username": "text"}),
        ({"username": "a"}, {"password": "password-missing"}),
        ({"password": "a"}, {"username": "username-missing"}),
        (
            {"security": Security.NONE, "username": "a", "password": "b"},
            {"security": "password-unencrypted"},
        ),
    ],
)
def test_a_mail_server_that_is_unsafe_or_no_server_is_refused(
    fields: dict[str, object], errors: dict[str, str]
) -> None:
    with pytest.raises(InvalidMailServer) as refused:
        MailServer(**{"sender": "crmlink@firm.example", **GOOD, **fields})  # type: ignore[arg-type]
    assert refused.value.errors == errors


def test_a_mail_server_shows_no_secrets_and_warns_of_unencrypted_ways(tmp_path: Path) -> None:
    server = MailServer(
        "mail.firm.example", 587, Security.STARTTLS, "anna", "a secret", "crmlink@firm.example"
    )
    assert "a secret" not in repr(server)
    assert "anna" not in repr(server)
    assert not server.needs_warning
    assert MailServer("192.168.1.5", 25, Security.NONE, sender="crmlink@firm.example").needs_warning
    assert MailServer("::1", 25, Security.NONE, sender="a@firm.example").host == "::1"
