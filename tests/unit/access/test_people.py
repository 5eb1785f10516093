"""People: invited, let in by a one-time link, given roles, removed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from crmlink.access.api_tokens import authenticate_api_token, create_api_token
from crmlink.access.context import AccessContext, Actor
from crmlink.access.errors import (
    AccessError,
    EmailTaken,
    InvalidCredentials,
    InvalidFields,
    InvalidInvitation,
    InvalidToken,
    LastAdmin,
    PersonNotFound,
    WeakPassword,
)
from crmlink.access.joining import accept_invitation
from crmlink.access.people import (
    authenticate_password,
    authenticate_sso,
    change_password,
    change_role,
    create_first_admin_invitation,
    invite,
    list_people,
    new_invitation,
    remove_person,
)
from crmlink.access.roles import role_permissions
from crmlink.access.sessions import authenticate_session, create_session, end_session, list_sessions
from crmlink.store import Invitation, WebSession
from crmlink.store.base import utc_now
from support.access_factories import PASSWORD, enter, make_person, page_actor, pair


def test_the_first_admin_comes_in_by_a_link_that_works_once(access: AccessContext) -> None:
    link = create_first_admin_invitation(access)
    assert link
    admin = accept_invitation(access, link, PASSWORD, "Ann Lee", "Ann@Firm.example")
    assert (admin.role, admin.name) == ("admin", "Ann Lee")
    assert authenticate_password(access, " ann@firm.EXAMPLE ", PASSWORD).id == admin.id
    for _ in range(2):
        with pytest.raises(InvalidInvitation):
            accept_invitation(access, link, PASSWORD, "Eve", "eve@firm.example")
    assert create_first_admin_invitation(access) is None


def test_each_server_prints_a_first_link_that_works_until_one_was_used(
    access: AccessContext,
) -> None:
    older, newer = create_first_admin_invitation(access), create_first_admin_invitation(access)
    assert older
    assert newer
    accept_invitation(access, older, PASSWORD, "Ann", "ann@firm.example")
    with pytest.raises(InvalidInvitation):
        accept_invitation(access, newer, PASSWORD, "Eve", "eve@firm.example")


def test_an_invited_person_sets_a_password_and_an_old_link_opens_nothing(
    access: AccessContext, server: Actor
) -> None:
    person, link = invite(access, server, "Bo", "bo@firm.example", "clerk")
    with pytest.raises(InvalidCredentials):
        authenticate_password(access, "bo@firm.example", "")
    with access.database.writing() as session:
        session.execute(update(Invitation).values(expires_at=utc_now() - timedelta(seconds=1)))
    with pytest.raises(InvalidInvitation):
        accept_invitation(access, link, PASSWORD)
    accept_invitation(access, new_invitation(access, server, person.public_id), PASSWORD)
    assert authenticate_password(access, "bo@firm.example", PASSWORD).role == "clerk"


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
    access: AccessContext, server: Actor, name: str, email: str, role: str
) -> None:
    with pytest.raises(InvalidFields):
        invite(access, server, name, email, role)
    assert list_people(access) == []


def test_an_email_belongs_to_one_person_however_it_is_written(
    access: AccessContext, server: Actor
) -> None:
    person, _ = invite(access, server, "Bo", "bo@firm.example", "clerk")
    with pytest.raises(EmailTaken):
        invite(access, server, "Bo 2", "BO@firm.example", "clerk")
    remove_person(access, server, person.public_id)
    invite(access, server, "Bo 2", "BO@firm.example", "clerk")


@pytest.mark.parametrize("password", ["short", "a" * 30, "bo@firm.example!", "x" * 201, ""])
def test_a_weak_password_is_refused_and_the_link_stays_good(
    access: AccessContext, server: Actor, password: str
) -> None:
    _, link = invite(access, server, "Bo Smith", "bo@firm.example", "clerk")
    with pytest.raises(WeakPassword):
        accept_invitation(access, link, password)
    accept_invitation(access, link, PASSWORD)


@pytest.mark.parametrize("email", ["robin@nowhere.example", "removed", ""])
def test_who_may_not_log_in_learns_no_reason(
    access: AccessContext, server: Actor, email: str
) -> None:
    gone = make_person(access)
    remove_person(access, server, gone.public_id)
    with pytest.raises(InvalidCredentials) as refused:
        authenticate_password(access, gone.email if email == "removed" else email, PASSWORD)
    assert refused.value.facts == {}


def test_someone_always_stays_admin(access: AccessContext, server: Actor) -> None:
    admin = make_person(access, "admin")
    invite(access, server, "Not yet here", "late@firm.example", "admin")
    for attempt in (
        lambda: remove_person(access, server, admin.public_id),
        lambda: change_role(access, server, admin.public_id, "clerk"),
    ):
        with pytest.raises(LastAdmin):
            attempt()
    make_person(access, "admin")
    change_role(access, server, admin.public_id, "clerk")


def test_who_is_removed_stops_everywhere_at_once(access: AccessContext, server: Actor) -> None:
    person = make_person(access, "admin")
    make_person(access, "admin")
    grant = pair(access, person)
    cookie = create_session(access, person, "127.0.0.1", "A test")
    _, token = create_api_token(access, authenticate_session(access, cookie)[1], "Nightly")
    enter(access, grant)
    authenticate_api_token(access, token, "")
    remove_person(access, server, person.public_id)
    attempts = (
        lambda: enter(access, grant),
        lambda: authenticate_api_token(access, token, ""),
        lambda: authenticate_session(access, cookie),
    )
    for attempt in attempts:
        with pytest.raises(InvalidToken):
            attempt()
    with pytest.raises(PersonNotFound):
        change_role(access, server, person.public_id, "clerk")


def test_each_role_may_do_what_the_one_before_may(access: AccessContext) -> None:
    clerk, manager, admin = (
        role_permissions(make_person(access, role)) for role in ("clerk", "manager", "admin")
    )
    assert clerk < manager < admin
    assert "undo_any" not in clerk
    assert "admin" not in manager


def test_a_script_may_never_do_more_than_who_made_it_may_now(
    access: AccessContext, server: Actor
) -> None:
    admin = make_person(access, "admin")
    make_person(access, "admin")
    _, token = create_api_token(access, page_actor(access, admin), "All", ("admin", "link"))
    assert "admin" in authenticate_api_token(access, token, "").permissions
    change_role(access, server, admin.public_id, "clerk")
    assert authenticate_api_token(access, token, "").permissions == {"link"}


def test_a_new_password_ends_every_log_in(access: AccessContext) -> None:
    person = make_person(access)
    cookie = create_session(access, person, "127.0.0.1", "A test")
    _, actor = authenticate_session(access, cookie)
    with pytest.raises(InvalidCredentials):
        change_password(access, actor, "not it, sorry", "four dry spanners")
    change_password(access, actor, PASSWORD, "four dry spanners")
    with pytest.raises(InvalidToken):
        authenticate_session(access, cookie)
    authenticate_password(access, person.email, "four dry spanners")


def test_a_log_in_can_be_ended_by_its_person_and_by_an_admin_but_by_no_one_else(
    access: AccessContext,
) -> None:
    person, other, admin = (make_person(access, role) for role in ("clerk", "clerk", "admin"))
    for who, allowed in ((person, True), (admin, True), (other, False)):
        create_session(access, person, "127.0.0.1", "A test")
        actor = page_actor(access, who)
        shown = list_sessions(access, person)[0]
        if allowed:
            end_session(access, actor, shown.public_id)
        else:
            with pytest.raises(AccessError):
                end_session(access, actor, shown.public_id)


@pytest.mark.parametrize("column", ["last_seen_at", "created_at"])
def test_a_log_in_ends_after_idle_hours_and_after_two_weeks(
    access: AccessContext, column: str
) -> None:
    cookie = create_session(access, make_person(access), "127.0.0.1", "A test")
    authenticate_session(access, cookie)
    old = utc_now() - timedelta(days=14, seconds=1)
    with access.database.writing() as session:
        session.execute(update(WebSession).values({column: old}))
    with pytest.raises(InvalidToken):
        authenticate_session(access, cookie)


def test_single_sign_on_lets_in_who_was_invited_and_then_goes_by_the_subject(
    access: AccessContext, server: Actor
) -> None:
    person, _ = invite(access, server, "Bo", "bo@firm.example", "manager")
    with pytest.raises(InvalidCredentials):
        authenticate_sso(access, "https://id.example#1", "stranger@firm.example")
    assert authenticate_sso(access, "https://id.example#1", "Bo@firm.example").id == person.id
    assert authenticate_sso(access, "https://id.example#1", "renamed@firm.example").id == person.id
    with pytest.raises(InvalidCredentials):
        authenticate_sso(access, "https://id.example#2", "bo@firm.example")


def test_an_email_with_letters_beyond_a_to_z_lets_its_person_in(
    access: AccessContext, server: Actor
) -> None:
    email = "Élodie@exämple.Øst"
    _, token = invite(access, server, "Élodie", email, "clerk")
    accept_invitation(access, token, PASSWORD)
    assert authenticate_password(access, email, PASSWORD).email == email
