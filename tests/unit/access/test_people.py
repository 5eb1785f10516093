"""People: invited, let in by a one-time link, given roles, removed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from crmlink.access.api_tokens import create_token, script_actor
from crmlink.access.context import Actor, Office
from crmlink.access.errors import (
    AccessFailure,
    EmailTaken,
    FieldsWrong,
    InvitationRefused,
    LastAdmin,
    LogInRefused,
    PasswordWeak,
    PersonUnknown,
    TokenRefused,
)
from crmlink.access.people import (
    accept_invitation,
    change_password,
    change_role,
    first_admin_invitation,
    invite,
    list_people,
    log_in,
    new_invitation,
    person_of_sso,
    remove_person,
)
from crmlink.access.roles import permissions_of
from crmlink.access.sessions import begin_session, end_session, list_sessions, session_of
from crmlink.store import Invitation, PageSession
from crmlink.store.models import now
from support.access_factories import PASSWORD, enter, make_person, page_actor, pair


def test_the_first_admin_comes_in_by_a_link_that_works_once(office: Office) -> None:
    link = first_admin_invitation(office)
    assert link
    admin = accept_invitation(office, link, PASSWORD, "Ann Lee", "Ann@Firm.example")
    assert (admin.role, admin.name) == ("admin", "Ann Lee")
    assert log_in(office, " ann@firm.EXAMPLE ", PASSWORD).id == admin.id
    for _ in range(2):
        with pytest.raises(InvitationRefused):
            accept_invitation(office, link, PASSWORD, "Eve", "eve@firm.example")
    assert first_admin_invitation(office) is None


def test_each_server_prints_a_first_link_that_works_until_one_was_used(office: Office) -> None:
    older, newer = first_admin_invitation(office), first_admin_invitation(office)
    assert older
    assert newer
    accept_invitation(office, older, PASSWORD, "Ann", "ann@firm.example")
    with pytest.raises(InvitationRefused):
        accept_invitation(office, newer, PASSWORD, "Eve", "eve@firm.example")


def test_an_invited_person_sets_a_password_and_an_old_link_opens_nothing(
    office: Office, server: Actor
) -> None:
    person, link = invite(office, server, "Bo", "bo@firm.example", "clerk")
    with pytest.raises(LogInRefused):
        log_in(office, "bo@firm.example", "")
    with office.database.writing() as session:
        session.execute(update(Invitation).values(expires_at=now() - timedelta(seconds=1)))
    with pytest.raises(InvitationRefused):
        accept_invitation(office, link, PASSWORD)
    accept_invitation(office, new_invitation(office, server, person.public_id), PASSWORD)
    assert log_in(office, "bo@firm.example", PASSWORD).role == "clerk"


@pytest.mark.parametrize(
    ("name", "email", "role"),
    [
        ("", "a@b.example", "clerk"),
        ("x" * 101, "a@b.example", "clerk"),
        ("A", "a b.example", "clerk"),
        ("A", "a@b", "clerk"),
        ("A", "a@b.example", "king"),
    ],
)
def test_a_person_needs_a_name_an_email_and_a_role(
    office: Office, server: Actor, name: str, email: str, role: str
) -> None:
    with pytest.raises(FieldsWrong):
        invite(office, server, name, email, role)
    assert list_people(office) == []


def test_an_email_belongs_to_one_person_however_it_is_written(
    office: Office, server: Actor
) -> None:
    person, _ = invite(office, server, "Bo", "bo@firm.example", "clerk")
    with pytest.raises(EmailTaken):
        invite(office, server, "Bo 2", "BO@firm.example", "clerk")
    remove_person(office, server, person.public_id)
    invite(office, server, "Bo 2", "BO@firm.example", "clerk")


@pytest.mark.parametrize("password", ["short", "a" * 30, "bo@firm.example!", "x" * 201, ""])
def test_a_weak_password_is_refused_and_the_link_stays_good(
    office: Office, server: Actor, password: str
) -> None:
    _, link = invite(office, server, "Bo Smith", "bo@firm.example", "clerk")
    with pytest.raises(PasswordWeak):
        accept_invitation(office, link, password)
    accept_invitation(office, link, PASSWORD)


@pytest.mark.parametrize("email", ["robin@nowhere.example", "removed", ""])
def test_who_may_not_log_in_learns_no_reason(office: Office, server: Actor, email: str) -> None:
    gone = make_person(office)
    remove_person(office, server, gone.public_id)
    with pytest.raises(LogInRefused) as refused:
        log_in(office, gone.email if email == "removed" else email, PASSWORD)
    assert refused.value.facts == {}


def test_somebody_always_stays_admin(office: Office, server: Actor) -> None:
    admin = make_person(office, "admin")
    invite(office, server, "Not yet here", "late@firm.example", "admin")
    for attempt in (
        lambda: remove_person(office, server, admin.public_id),
        lambda: change_role(office, server, admin.public_id, "clerk"),
    ):
        with pytest.raises(LastAdmin):
            attempt()
    make_person(office, "admin")
    change_role(office, server, admin.public_id, "clerk")


def test_who_is_removed_stops_everywhere_at_once(office: Office, server: Actor) -> None:
    person = make_person(office, "admin")
    make_person(office, "admin")
    grant = pair(office, person)
    cookie = begin_session(office, person, "127.0.0.1", "A test")
    _, token = create_token(office, session_of(office, cookie)[1], "Nightly")
    enter(office, grant)
    script_actor(office, token, "")
    remove_person(office, server, person.public_id)
    attempts = (
        lambda: enter(office, grant),
        lambda: script_actor(office, token, ""),
        lambda: session_of(office, cookie),
    )
    for attempt in attempts:
        with pytest.raises(TokenRefused):
            attempt()
    with pytest.raises(PersonUnknown):
        change_role(office, server, person.public_id, "clerk")


def test_each_role_may_do_what_the_one_before_may(office: Office) -> None:
    clerk, manager, admin = (
        permissions_of(make_person(office, role)) for role in ("clerk", "manager", "admin")
    )
    assert clerk < manager < admin
    assert "undo_any" not in clerk
    assert "admin" not in manager


def test_a_script_may_never_do_more_than_who_made_it_may_now(office: Office, server: Actor) -> None:
    admin = make_person(office, "admin")
    make_person(office, "admin")
    _, token = create_token(office, page_actor(office, admin), "All", ("admin", "link"))
    assert "admin" in script_actor(office, token, "").permissions
    change_role(office, server, admin.public_id, "clerk")
    assert script_actor(office, token, "").permissions == {"link"}


def test_a_new_password_ends_every_log_in(office: Office) -> None:
    person = make_person(office)
    cookie = begin_session(office, person, "127.0.0.1", "A test")
    _, actor = session_of(office, cookie)
    with pytest.raises(LogInRefused):
        change_password(office, actor, "not it, sorry", "four dry spanners")
    change_password(office, actor, PASSWORD, "four dry spanners")
    with pytest.raises(TokenRefused):
        session_of(office, cookie)
    log_in(office, person.email, "four dry spanners")


def test_a_log_in_can_be_ended_by_its_person_and_by_an_admin_but_by_nobody_else(
    office: Office,
) -> None:
    person, other, admin = (make_person(office, role) for role in ("clerk", "clerk", "admin"))
    for who, allowed in ((person, True), (admin, True), (other, False)):
        begin_session(office, person, "127.0.0.1", "A test")
        actor = page_actor(office, who)
        shown = list_sessions(office, person)[0]
        if allowed:
            end_session(office, actor, shown.public_id)
        else:
            with pytest.raises(AccessFailure):
                end_session(office, actor, shown.public_id)


@pytest.mark.parametrize("column", ["last_seen_at", "created_at"])
def test_a_log_in_ends_after_idle_hours_and_after_two_weeks(office: Office, column: str) -> None:
    cookie = begin_session(office, make_person(office), "127.0.0.1", "A test")
    session_of(office, cookie)
    old = now() - timedelta(days=14, seconds=1)
    with office.database.writing() as session:
        session.execute(update(PageSession).values({column: old}))
    with pytest.raises(TokenRefused):
        session_of(office, cookie)


def test_single_sign_on_lets_in_who_was_invited_and_then_goes_by_the_subject(
    office: Office, server: Actor
) -> None:
    person, _ = invite(office, server, "Bo", "bo@firm.example", "manager")
    with pytest.raises(LogInRefused):
        person_of_sso(office, "https://id.example#1", "stranger@firm.example")
    assert person_of_sso(office, "https://id.example#1", "Bo@firm.example").id == person.id
    assert person_of_sso(office, "https://id.example#1", "renamed@firm.example").id == person.id
    with pytest.raises(LogInRefused):
        person_of_sso(office, "https://id.example#2", "bo@firm.example")


def test_an_email_with_letters_beyond_a_to_z_lets_its_person_in(
    office: Office, server: Actor
) -> None:
    email = "Élodie@exämple.Øst"
    _, token = invite(office, server, "Élodie", email, "clerk")
    accept_invitation(office, token, PASSWORD)
    assert log_in(office, email, PASSWORD).email == email
