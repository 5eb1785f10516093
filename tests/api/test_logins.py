"""One person in several firms: one password once all are proved, and a way from one to another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from crmlink.access.context import AccessContext
from crmlink.access.devices import command_line_actor
from crmlink.access.passwords import hash_password
from crmlink.access.people import new_invitation, remove_person
from crmlink.access.workspaces import make_workspace, rename_workspace, suspend_workspace
from crmlink.installation import Installation
from crmlink.store import AuditEntry, Person, WebSession
from crmlink.store.base import utc_now
from crmlink.store.workspaces import find_workspace, list_workspaces
from support.access_factories import PASSWORD, logged_in, make_person
from support.page_client import PageClient, anonymous_client

NEW = "a bucket of elbow joints"
FIRST, SECOND = "Holloway Plumbing", "Quill Heating"


@pytest.fixture
def second(installation: Installation) -> AccessContext:
    """The access context of a second firm."""
    first = list_workspaces(installation.database)[0]
    rename_workspace(installation.sign_in, first, FIRST)
    made, _ = make_workspace(installation.sign_in, SECOND)
    return installation.sign_in.of(made.id)


@pytest.fixture
def here(installation: Installation) -> Person:
    """A person of the first firm."""
    return make_person(installation.access)


@pytest.fixture
def there(second: AccessContext, here: Person) -> Person:
    """A person of the second firm with the same email, and the same password so far."""
    other = make_person(second, "manager")
    with second.database.writing() as session:
        row = session.get_one(Person, other.id)
        row.email = here.email
        return row


def row_of(installation: Installation, person: Person) -> Person:
    with installation.database.reading() as session:
        return session.get_one(Person, person.id)


def sign_in(app: Flask, person: Person, password: str = PASSWORD) -> tuple[PageClient, int]:
    """Return a browser that signed in, and the status: 200 asks for the firm, 303 is inside."""
    browser = anonymous_client(app)
    reply = browser.send("/log-in", "/log-in", email=person.email, password=password)
    return browser, reply.status_code


def choose(browser: PageClient, person: Person) -> int:
    fields = {"with": "firm", "person": person.public_id}
    return browser.send("/log-in", "/log-in", **fields).status_code


def go(browser: PageClient, person: Person) -> int:
    return browser.send("/firm", "/account", person=person.public_id).status_code


def joined(app: Flask, here: Person, there: Person) -> PageClient:
    """Return a browser in the first firm, signed in with the one password of both."""
    browser, status = sign_in(app, here)
    assert status == 200
    assert choose(browser, here) == 303
    assert there.name not in browser.read("/account")
    return browser


def test_who_proved_both_goes_from_one_firm_to_the_other_and_leaves_no_session_behind(
    app: Flask, installation: Installation, here: Person, there: Person
) -> None:
    browser = joined(app, here, there)
    assert f"Go to {SECOND}" in browser.read("/account")
    assert go(browser, there) == 303
    page = browser.read("/account")
    assert there.name in page
    assert f"Go to {FIRST}" in page
    assert go(browser, here) == 303
    with installation.database.reading() as session:
        open_ = select(WebSession.person_id).filter_by(ended_at=None)
        assert session.scalars(open_).all() == [here.id]
        actions = select(AuditEntry.workspace_id).filter_by(action="person.login_joined")
        assert sorted(session.scalars(actions)) == [here.workspace_id, there.workspace_id]


def test_an_equal_email_alone_joins_nothing(
    app: Flask, installation: Installation, second: AccessContext, here: Person, there: Person
) -> None:
    other = hash_password(NEW, there.name, there.email)
    with second.database.writing() as session:
        session.execute(update(Person).filter_by(id=there.id).values(password_hash=other))
    for password, person, name in ((PASSWORD, there, SECOND), (NEW, here, FIRST)):
        browser, status = sign_in(app, here, password)
        assert status == 303
        assert f"Go to {name}" not in browser.read("/account")
        assert go(browser, person) == 404
    assert row_of(installation, here).login is row_of(installation, there).login is None


def test_the_same_password_without_a_sign_in_that_proves_it_joins_nothing(
    app: Flask, installation: Installation, here: Person, there: Person
) -> None:
    browser = PageClient(logged_in(app, installation.access, here))
    assert "Go to" not in browser.read("/account")
    assert go(browser, there) == 404


def test_a_new_password_is_for_all_firms_and_ends_the_sessions_of_all(
    app: Flask, here: Person, there: Person
) -> None:
    browser, elsewhere = joined(app, here, there), joined(app, here, there)
    assert go(elsewhere, there) == 303
    changed = browser.send("/account/password", "/account", old=PASSWORD, password=NEW, again=NEW)
    assert changed.status_code == 303
    assert elsewhere.get("/account").status_code == 303
    assert elsewhere.get("/account").headers["Location"].startswith("/log-in")
    assert sign_in(app, here)[1] == 401
    assert sign_in(app, here, NEW)[1] == 200
    assert go(browser, there) == 303


def test_signing_out_everywhere_is_for_all_firms(app: Flask, here: Person, there: Person) -> None:
    browser, elsewhere = joined(app, here, there), joined(app, here, there)
    assert go(elsewhere, there) == 303
    browser.send("/account/log-ins/end-all", "/account")
    assert elsewhere.get("/account").headers["Location"].startswith("/log-in")
    assert go(browser, there) == 303


def test_a_link_of_one_firms_admin_opens_no_other_firm(
    app: Flask, installation: Installation, second: AccessContext, here: Person, there: Person
) -> None:
    joined(app, here, there)
    token = new_invitation(second, command_line_actor(second), there.public_id)
    admin = anonymous_client(app)
    admin.send("/welcome", "/welcome", token=token, password=NEW, again=NEW)
    page = admin.read("/account")
    assert there.name in page
    assert f"Go to {FIRST}" not in page
    assert go(admin, here) == 404
    assert sign_in(app, here)[1] == 303, "the first firm's password is as it was"
    alone, _ = sign_in(app, here, NEW)
    assert there.name in alone.read("/account")
    assert row_of(installation, there).login is None


def test_a_hash_that_an_older_server_replaced_alone_opens_no_other_firm(
    app: Flask, installation: Installation, here: Person, there: Person
) -> None:
    joined(app, here, there)
    other = hash_password(NEW, there.name, there.email)
    with installation.database.writing() as session:
        session.execute(update(Person).filter_by(id=there.id).values(password_hash=other))
    browser, status = sign_in(app, here, NEW)
    assert status == 303
    assert go(browser, here) == 404


def test_removal_ends_one_membership_and_not_the_other(
    app: Flask, second: AccessContext, here: Person, there: Person
) -> None:
    browser = joined(app, here, there)
    remove_person(second, command_line_actor(second), there.public_id)
    assert f"Go to {SECOND}" not in browser.read("/account")
    assert go(browser, there) == 404
    assert sign_in(app, here)[1] == 303


def test_no_one_goes_to_a_suspended_firm(
    app: Flask, installation: Installation, here: Person, there: Person
) -> None:
    browser = joined(app, here, there)
    workspace = find_workspace(installation.database, there.workspace_id)
    suspend_workspace(installation.sign_in, workspace, suspended=True)
    assert f"Go to {SECOND}" not in browser.read("/account")
    assert go(browser, there) == 404


def test_going_to_another_firm_prolongs_no_session(
    app: Flask, installation: Installation, here: Person, there: Person
) -> None:
    browser = joined(app, here, there)
    long_ago = utc_now() - timedelta(days=13)
    with installation.database.writing() as session:
        session.execute(update(WebSession).values(created_at=long_ago))
    assert go(browser, there) == 303
    with installation.database.reading() as session:
        found = session.scalars(select(WebSession).filter_by(ended_at=None)).one()
    assert (found.person_id, found.created_at) == (there.id, long_ago)
