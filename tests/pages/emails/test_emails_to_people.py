"""Emails to people: invitations, forgotten passwords, and which of them each person wants."""

from __future__ import annotations

import re

from flask import Flask

from crmlink.installation import Installation
from crmlink.mail.unsubscribe import unsubscribe_token
from crmlink.store import MailKind, Person
from pages.emails.staff import PUBLIC_URL, Staff, messages, send
from support.access_factories import pair, with_token
from support.mail_servers import FaultyMailServer, both_texts
from support.page_client import PageClient, anonymous_client, words

NEW = "a bucket of elbow joints"


def test_an_invitation_is_emailed_and_shown(
    admin: PageClient, installation: Installation, faulty: FaultyMailServer
) -> None:
    assert "Send them the link too" in admin.read("/people")
    reply = admin.send(
        "/people", name="Kim Osei", email="kim@firm.example", role="clerk", by_email="yes"
    )
    shown = re.search(r"/welcome#(crmi_\w+)", reply.get_data(as_text=True))
    assert shown
    assert "crmlink is emailing it to kim@firm.example" in words(reply)
    assert send(installation) == 1
    assert shown[1] in both_texts(faulty.received.messages[0])[0]
    assert "One-time link Kim Osei" in admin.read("/settings/email")
    assert "Sent." in admin.read("/settings/email")


def test_the_api_emails_an_invitation_unless_told_not_to(
    app: Flask, installation: Installation, faulty: FaultyMailServer, sample: Staff
) -> None:
    client = with_token(app, pair(installation.access, sample.admin, "Desk").access_token)
    new = {"name": "Kim Osei", "email": "kim@firm.example", "role": "clerk"}
    quiet = {"name": "Jo Ray", "email": "jo@firm.example", "role": "clerk", "by_email": False}
    emailed, shown = (client.post("/api/v1/people", json=each) for each in (new, quiet))
    assert (emailed.status_code, shown.status_code) == (201, 201)
    assert (emailed.get_json()["emailed"], shown.get_json()["emailed"]) == (True, False)
    assert send(installation) == 1
    token = emailed.get_json()["link"].partition("#")[2]
    assert f"{PUBLIC_URL}/welcome#{token}" in both_texts(faulty.received.messages[0])[0]
    again = client.post(f"/api/v1/people/{emailed.get_json()['id']}/invitations")
    assert again.get_json()["emailed"] is False
    assert send(installation) == 0


def test_the_api_says_that_nothing_is_emailed_where_email_is_not_set_up(
    app: Flask, installation: Installation, sample: Staff
) -> None:
    client = with_token(app, pair(installation.access, sample.admin, "Desk").access_token)
    new = {"name": "Kim Osei", "email": "kim@firm.example", "role": "clerk"}
    assert client.post("/api/v1/people", json=new).get_json()["emailed"] is False
    assert messages(installation) == []


def test_an_invitation_is_not_emailed_unless_asked_for(
    admin: PageClient, installation: Installation, faulty: FaultyMailServer, sample: Staff
) -> None:
    admin.send("/people", name="Kim Osei", email="kim@firm.example", role="clerk")
    admin.send(f"/people/{sample.clerk.public_id}/invitation")
    assert messages(installation) == []
    reply = admin.send(f"/people/{sample.clerk.public_id}/invitation", by_email="yes")
    assert "crmlink is emailing it" in words(reply)
    assert send(installation) == 1


def test_a_forgotten_password_is_replaced_by_the_emailed_link(
    app: Flask,
    clerk: PageClient,
    anonymous: PageClient,
    installation: Installation,
    faulty: FaultyMailServer,
    sample: Staff,
) -> None:
    assert "/forgotten" in anonymous.get("/log-in").get_data(as_text=True)
    known = anonymous.send("/forgotten", "/forgotten", email=sample.clerk.email)
    unknown = anonymous.send("/forgotten", "/forgotten", email="stranger@elsewhere.example")
    assert known.status_code == unknown.status_code == 200
    assert words(known) == words(unknown)
    assert send(installation) == 1
    token = re.search(r"#(crmi_\w+)", both_texts(faulty.received.messages[0])[0])
    assert token
    stranger = anonymous_client(app)
    chosen = {"token": token[1], "password": NEW, "again": NEW}
    assert stranger.send("/welcome", "/welcome", **chosen).status_code == 303
    assert clerk.get("/account").status_code == 303, "the sessions of the old one have ended"
    assert stranger.send("/welcome", "/welcome", **chosen).status_code == 422, "it works once"


def test_links_come_from_the_public_url_whatever_host_a_request_names(
    app: Flask, installation: Installation, faulty: FaultyMailServer, sample: Staff
) -> None:
    client = app.test_client()
    for host in ("localhost", "127.0.0.1"):
        page = client.get("/forgotten", base_url=f"http://{host}").get_data(as_text=True)
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert csrf
        client.post(
            "/forgotten",
            data={"email": sample.clerk.email, "csrf_token": csrf[1]},
            base_url=f"http://{host}",
            headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
        )
    assert client.post("/forgotten", base_url="http://evil.example").status_code == 421
    assert send(installation) == 2
    for message in faulty.received.messages:
        links = re.findall(r"https?://[^/\s\"<]+", "".join(both_texts(message)))
        assert set(links) == {PUBLIC_URL}


def test_asking_is_limited_alike_for_known_and_unknown_addresses(
    app: Flask, installation: Installation, faulty: FaultyMailServer, sample: Staff
) -> None:
    app.config["CRMLINK_REQUESTS_PER_MINUTE"] = 600
    refused: list[list[int]] = []
    for email in (sample.clerk.email, "stranger@elsewhere.example"):
        client = PageClient(app.test_client())
        client.client.environ_base["REMOTE_ADDR"] = "203.0.113.5" if refused else "203.0.113.6"
        statuses = [
            client.send("/forgotten", "/forgotten", email=email).status_code for _ in range(5)
        ]
        refused.append(statuses)
    assert refused[0] == refused[1] == [200, 200, 200, 429, 429]


def test_what_was_not_sent_is_said_and_sent_again_on_an_admins_word(
    admin: PageClient, installation: Installation, faulty: FaultyMailServer
) -> None:
    faulty.answers = {"RCPT": "550 5.1.1 no"}
    admin.send("/people", name="Kim", email="kim@firm.example", role="clerk", by_email="yes")
    send(installation)
    assert "Not sent. 127.0.0.1 refused the recipient's address" in admin.read("/settings/email")
    (message,) = messages(installation)
    faulty.answers = {}
    assert admin.send(f"/settings/email/outbox/{message.public_id}/again").status_code == 303
    assert send(installation) == 1
    assert admin.send(f"/settings/email/outbox/{message.public_id}/again").status_code == 404


def test_people_choose_their_emails(
    clerk: PageClient, installation: Installation, faulty: FaultyMailServer, sample: Staff
) -> None:
    assert "A weekly summary" in clerk.read("/account")

    def chosen() -> tuple[bool, bool]:
        with installation.database.reading() as session:
            person = session.get_one(Person, sample.clerk.id)
            return person.mail_list_ended, person.mail_weekly

    assert chosen() == (True, False)
    clerk.send("/account/emails", mail_weekly="yes")
    assert chosen() == (False, True)


def test_an_optional_email_ends_by_its_link_without_a_sign_in_but_not_by_opening_it(
    app: Flask, anonymous: PageClient, installation: Installation, sample: Staff
) -> None:
    token = unsubscribe_token(installation.access, sample.clerk, MailKind.LIST_ENDED)

    def wanted() -> bool:
        with installation.database.reading() as session:
            return session.get_one(Person, sample.clerk.id).mail_list_ended

    assert "Stop emails about lists?" in anonymous.read(f"/unsubscribe/{token}")
    assert wanted()
    one_click = app.test_client().post(
        f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"}
    )
    assert one_click.status_code == 200
    assert not wanted()
    weekly = unsubscribe_token(installation.access, sample.clerk, MailKind.WEEKLY)
    assert "Stop weekly summaries?" in anonymous.read(f"/unsubscribe/{weekly}")
    assert "weekly summaries any more" in words(app.test_client().post(f"/unsubscribe/{weekly}"))
    for wrong in (token[:-1], "x"):
        assert anonymous.get(f"/unsubscribe/{wrong}").status_code == 404
        assert app.test_client().post(f"/unsubscribe/{wrong}").status_code == 404
