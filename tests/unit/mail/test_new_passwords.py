"""Forgotten passwords: who gets a link, what using it ends, and what asking costs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmlink.access.errors import InvalidInvitation, TooManyAttempts
from crmlink.access.joining import accept_invitation
from crmlink.access.new_passwords import MAX_AN_HOUR, MAX_WAITING, request_new_password
from crmlink.access.people import (
    authenticate_password,
    find_invitation,
    invite,
)
from crmlink.access.sessions import create_session, list_sessions
from crmlink.store import AuditEntry, Invitation, MailState, Person
from crmlink.store.base import utc_now
from support.access_factories import PASSWORD, make_person
from support.mail_servers import FaultyMailServer, mail_server
from unit.mail.conftest import Outbox
from unit.mail.one_time_links import token_in

NEW = "a bucket of elbow joints"


def test_a_new_password_is_sent_to_whom_it_belongs_and_ends_all_sessions(outbox: Outbox) -> None:
    person = make_person(outbox.access)
    create_session(outbox.access, person, "127.0.0.1", "A test")
    request_new_password(outbox.access, person.email.upper())
    with mail_server() as (outbox.server, received):
        assert outbox.send() == 1
    token = token_in(received.messages[0])
    assert authenticate_password(outbox.access, person.email, PASSWORD), "the old one, until then"
    expires_at = find_invitation(outbox.access, token).expires_at
    assert timedelta(minutes=58) < expires_at - utc_now() <= timedelta(hours=1)
    accept_invitation(outbox.access, token, NEW)
    assert list_sessions(outbox.access, person) == []
    assert authenticate_password(outbox.access, person.email, NEW).id == person.id
    with pytest.raises(InvalidInvitation):
        find_invitation(outbox.access, token)
    with outbox.access.database.reading() as session:
        actions = [each.action for each in session.query(AuditEntry).order_by(AuditEntry.id)]
    assert actions[-2:] == ["person.password_requested", "person.joined"]


def test_an_address_that_no_one_has_gets_nothing_and_leaves_nothing(outbox: Outbox) -> None:
    request_new_password(outbox.access, "stranger@elsewhere.example")
    (message,) = outbox.messages()
    assert "stranger" not in repr(vars(message))
    with FaultyMailServer() as faulty:
        outbox.server = faulty.server
        outbox.send()
    assert faulty.commands == []
    assert outbox.messages() == []


def test_asking_costs_the_same_whether_or_not_anyone_has_the_address(outbox: Outbox) -> None:
    from sqlalchemy import event

    person = make_person(outbox.access)
    asked: list[str] = []
    event.listen(
        outbox.access.database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: asked.append(statement),
    )
    request_new_password(outbox.access, person.email)
    known, asked[:] = list(asked), []
    request_new_password(outbox.access, "stranger@elsewhere.example")
    assert asked == known


def test_a_person_is_not_flooded_and_the_outbox_not_filled(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person(outbox.access)
    for _ in range(MAX_AN_HOUR + 2):
        request_new_password(outbox.access, person.email)
    with mail_server() as (outbox.server, received):
        outbox.send()
    assert len(received.messages) == MAX_AN_HOUR
    assert outbox.states()[MAX_AN_HOUR:] == [(MailState.CANCELLED, "too-many")] * 2
    monkeypatch.setattr("crmlink.access.new_passwords.MAX_WAITING", 1)
    request_new_password(outbox.access, "one@elsewhere.example")
    with pytest.raises(TooManyAttempts):
        request_new_password(outbox.access, "two@elsewhere.example")
    assert MAX_WAITING > 100


def test_asking_ends_no_link_that_an_admin_made_and_using_one_ends_all(outbox: Outbox) -> None:
    person, shown = invite(outbox.access, outbox.actor, "Kim", "kim@firm.example", "clerk")
    request_new_password(outbox.access, "kim@firm.example")
    with mail_server() as (outbox.server, received):
        outbox.send()
    assert find_invitation(outbox.access, shown).person_id == person.id
    accept_invitation(outbox.access, token_in(received.messages[0]), NEW)
    with pytest.raises(InvalidInvitation):
        find_invitation(outbox.access, shown)
    with outbox.access.database.reading() as session:
        assert session.query(Invitation).filter_by(used_at=None).count() == 0


def test_who_signs_in_by_single_sign_on_alone_gets_no_password(outbox: Outbox) -> None:
    person = make_person(outbox.access)
    with outbox.access.database.writing() as session:
        session.get_one(Person, person.id).password_hash = None
    request_new_password(outbox.access, person.email)
    with FaultyMailServer() as faulty:
        outbox.server = faulty.server
        outbox.send()
    assert faulty.commands == []
    assert outbox.states() == [(MailState.CANCELLED, "no-password")]
