"""Several firms in one installation: each request is of the firm that its secret is of."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from crmlink.access.context import AccessContext
from crmlink.access.devices import command_line_actor
from crmlink.access.errors import PairingNotFound
from crmlink.access.pairing import (
    approve_pairing,
    deny_pairing,
    exchange_device_code,
    find_pairing,
    start_pairing,
)
from crmlink.access.people import invite
from crmlink.access.workspaces import make_workspace, rename_workspace, suspend_workspace
from crmlink.installation import Installation
from crmlink.store import MailMessage, Person, Workspace
from crmlink.store.workspaces import list_workspaces
from support.access_factories import (
    PASSWORD,
    enter,
    logged_in,
    make_person,
    make_token,
    page_actor,
    pair,
    renew,
    with_token,
)
from support.browser_client import new_key, proven
from support.page_client import PageClient, anonymous_client, words

NEW = "a bucket of elbow joints"


@pytest.fixture
def second(installation: Installation) -> AccessContext:
    """The access context of a second firm."""
    rename_workspace(installation.sign_in, first_row(installation), "Holloway Plumbing")
    made, _ = make_workspace(installation.sign_in, "Quill Heating")
    return installation.sign_in.of(made.id)


def first_row(installation: Installation) -> Workspace:
    return list_workspaces(installation.database)[0]


def same_person(access: AccessContext, person: Person) -> Person:
    """A person with the email and the password of another firm's person."""
    other = make_person(access, "manager")
    with access.database.writing() as session:
        row = session.get_one(Person, other.id)
        row.email = person.email
    return row


def workspace_of(app: Flask, token: str) -> Any:
    return with_token(app, token).get("/api/v1/workspace").get_json()


def test_browsers_and_scripts_work_in_the_firm_of_their_token(
    app: Flask, installation: Installation, second: AccessContext
) -> None:
    own = workspace_of(app, make_token(installation.access))["connection_id"]
    grant = pair(second, make_person(second))
    others = {
        workspace_of(app, token)["connection_id"]
        for token in (make_token(second), grant.access_token, renew(second, grant).access_token)
    }
    assert len(others) == 1
    assert others != {own}
    assert own == installation.workspace.public_connection_id


def test_a_browser_belongs_to_the_firm_of_the_person_who_approves_it(
    installation: Installation, second: AccessContext
) -> None:
    key = new_key().thumbprint
    begun = start_pairing(installation.sign_in, "Chrome", "127.0.0.1", proven(key))
    approver = make_person(second)
    approve_pairing(second, page_actor(second, approver), begun.user_code, "Front desk")
    with pytest.raises(PairingNotFound):
        find_pairing(installation.access, begun.user_code)
    grant = exchange_device_code(installation.sign_in, begun.device_code, proven(key))
    assert grant.device.workspace_id == second.workspace_id
    entered = enter(second, grant).person
    assert entered
    assert entered.public_id == approver.public_id


def test_a_code_that_one_firm_denied_is_unknown_to_the_others(
    installation: Installation, second: AccessContext
) -> None:
    begun = start_pairing(installation.sign_in, "Chrome", "127.0.0.1", proven("a key"))
    deny_pairing(second, page_actor(second, make_person(second)), begun.user_code)
    with pytest.raises(PairingNotFound):
        find_pairing(installation.access, begun.user_code)


def test_with_one_firm_no_choice_is_shown_and_with_several_only_to_who_is_in_both(
    app: Flask, installation: Installation, second: AccessContext
) -> None:
    clerk, stranger = make_person(installation.access), make_person(second)
    both = same_person(second, clerk)
    alone = anonymous_client(app).send(
        "/log-in", "/log-in", email=stranger.email, password=PASSWORD, next="/links"
    )
    assert (alone.status_code, alone.headers["Location"]) == (303, "/links")
    browser = anonymous_client(app)
    choice = browser.send("/log-in", "/log-in", email=clerk.email, password=PASSWORD, next="/links")
    assert choice.status_code == 200
    assert "Choose a firm Holloway Plumbing Quill Heating" in words(choice)
    entered = browser.send("/log-in", "/log-in", **{"with": "firm", "person": both.public_id})
    assert (entered.status_code, entered.headers["Location"]) == (303, "/links")
    assert both.name in browser.read("/account")


def test_the_choice_opens_only_what_the_password_proved_and_only_once(
    app: Flask, installation: Installation, second: AccessContext
) -> None:
    clerk, stranger = make_person(installation.access), make_person(second, "admin")
    both = same_person(second, clerk)

    def choose(browser: PageClient, person: Person) -> int:
        fields = {"with": "firm", "person": person.public_id}
        return browser.send("/log-in", "/log-in", **fields).status_code

    assert choose(anonymous_client(app), both) == 401
    browser = anonymous_client(app)
    sign_in = {"email": clerk.email, "password": PASSWORD}
    browser.send("/log-in", "/log-in", **sign_in)
    assert choose(browser, stranger) == 401
    assert choose(browser, both) == 401, "a wrong choice ends it"
    browser.send("/log-in", "/log-in", **sign_in)
    assert choose(browser, both) == 303
    assert choose(browser, both) == 401


def test_a_password_of_one_firm_opens_no_other(
    app: Flask, installation: Installation, second: AccessContext
) -> None:
    clerk = make_person(installation.access)
    both = same_person(second, clerk)
    with second.database.writing() as session:
        session.execute(update(Person).filter_by(id=both.id).values(password_hash=None))
    browser = anonymous_client(app)
    reply = browser.send("/log-in", "/log-in", email=clerk.email, password=PASSWORD, next="/links")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/links")
    assert clerk.name in browser.read("/account")


def test_a_one_time_link_leads_into_its_own_firm(
    app: Flask, installation: Installation, second: AccessContext
) -> None:
    _, token = invite(second, command_line_actor(second), "Kim", "kim@firm.example", "clerk")
    joined = anonymous_client(app).send(
        "/welcome",
        "/welcome",
        token=token,
        password="a bucket of joints",
        again="a bucket of joints",
    )
    assert joined.status_code == 303
    with installation.database.reading() as session:
        kim = session.scalars(select(Person).filter_by(email="kim@firm.example")).one()
    assert (kim.workspace_id, kim.joined_at is not None) == (second.workspace_id, True)


def test_a_forgotten_password_is_looked_for_in_every_firm(
    app: Flask, installation: Installation, second: AccessContext
) -> None:
    both = same_person(second, make_person(installation.access))
    for email in (both.email, "nobody@firm.example"):
        anonymous_client(app).send("/forgotten", "/forgotten", email=email)
    queued = select(MailMessage.workspace_id, MailMessage.person_id.is_not(None))
    with installation.database.reading() as session:
        rows = sorted(map(tuple, session.execute(queued)))
    first_id = installation.access.workspace_id
    assert rows == [(first_id, False), (first_id, True), (second.workspace_id, True)]


def test_who_is_suspended_gets_in_nowhere_and_all_is_there_afterwards(
    app: Flask, installation: Installation, second: AccessContext
) -> None:
    person = make_person(second, "admin")
    grant, script = pair(second, person), make_token(second)
    page = PageClient(logged_in(app, second, person))
    workspace = list_workspaces(installation.database)[1]
    suspend_workspace(installation.sign_in, workspace, suspended=True)
    for token in (grant.access_token, script):
        reply = with_token(app, token).get("/api/v1/workspace")
        assert reply.status_code == 403
        assert reply.get_json()["type"].endswith(":workspace-suspended")
    assert page.get("/account").status_code == 403
    sign_in = {"email": person.email, "password": PASSWORD}
    assert anonymous_client(app).send("/log-in", "/log-in", **sign_in).status_code == 401
    assert workspace_of(app, make_token(installation.access))["connection_id"]
    assert installation.active_workspaces() == [installation.access.workspace_id]
    suspend_workspace(installation.sign_in, workspace, suspended=False)
    for token in (grant.access_token, script):
        assert with_token(app, token).get("/api/v1/workspace").status_code == 200
    assert page.get("/account").status_code == 200


def test_what_is_the_installations_is_for_no_firm_where_there_are_several(
    app: Flask, installation: Installation
) -> None:
    admin = make_person(installation.access, "admin")
    page = PageClient(logged_in(app, installation.access, admin))
    assert page.get("/upkeep").status_code == 200
    assert "Data folder" in page.read("/settings")
    rename_workspace(installation.sign_in, first_row(installation), "Holloway Plumbing")
    make_workspace(installation.sign_in, "Quill Heating")
    assert page.get("/upkeep").status_code == 404
    assert (
        page.send(
            "/upkeep/download", passphrase="a long passphrase", again="a long passphrase"
        ).status_code
        == 404
    )
    assert "Data folder" not in page.read("/settings")
