"""The page *Email*: the mail server, test emails, and what is in the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crmlink.installation import Installation, open_installation
from crmlink.mail import server as mail_server_module
from crmlink.mail.server import MailServer, Security
from crmlink.mail.service import MailService
from crmlink.settings import Settings
from crmlink.store import MailMessage, MailSettings, MailState
from crmlink.store.base import utc_now
from pages.emails.staff import PUBLIC_URL, Configure, Staff, messages, send
from support.access_factories import PASSWORD
from support.databases import sqlite_database
from support.mail_servers import PASSWORD as MAIL_PASSWORD
from support.mail_servers import FaultyMailServer
from support.page_client import PageClient, words

FIELDS = {
    "host": "smtp.firm.example",
    "port": "587",
    "security": "starttls",
    "username": "crmlink@firm.example",
    "password": MAIL_PASSWORD,
    "sender": "crmlink@firm.example",
    "sender_name": "crmlink",
}


def test_without_a_mail_server_pages_are_as_they_were(
    admin: PageClient, clerk: PageClient, anonymous: PageClient, sample: Staff
) -> None:
    assert "No mail server is set up" in admin.read("/settings/email")
    assert "Send a test email" not in admin.read("/settings/email")
    assert "Send them the link" not in admin.read("/people")
    assert "Send them the link" not in admin.read(f"/people/{sample.clerk.public_id}")
    assert "weekly summary" not in clerk.read("/account")
    assert "Ask your admin for a one-time link" in anonymous.read("/forgotten")
    assert "person link EMAIL" in anonymous.read("/forgotten")
    assert admin.send("/settings/email/test").status_code == 409
    reply = admin.send("/people", name="Kim", email="kim@x.example", role="clerk", by_email="yes")
    assert "emailing" not in words(reply)


def test_each_wrong_field_is_named_at_once(admin: PageClient, configure: Configure) -> None:
    configure(None)
    wrong = FIELDS | {"host": "no host", "port": "8080", "sender": "crmlink"}
    reply = admin.send("/settings/email", **wrong)
    assert reply.status_code == 422
    for sentence in ("ports 25, 465", "such as smtp.firm.example", "Enter an email address"):
        assert sentence in words(reply)
    said = words(admin.send("/settings/email", **wrong | {"security": "none at all", "port": "x"}))
    assert "Choose STARTTLS" in said
    assert "Enter the port as a number" in said
    assert "Enter an email address" in said
    long = {"username": "u" * 201, "password": "p" * 201, "sender_name": "n" * 201}
    said = words(admin.send("/settings/email", **FIELDS | {"port": "8080"} | long))
    assert said.count("up to 200 characters") == 3


def test_asking_without_a_mail_server_says_how_to_get_back_in(
    anonymous: PageClient, installation: Installation, sample: Staff
) -> None:
    reply = anonymous.send("/forgotten", "/log-in", email=sample.clerk.email)
    assert reply.status_code == 409
    assert "Ask your admin" in words(reply)
    assert messages(installation) == []


def test_a_mail_server_is_entered_and_its_password_never_shown_again(
    admin: PageClient, installation: Installation, configure: Configure
) -> None:
    configure(None)
    assert admin.send("/settings/email", **FIELDS).status_code == 303
    page = admin.get("/settings/email").get_data(as_text=True)
    assert "smtp.firm.example" in page
    assert MAIL_PASSWORD not in page
    with installation.database.reading() as session:
        kept = session.query(MailSettings).one()
    assert MAIL_PASSWORD not in repr(vars(kept))
    server = installation.mail.status().server
    assert server
    assert (server.host, server.security, server.password) == (
        "smtp.firm.example",
        Security.STARTTLS,
        MAIL_PASSWORD,
    )
    assert admin.send("/settings/email", **FIELDS | {"password": "", "port": ""}).status_code == 303
    kept_server = installation.mail.status().server
    assert kept_server
    assert (kept_server.password, kept_server.port) == (MAIL_PASSWORD, 587)


@pytest.mark.parametrize("change", [{"host": "mail.elsewhere.example"}, {"username": "eve"}])
def test_the_stored_password_goes_to_no_other_server_or_account(
    admin: PageClient, installation: Installation, configure: Configure, change: dict[str, str]
) -> None:
    configure(None)
    admin.send("/settings/email", **FIELDS)
    reply = admin.send("/settings/email", **FIELDS | {"password": ""} | change)
    assert reply.status_code == 422
    assert "Enter the password too" in words(reply)
    server = installation.mail.status().server
    assert server
    assert server.host == "smtp.firm.example"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host": ""}, "Enter the mail server's name"),
        ({"host": "http://mail"}, "Enter the mail server's name"),
        ({"port": "22"}, "From here crmlink uses ports 25, 465, 587 and 2525"),
        ({"port": "x"}, "Enter the port as a number"),
        ({"security": "ssl3"}, "Choose STARTTLS, TLS or none"),
        ({"security": "none"}, "A password needs STARTTLS or TLS"),
        ({"sender": "a@b.example\r\nBcc: c@d.example"}, "Enter an email address like"),
        ({"sender_name": "a\r\nBcc: c@d.example"}, "without line breaks"),
        ({"username": ""}, "Enter the user name too"),
    ],
)
def test_a_mail_server_that_will_not_do_is_refused_beside_its_field(
    admin: PageClient,
    installation: Installation,
    configure: Configure,
    change: dict[str, str],
    said: str,
) -> None:
    configure(None)
    reply = admin.send("/settings/email", **FIELDS | change)
    assert reply.status_code == 422
    assert said in words(reply)
    assert 'aria-invalid="true"' in reply.get_data(as_text=True)
    assert installation.mail.status().server is None


def test_a_mail_server_of_the_environment_is_shown_and_not_changed(
    admin: PageClient, faulty: FaultyMailServer
) -> None:
    page = admin.read("/settings/email")
    assert "Set where crmlink is started" in page
    assert admin.send("/settings/email", **FIELDS).status_code == 409


def test_a_test_email_says_what_the_server_answered(
    admin: PageClient, faulty: FaultyMailServer, sample: Staff
) -> None:
    assert f"accepted the email to {sample.admin.email}" in words(
        admin.send("/settings/email/test")
    )
    assert faulty.received.recipients == [sample.admin.email]
    faulty.answers = {"RCPT": "550 5.7.1 <b>secret words</b>"}
    said = words(admin.send("/settings/email/test"))
    assert "refused the recipient's address (its answer: 550 5.7.1)" in said
    assert "secret words" not in said


def test_a_test_email_counts_as_no_email_of_the_outbox(
    admin: PageClient, faulty: FaultyMailServer, installation: Installation
) -> None:
    admin.send("/settings/email/test")
    assert messages(installation) == []


def test_a_mail_server_is_removed_after_a_question(
    admin: PageClient, installation: Installation, configure: Configure
) -> None:
    configure(None)
    admin.send("/settings/email", **FIELDS)
    assert "Remove the mail server?" in admin.read("/settings/email/remove")
    assert admin.send("/settings/email/remove").status_code == 303
    assert installation.mail.status().obstacle == "no-server"
    with installation.database.reading() as session:
        assert session.query(MailSettings).one().password == ""


def test_other_keys_are_said_and_a_new_password_helps(
    admin: PageClient, installation: Installation, configure: Configure
) -> None:
    configure(None)
    admin.send("/settings/email", **FIELDS)
    installation.mail.key_file.unlink()
    assert "password can't be read" in admin.read("/settings/email")
    admin.send("/settings/email", **FIELDS)
    assert installation.mail.sends


def test_an_unencrypted_server_in_the_office_is_warned_of(
    admin: PageClient, configure: Configure
) -> None:
    configure(MailServer("192.168.1.5", 25, Security.NONE, sender="crmlink@firm.example"))
    assert "cross your network unencrypted" in admin.read("/settings/email")


@pytest.mark.parametrize("obstacle", ["practice", "no-public-url"])
def test_why_nothing_is_sent_is_said_and_nothing_leaves(
    admin: PageClient,
    anonymous: PageClient,
    installation: Installation,
    faulty: FaultyMailServer,
    sample: Staff,
    obstacle: str,
) -> None:
    change = {"practice": lambda: True} if obstacle == "practice" else {"public_url": ""}
    installation.first.mail = replace(installation.mail, **change)
    said = "showing practice data" if obstacle == "practice" else "CRMLINK_PUBLIC_URL"
    assert said in admin.read("/settings/email")
    assert said in words(admin.send("/settings/email/test"))
    assert anonymous.send("/forgotten", "/log-in", email=sample.clerk.email).status_code == 409
    admin.send("/people", name="Kim", email="kim@firm.example", role="clerk", by_email="yes")
    send(installation)
    assert faulty.commands == []
    assert messages(installation) == []


def test_practice_data_sends_nothing_whatever_else_is_set(tmp_path: Path) -> None:
    server = MailServer("127.0.0.1", 25, Security.NONE, sender="crmlink@firm.example")
    settings = Settings(
        tmp_path, sqlite_database(tmp_path), "k" * 48, public_url=PUBLIC_URL, mail_server=server
    )
    installation = open_installation(settings)
    assert installation.mail.status().obstacle == "practice"
    installation.close()


def test_when_weekly_summaries_are_sent_is_set(
    admin: PageClient, installation: Installation
) -> None:
    assert admin.send("/settings/email/weekly", day="4", hour="16").status_code == 303
    time = installation.mail.weekly_time()
    assert (time.day, time.hour) == (4, 16)
    for wrong in ({"day": "7", "hour": "1"}, {"day": "1", "hour": "24"}, {"day": "", "hour": ""}):
        assert admin.send("/settings/email/weekly", **wrong).status_code == 422


@pytest.mark.parametrize("kind", ["invitation", "new_password", "list_ended", "weekly"])
def test_samples_show_each_email_and_send_nothing(
    admin: PageClient, installation: Installation, faulty: FaultyMailServer, kind: str
) -> None:
    reply = admin.get(f"/settings/email/samples/{kind}")
    assert reply.status_code == 200
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert PUBLIC_URL in reply.get_data(as_text=True)
    assert faulty.commands == []
    assert admin.get("/settings/email/samples/other").status_code == 404


def test_ports_of_a_page_are_those_of_mail() -> None:
    assert mail_server_module.PORTS == (25, 465, 587, 2525)


def test_states_on_the_page_are_all_in_words(
    admin: PageClient, installation: Installation, faulty: FaultyMailServer, sample: Staff
) -> None:
    with installation.database.writing() as session:
        for number, state in enumerate(MailState):
            session.add(
                MailMessage(
                    workspace_id=installation.access.workspace_id,
                    person_id=sample.clerk.id,
                    kind="weekly",
                    event=f"event {number}",
                    state=state,
                    expires_at=utc_now(),
                )
            )
    page = admin.read("/settings/email")
    for said in ("Waiting.", "Being sent.", "Sent.", "Not sent.", "Not needed", "may or may not"):
        assert said in page


def test_the_service_keeps_no_password_in_its_repr(installation: Installation) -> None:
    server = MailServer("smtp.firm.example", 587, Security.STARTTLS, "a", PASSWORD, "a@b.example")
    service: MailService = replace(installation.mail, environment=server)
    assert PASSWORD not in repr(service)
