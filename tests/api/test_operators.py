"""Operators manage the firms of an installation on pages, and see figures of them alone."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from crmlink.access.context import AccessContext
from crmlink.access.devices import command_line_actor
from crmlink.access.joining import accept_invitation
from crmlink.access.operators import is_operator, list_operators, set_operator
from crmlink.access.people import create_first_admin_invitation, new_invitation
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.installation import Installation
from crmlink.store import AuditEntry, DeletedWorkspace, Person, Workspace
from crmlink.store.workspaces import find_workspace, list_workspaces
from support.access_factories import PASSWORD, logged_in, make_person
from support.page_client import PageClient, anonymous_client, words

FIRST, SECOND = "Holloway Plumbing", "Quill Heating"
NEW = "a bucket of elbow joints"


@pytest.fixture
def second(installation: Installation) -> AccessContext:
    """The access context of a second firm."""
    rename_workspace(installation.sign_in, list_workspaces(installation.database)[0], FIRST)
    made, _ = make_workspace(installation.sign_in, SECOND)
    return installation.sign_in.of(made.id)


@pytest.fixture
def operator(installation: Installation) -> Person:
    """A clerk of the first firm who is an operator."""
    person = make_person(installation.access)
    set_operator(installation.access, person, operates=True)
    return person


@pytest.fixture
def page(app: Flask, installation: Installation, operator: Person) -> PageClient:
    return PageClient(logged_in(app, installation.access, operator))


def row(installation: Installation, access: AccessContext) -> Workspace:
    return find_workspace(installation.database, access.workspace_id)


def address(installation: Installation, access: AccessContext) -> str:
    return f"/firms/{row(installation, access).public_id}"


def acts(installation: Installation, access: AccessContext) -> list[tuple[str, object, object]]:
    query = (
        select(AuditEntry)
        .filter_by(workspace_id=access.workspace_id, subject="workspace")
        .order_by(AuditEntry.position)
    )
    with installation.database.reading() as session:
        return [
            (each.action, each.details.get("operator"), each.device_id)
            for each in session.scalars(query)
        ]


def test_with_one_firm_an_operator_sees_no_page_and_no_word(page: PageClient) -> None:
    assert page.get("/firms").status_code == 404
    assert "Operator" not in page.read("/account")
    assert "Firms" not in page.read("/account")


@pytest.mark.parametrize("role", ["clerk", "manager", "admin"])
def test_an_operator_of_any_role_is_shown_the_firms_and_others_are_refused(
    app: Flask, installation: Installation, second: AccessContext, role: str
) -> None:
    for access in (installation.access, second):
        person = make_person(access, role)
        browser = PageClient(logged_in(app, access, person))
        assert browser.get("/firms").status_code == 403
        assert "Operator" not in browser.read("/account")
        set_operator(access, person, operates=True)
        assert "Operator" in browser.read("/account")
        shown = browser.read("/firms")
        assert FIRST in shown
        assert SECOND in shown
        set_operator(access, person, operates=False)
        assert browser.get(address(installation, second)).status_code == 403


def test_the_figures_name_no_person_and_no_record(
    installation: Installation, second: AccessContext, page: PageClient
) -> None:
    stranger = make_person(second)
    for path in ("/firms", address(installation, second)):
        shown = page.read(path)
        assert stranger.name not in shown
        assert stranger.email not in shown
    assert "People 1" in page.read(address(installation, second))


def test_a_firm_is_made_and_its_first_admin_is_no_operator(
    app: Flask, installation: Installation, second: AccessContext, page: PageClient
) -> None:
    made = page.send("/firms", "/firms", name="Thornbury Drains")
    assert "Thornbury Drains" in words(made)
    token = words(made).partition("/welcome#")[2].split()[0]
    wrong = page.send("/firms", "/firms", name=SECOND.upper())
    assert (wrong.status_code, "Another firm has this name" in words(wrong)) == (422, True)
    admin = anonymous_client(app)
    fields = {"name": "Ann Lee", "email": "ann@firm.example", "password": NEW, "again": NEW}
    admin.send("/welcome", "/welcome", token=token, **fields)
    assert "Ann Lee" in admin.read("/account")
    assert admin.get("/firms").status_code == 403


def test_each_act_is_in_the_firms_own_audit_with_the_operator(
    installation: Installation, second: AccessContext, operator: Person, page: PageClient
) -> None:
    path = address(installation, second)
    assert page.send(path, path, name="Quill Heating and Sons").status_code == 303
    assert page.send(f"{path}/suspend", path).status_code == 303
    assert row(installation, second).suspended_at is not None
    assert page.send(f"{path}/resume", path).status_code == 303
    assert page.send(f"{path}/export", path).status_code == 200
    done = acts(installation, second)[1:]
    assert [action for action, *_ in done] == [
        "workspace.renamed", "workspace.suspended", "workspace.resumed", "workspace.exported",
    ]  # fmt: skip
    assert {who for _, who, _ in done} == {operator.public_id}
    assert {device for *_, device in done} == {None}, "the device is another firm's"
    shown = page.read(path)
    assert shown.count(operator.name) >= 4


def test_the_firms_admin_reads_that_an_operator_did_it_and_not_who(
    app: Flask,
    installation: Installation,
    second: AccessContext,
    operator: Person,
    page: PageClient,
) -> None:
    path = address(installation, second)
    page.send(path, path, name="Quill and Sons")
    admin = PageClient(logged_in(app, second, make_person(second, "admin")))
    shown = admin.read("/audit")
    assert "An operator of crmlink" in shown
    assert operator.name not in shown
    assert operator.public_id not in shown


def test_an_export_is_a_file_of_that_firm_alone(
    installation: Installation, second: AccessContext, page: PageClient
) -> None:
    theirs = make_person(second)
    path = address(installation, second)
    sent = page.send(f"{path}/export", path)
    with zipfile.ZipFile(io.BytesIO(sent.get_data())) as archive:
        people = [json.loads(line) for line in archive.read("person.jsonl").splitlines()]
    assert [person["email"] for person in people] == [theirs.email]
    left = [each.name for each in installation.settings.data_dir.iterdir()]
    assert not [name for name in left if "export" in name or name.startswith("tmp")]


def test_a_firm_is_deleted_only_once_suspended_and_with_its_name_typed(
    installation: Installation, second: AccessContext, operator: Person, page: PageClient
) -> None:
    path = address(installation, second)
    works = page.send(f"{path}/delete", path, name=SECOND)
    assert (works.status_code, "Suspend it first" in words(works)) == (422, True)
    page.send(f"{path}/suspend", path)
    for name in ("", FIRST, SECOND.lower()):
        assert page.send(f"{path}/delete", path, name=name).status_code == 422
    assert SECOND in page.read(f"{path}/delete")
    assert page.send(f"{path}/delete", path, name=SECOND).status_code == 303
    assert page.get(path).status_code == 404
    with installation.database.reading() as session:
        stays = session.scalars(select(DeletedWorkspace)).one()
    assert stays.deleted_by == operator.public_id


def test_no_one_suspends_the_firm_that_they_are_signed_in_through(
    installation: Installation, second: AccessContext, page: PageClient
) -> None:
    path = address(installation, installation.access)
    page.send(f"{path}/suspend", path)
    assert row(installation, installation.access).suspended_at is None
    assert "signed in through this firm" in page.read(path)


def test_the_admin_who_set_the_installation_up_is_an_operator_and_no_later_one(
    installation: Installation, second: AccessContext
) -> None:
    token = create_first_admin_invitation(installation.access)
    assert token
    first = accept_invitation(installation.access, token, NEW, "Ann Lee", "ann@firm.example")
    assert is_operator(installation.sign_in, first)
    theirs = create_first_admin_invitation(second)
    assert theirs
    other = accept_invitation(second, theirs, NEW, "Bo Fry", "bo@firm.example")
    assert not is_operator(installation.sign_in, other)
    assert [person.name for person, _ in list_operators(installation.sign_in)] == ["Ann Lee"]


def test_a_link_of_an_admin_of_the_operators_firm_makes_no_one_an_operator(
    app: Flask, installation: Installation, second: AccessContext, operator: Person
) -> None:
    access = installation.access
    token = new_invitation(access, command_line_actor(access), operator.public_id)
    admin = anonymous_client(app)
    admin.send("/welcome", "/welcome", token=token, password=NEW, again=NEW)
    assert operator.name in admin.read("/account")
    assert admin.get("/firms").status_code == 403
    assert not list_operators(installation.sign_in)


def test_an_admin_who_takes_an_operators_place_with_their_own_login_is_no_operator(
    app: Flask, installation: Installation, second: AccessContext, operator: Person
) -> None:
    access, mallory = installation.access, make_person(second, "admin")
    token = new_invitation(access, command_line_actor(access), operator.public_id)
    browser = anonymous_client(app)
    fields = {"with": "login", "token": token, "email": mallory.email, "password": PASSWORD}
    assert browser.send("/welcome", "/welcome", **fields).status_code == 303
    assert browser.get("/firms").status_code == 403


def test_the_right_counts_in_every_firm_of_the_login(
    app: Flask, installation: Installation, second: AccessContext, operator: Person
) -> None:
    other = make_person(second)
    with installation.database.writing() as session:
        session.execute(update(Person).filter_by(id=other.id).values(email_key=operator.email_key))
    browser = anonymous_client(app)
    choice = {"email": operator.email, "password": PASSWORD}
    assert browser.send("/log-in", "/log-in", **choice).status_code == 200
    entered = {"with": "firm", "person": other.public_id}
    assert browser.send("/log-in", "/log-in", **entered).status_code == 303
    assert SECOND in browser.read("/firms")
    alone = PageClient(logged_in(app, second, make_person(second, "admin")))
    assert alone.get("/firms").status_code == 403


def test_a_deleted_folder_of_a_firm_stops_no_deletion(
    installation: Installation, second: AccessContext, page: PageClient
) -> None:
    path = address(installation, second)
    page.send(f"{path}/suspend", path)
    folder = Path(installation.settings.data_dir) / "workspaces"
    assert page.send(f"{path}/delete", path, name=SECOND).status_code == 303
    assert not list(folder.glob("*"))
