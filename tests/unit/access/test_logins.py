"""What concerns all firms of a login reaches them, where PostgreSQL separates them too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from crmlink.access.logins import find_membership, join_logins, other_memberships
from crmlink.access.people import change_password, find_person
from crmlink.access.sessions import create_session, end_sessions
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.installation import Installation
from crmlink.store import AuditEntry, Person, WebSession
from crmlink.store.workspaces import list_workspaces
from support.access_factories import PASSWORD, make_person, page_actor
from support.installations import installation_of, open_app

NEW = "a bucket of elbow joints"


@pytest.fixture
def app(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    with open_app(tmp_path, database_url=database_url) as app:
        yield app


@pytest.fixture
def installation(app: Flask) -> Installation:
    return installation_of(app)


@pytest.fixture
def both(installation: Installation) -> tuple[Person, Person]:
    """One person, in two firms."""
    context = installation.sign_in
    rename_workspace(context, list_workspaces(installation.database)[0], "Holloway Plumbing")
    made, _ = make_workspace(context, "Quill Heating")
    people = [make_person(installation.access), make_person(context.of(made.id))]
    join_logins(context, people)
    here, there = (find_person(context.of(each.workspace_id), each.public_id) for each in people)
    return here, there


def open_sessions(installation: Installation) -> list[int]:
    query = select(WebSession.person_id).filter_by(ended_at=None).order_by(WebSession.person_id)
    with installation.database.reading() as session:
        return list(session.scalars(query))


def test_each_membership_leads_to_the_other(
    installation: Installation, both: tuple[Person, Person]
) -> None:
    here, there = both
    found = other_memberships(installation.sign_in, here)
    assert [(person.id, name) for person, name in found] == [(there.id, "Quill Heating")]
    assert find_membership(installation.sign_in, there, here.public_id).id == here.id


def test_a_new_password_and_signing_out_reach_the_other_firm(
    installation: Installation, both: tuple[Person, Person]
) -> None:
    here, there = both
    elsewhere = installation.sign_in.of(there.workspace_id)
    create_session(elsewhere, there, "", "")
    change_password(installation.access, page_actor(installation.access, here), PASSWORD, NEW)
    assert open_sessions(installation) == []
    hashes = {
        find_person(installation.sign_in.of(each.workspace_id), each.public_id).password_hash
        for each in both
    }
    assert len(hashes) == 1
    assert hashes != {here.password_hash}
    create_session(elsewhere, there, "", "")
    actor = page_actor(installation.access, here)
    end_sessions(installation.access, actor, here.public_id)
    assert open_sessions(installation) == []
    with installation.database.reading() as session:
        noted = session.scalars(
            select(AuditEntry.action)
            .filter_by(workspace_id=there.workspace_id, subject=there.public_id)
            .order_by(AuditEntry.id)
        ).all()
    assert {"person.login_joined", "person.password_changed", "session.all_ended"} <= set(noted)
