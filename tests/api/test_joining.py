"""A person joins a second firm with the login that they have, and leaves a firm."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from crmlink.access.context import AccessContext
from crmlink.access.devices import command_line_actor
from crmlink.access.people import create_first_admin_invitation, invite, new_invitation
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.installation import Installation
from crmlink.store import AuditEntry, Person
from crmlink.store.workspaces import list_workspaces
from support.access_factories import PASSWORD, logged_in, make_person, pair, with_token
from support.page_client import PageClient, anonymous_client, words

NEW = "a bucket of elbow joints"
FIRST, SECOND = "Holloway Plumbing", "Quill Heating"


@pytest.fixture
def second(installation: Installation) -> AccessContext:
    """The access context of a second firm."""
    rename_workspace(installation.sign_in, list_workspaces(installation.database)[0], FIRST)
    made, _ = make_workspace(installation.sign_in, SECOND)
    return installation.sign_in.of(made.id)


@pytest.fixture
def here(installation: Installation) -> Person:
    """A person of the first firm with a password."""
    return make_person(installation.access)


def invited(access: AccessContext, email: str, role: str = "clerk") -> tuple[Person, str]:
    return invite(access, command_line_actor(access), "Kim Osei", email, role)


def join(browser: PageClient, token: str, email: str, password: str) -> tuple[int, str]:
    fields = {"with": "login", "token": token, "email": email, "password": password}
    reply = browser.send("/welcome", "/welcome", **fields)
    return reply.status_code, words(reply)


def person(installation: Installation, of: Person) -> Person:
    with installation.database.reading() as session:
        return session.get_one(Person, of.id)


def go(browser: PageClient, to: Person) -> int:
    return browser.send("/firm", "/account", person=to.public_id).status_code


def test_the_link_offers_to_sign_in_where_there_are_several_firms(
    app: Flask, second: AccessContext, here: Person
) -> None:
    _, token = invited(second, here.email)
    browser = anonymous_client(app)
    assert "password for another firm" in words(browser.send("/welcome", "/welcome", token=token))
    form = browser.send("/welcome", "/welcome", token=token, **{"with": "login"})
    assert "Sign in to join" in words(form)
    assert f'value="{here.email}"' in form.get_data(as_text=True)


def test_with_one_firm_the_link_offers_no_other_sign_in(
    app: Flask, installation: Installation, here: Person
) -> None:
    _, token = invited(installation.access, "kim@firm.example")
    browser = anonymous_client(app)
    assert "another firm" not in words(browser.send("/welcome", "/welcome", token=token))
    status, shown = join(browser, token, here.email, PASSWORD)
    assert (status, "Choose a password" in shown) == (200, True)


@pytest.mark.parametrize("email", [None, "other.address@elsewhere.example"])
def test_who_signs_in_joins_without_a_second_password_and_goes_between_both(
    app: Flask, installation: Installation, second: AccessContext, here: Person, email: str | None
) -> None:
    kim, token = invited(second, email or here.email, "manager")
    browser = anonymous_client(app)
    assert join(browser, token, here.email, PASSWORD)[0] == 303
    assert kim.name in browser.read("/account")
    assert go(browser, here) == 303
    assert f"Go to {SECOND}" in browser.read("/account")
    assert go(browser, kim) == 303
    joined, before = person(installation, kim), person(installation, here)
    assert joined.login == before.login is not None
    assert joined.password_hash == before.password_hash
    assert joined.role == "manager"
    again = anonymous_client(app)
    assert join(again, token, here.email, PASSWORD)[0] == 422, "the link works once"
    with installation.database.reading() as session:
        actions = session.scalars(select(AuditEntry.action).filter_by(subject=kim.public_id)).all()
    assert actions[:3] == ["person.invited", "person.login_joined", "person.joined"]


def test_the_link_without_the_password_joins_no_login(
    app: Flask, installation: Installation, second: AccessContext, here: Person
) -> None:
    kim, token = invited(second, here.email)
    status, shown = join(anonymous_client(app), token, here.email, NEW)
    assert (status, "Wrong email or password" in shown) == (422, True)
    assert person(installation, kim).login is None
    assert person(installation, kim).joined_at is None
    browser = anonymous_client(app)
    browser.send("/welcome", "/welcome", token=token, password=NEW, again=NEW)
    assert "Go to" not in browser.read("/account")
    assert person(installation, here).login is None


def test_a_password_of_the_same_firm_is_no_other_firms(
    app: Flask, installation: Installation, second: AccessContext
) -> None:
    kim = make_person(second)
    token = new_invitation(second, command_line_actor(second), kim.public_id)
    assert join(anonymous_client(app), token, kim.email, PASSWORD)[0] == 422
    other = make_person(second)
    assert join(anonymous_client(app), token, other.email, PASSWORD)[0] == 422
    assert person(installation, kim).login is None


def test_guesses_of_the_password_are_bounded_as_at_the_sign_in(
    app: Flask, second: AccessContext, here: Person
) -> None:
    _, token = invited(second, here.email)
    browser = anonymous_client(app)
    statuses = [join(browser, token, here.email, f"{NEW} {n}")[0] for n in range(12)]
    assert statuses[:9] == [422] * 9
    assert statuses[-1] == 429
    assert join(browser, token, here.email, PASSWORD)[0] == 429


def test_the_first_admin_of_a_firm_joins_with_their_login_too(
    app: Flask, second: AccessContext, here: Person
) -> None:
    token = create_first_admin_invitation(second)
    assert token
    browser = anonymous_client(app)
    assert join(browser, token, here.email, PASSWORD)[0] == 303
    account = browser.read("/account")
    assert f"{here.name}, {here.email}, Admin" in account
    assert f"Go to {FIRST}" in account


def test_who_leaves_a_firm_keeps_the_other_and_nothing_of_it_works_any_more(
    app: Flask, installation: Installation, second: AccessContext, here: Person
) -> None:
    kim, token = invited(second, here.email)
    browser = anonymous_client(app)
    join(browser, token, here.email, PASSWORD)
    grant = pair(second, person(installation, kim))
    place = f"/account/leave?place={kim.public_id}"
    assert f"Leave {SECOND}?" in browser.read(place)
    assert browser.send("/account/leave", "/account").status_code == 303
    assert person(installation, kim).removed_at is None, "a form of another tab leaves nothing"
    assert browser.send(place, "/account").status_code == 303
    assert here.name in browser.read("/account")
    assert "Go to" not in browser.read("/account")
    assert person(installation, kim).removed_at is not None
    assert with_token(app, grant.access_token).get("/api/v1/workspace").status_code == 401
    alone = anonymous_client(app)
    reply = alone.send("/log-in", "/log-in", email=here.email, password=PASSWORD)
    assert reply.status_code == 303


def test_who_leaves_their_only_firm_is_signed_out(
    app: Flask, installation: Installation, second: AccessContext, here: Person
) -> None:
    browser = PageClient(logged_in(app, installation.access, here))
    left = browser.send(f"/account/leave?place={here.public_id}", "/account")
    assert left.headers["Location"] == "/log-in"
    assert browser.get("/account").headers["Location"].startswith("/log-in")


def test_the_last_admin_of_a_firm_stays_whatever_they_are_elsewhere(
    app: Flask, installation: Installation, second: AccessContext
) -> None:
    make_person(second, "admin")
    only = make_person(installation.access, "admin")
    browser = PageClient(logged_in(app, installation.access, only))
    browser.send(f"/account/leave?place={only.public_id}", "/account")
    assert "needs an admin" in browser.read("/account")
    assert person(installation, only).removed_at is None
    make_person(installation.access, "admin")
    browser.send(f"/account/leave?place={only.public_id}", "/account")
    assert person(installation, only).removed_at is not None
