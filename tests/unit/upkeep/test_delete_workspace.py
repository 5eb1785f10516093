"""A firm's deletion leaves nothing of it but figures, and all of every other firm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, func, select
from sqlalchemy.exc import DBAPIError

from crmlink.access.audit.check import verify_audit
from crmlink.access.context import SignInContext
from crmlink.access.workspaces import (
    list_deleted,
    make_workspace,
    rename_workspace,
    suspend_workspace,
)
from crmlink.installation.folders import folder_of
from crmlink.store import AuditEntry, Database, Workspace
from crmlink.store.belonging import belongs_to, tables_of_workspaces
from crmlink.store.workspaces import find_workspace, list_workspaces
from crmlink.upkeep.delete_workspace import FirstWorkspace, NotSuspended, delete_workspace
from security.attack_fixture import AttackFixture, everything, make_target
from security.routes import every_route
from support.access_factories import make_person, pair
from support.installations import installation_of, open_app

FIRST = 0  # number of a firm that comes before the one with something of everything


@pytest.fixture
def app(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    with open_app(tmp_path, database_url=database_url) as found:
        yield found


@pytest.fixture
def target(app: Flask) -> AttackFixture:
    """Something of everything in one firm, and a person with a browser in two others."""
    target = make_target(app)
    with installation_of(app).database.writing() as session:
        session.add(Workspace(id=FIRST, name="The first firm"))
    for route in every_route(app):
        route.path(target)
    for workspace_id in (FIRST, target.other.workspace_id):
        access = target.access.of(workspace_id)
        pair(access, make_person(access))
    return target


@pytest.fixture
def context(app: Flask) -> SignInContext:
    return installation_of(app).sign_in


def suspended(context: SignInContext, workspace_id: int) -> Workspace:
    workspace = find_workspace(context.database, workspace_id)
    suspend_workspace(context, workspace, suspended=True)
    return workspace


def counts(database: Database, workspace_id: int) -> dict[str, int]:
    with database.reading() as session:
        return {
            table.name: session.scalar(
                select(func.count()).select_from(table).where(belongs_to(table, workspace_id))
            )
            or 0
            for table in tables_of_workspaces()
        }


def test_all_of_a_deleted_firm_is_gone_and_nothing_of_another(
    target: AttackFixture, context: SignInContext, tmp_path: Path
) -> None:
    database, own, other = context.database, target.access.workspace_id, target.other.workspace_id
    workspace = suspended(context, own)
    (folder_of(tmp_path, workspace) / "upload").write_text("Margaret Holloway")
    gone, before = counts(database, own), everything(database)
    assert min(gone[name] for name in ("person", "link", "audit_entry", "source_contact")) > 0
    kept = {workspace_id: counts(database, workspace_id) for workspace_id in (FIRST, other)}
    stays = delete_workspace(context, workspace, tmp_path)
    assert (stays.people, stays.entries) == (gone["person"], gone["audit_entry"])
    assert not any(counts(database, own).values())
    assert {each: counts(database, each) for each in kept} == kept
    after = everything(database)
    for name, number in gone.items():
        assert len(after[name]) == len(before[name]) - number, name
    assert "Holloway" not in str(after)
    assert not (tmp_path / "workspaces" / workspace.public_id).exists()
    assert [each.public_id for each in list_deleted(context)] == [workspace.public_id]


def test_the_audit_of_others_is_guarded_and_sound_afterwards(
    target: AttackFixture, context: SignInContext, tmp_path: Path
) -> None:
    other = target.other.workspace_id
    delete_workspace(context, suspended(context, target.access.workspace_id), tmp_path)
    suspended(context, other)  # appends to it
    with (
        pytest.raises(DBAPIError, match="only ever added to"),
        context.database.writing() as session,
    ):
        session.execute(delete(AuditEntry).where(AuditEntry.workspace_id == other))
    assert verify_audit(context.database, other).sound


def test_no_firm_gets_the_number_of_a_deleted_one(context: SignInContext, tmp_path: Path) -> None:
    rename_workspace(context, list_workspaces(context.database)[0], "The first firm")
    made, _ = make_workspace(context, "Quill Heating")
    delete_workspace(context, suspended(context, made.id), tmp_path)
    again, _ = make_workspace(context, "Quill Heating")
    assert again.id > made.id
    assert verify_audit(context.database, again.id).sound


def test_a_firm_that_works_and_the_first_one_are_not_deleted(
    target: AttackFixture, context: SignInContext, tmp_path: Path
) -> None:
    own = find_workspace(context.database, target.access.workspace_id)
    file = folder_of(tmp_path, own) / "upload"
    file.write_text("contacts")
    rows = everything(context.database)
    with pytest.raises(NotSuspended):
        delete_workspace(context, own, tmp_path)
    assert everything(context.database) == rows
    assert file.exists()
    with pytest.raises(FirstWorkspace):
        delete_workspace(context, suspended(context, FIRST), tmp_path)
