"""Migration 0006: an installation's sandbox and accounts become one firm, and no one comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from crmlink.access.audit.findings import Code
from crmlink.access.audit.log import entries, verify
from crmlink.access.audit.upkeep import prepare_audit
from crmlink.access.context import AccessContext
from crmlink.access.people import list_people
from crmlink.store import (
    AuditEntry,
    AuditSigner,
    Batch,
    BatchRow,
    ConnectionKind,
    Database,
    Device,
    Link,
    MirroredRecord,
    PackageHost,
    Person,
    WebSession,
    Workspace,
    WorkspaceConnection,
)
from security.attack_fixture import everything
from unit.store.revision_0004 import ACCOUNT, OldDatabase, day


@pytest.fixture
def old(empty_database_url: str, tmp_path: Path) -> Iterator[OldDatabase]:
    database = Database(empty_database_url, signer=AuditSigner.of("k" * 48, tmp_path))
    yield OldDatabase(database)
    database.close()


def both(old: OldDatabase) -> tuple[int, int]:
    """A sandbox, and the account that was connected on the tenth day and is in use."""
    sandbox = old.workspace("sandbox", synced_at=day(10))
    account = old.workspace(
        ACCOUNT, 10, connected_at=day(10), credentials="locked", synced_at=day(20)
    )
    old.entry(sandbox, 0, "session.begun")
    return sandbox, account


def firm(old: OldDatabase) -> AccessContext:
    with old.database.reading() as session:
        return AccessContext(old.database, session.query(Workspace).one().id, "k" * 48)


def chain(old: OldDatabase) -> list[tuple[int, str]]:
    with old.database.reading() as session:
        query = text("SELECT place, hash FROM audit_entry ORDER BY place")
        return [tuple(row) for row in session.execute(query)]


def person(old: OldDatabase, person_id: int) -> Person:
    with old.database.reading() as session:
        return session.get_one(Person, person_id)


def test_a_person_who_was_erased_at_the_account_is_erased_everywhere(old: OldDatabase) -> None:
    sandbox, account = both(old)
    anna = old.invited(sandbox, "Anna", 1, role="admin")
    eve = old.invited(sandbox, "Eve", 2)
    old.copied(anna, account, 10)
    copy = old.copied(eve, account, 10)
    browser = old.device(sandbox, eve, name="Eve's laptop")
    old.session(eve)
    old.remove(copy, 12)
    old.erase(copy, 12)
    old.migrate()
    assert [one.name for one in list_people(firm(old))] == ["Anna"]
    gone = person(old, eve)
    assert (gone.removed_at, gone.password_hash, gone.name) == (day(12), None, "(erased)")
    with old.database.reading() as session:
        assert session.get_one(Device, browser).revoked_at
        assert session.query(WebSession).one().ended_at
    rows = everything(old.database)
    details = repr([rows[table] for table in ("person", "device", "page_session")])
    assert "Eve" not in details
    assert "eve@" not in details


def test_a_person_who_was_removed_in_practice_is_removed_at_the_account(old: OldDatabase) -> None:
    sandbox, account = both(old)
    eve = old.invited(sandbox, "Eve", 2)
    copy = old.copied(eve, account, 10)
    old.remove(eve, 15)
    old.migrate()
    assert list_people(firm(old)) == []
    assert person(old, copy).password_hash is None


def test_a_copy_that_was_made_after_the_removal_is_no_invitation(old: OldDatabase) -> None:
    sandbox, account = both(old)
    eve = old.invited(sandbox, "Eve", 2)
    copy = old.copied(eve, account, 10)
    other = old.workspace("https://crm.example/api#second", 14, synced_at=day(16))
    old.remove(eve, 13)
    later = old.copied(copy, other, 14)
    old.entry(other, 15, "person.joined", old.public_id(later), by="single sign-on")
    old.migrate()
    assert list_people(firm(old)) == []


@pytest.mark.parametrize("action", ["person.invited", "person.invited_again"])
def test_who_was_invited_again_after_the_removal_stays(old: OldDatabase, action: str) -> None:
    sandbox, account = both(old)
    eve = old.invited(sandbox, "Eve", 2, password_hash="old")
    copy = old.copied(eve, account, 10)
    old.remove(copy, 12)
    back = old.person(account, "Eve", 13, role="manager", password_hash=None, joined_at=None)
    old.entry(account, 13, action, old.public_id(back))
    old.migrate()
    (found,) = list_people(firm(old))
    assert (found.id, found.role, found.password_hash) == (back, "manager", None)
    assert person(old, eve).removed_at, "the copy of before was removed with the person"


def test_each_person_has_the_newest_of_what_was_settled_anywhere(old: OldDatabase) -> None:
    sandbox, account = both(old)
    ours = old.invited(sandbox, "Bo", 1, role="admin")
    copy = old.copied(ours, account, 10)
    old.set_person(ours, 15, "person.password_changed", password_hash="newest")
    old.set_person(copy, 12, "person.password_changed", password_hash="older")
    old.set_person(copy, 13, "person.role", role="clerk")
    old.set_person(ours, 14, "person.renamed", name="Bo Tanner")
    old.session(copy)
    browser, script = old.device(sandbox, ours), old.device(account, copy, sort="script")
    old.migrate()
    (found,) = list_people(firm(old))
    assert found.id == copy, "what was done at the account stays one's own"
    assert (found.name, found.role, found.password_hash) == ("Bo Tanner", "clerk", "newest")
    assert found.joined_at == day(1)
    with old.database.reading() as session:
        devices = session.query(Device).where(Device.id.in_([browser, script])).all()
        assert session.query(WebSession).one().ended_at, "that password is not the newest"
    assert {(one.person_id, one.workspace_id) for one in devices} == {
        (copy, firm(old).workspace_id)
    }
    ended = {one.id: one.revoked_at is not None for one in devices}
    assert ended == {browser: True, script: False}, "browsers without a key pair again"


def test_people_of_one_workspace_only_come_along(old: OldDatabase) -> None:
    sandbox, account = both(old)
    old.invited(sandbox, "Zoe", 1)
    late = old.person(sandbox, "Late", 2, password_hash=None, joined_at=None)
    old.invited(account, "Ann", 11, role="admin")
    old.migrate()
    assert [one.name for one in list_people(firm(old))] == ["Ann", "Late", "Zoe"]
    assert person(old, late).joined_at is None


def test_tokens_that_were_all_revoked_at_one_workspace_are_revoked_at_both(
    old: OldDatabase,
) -> None:
    sandbox, account = both(old)
    before = old.device(sandbox, sort="script", created_at=day(5))
    after = old.device(sandbox, sort="script", created_at=day(14))
    browser = old.device(sandbox, created_at=day(5))
    old.entry(account, 12, "token.all_revoked")
    old.migrate()
    with old.database.reading() as session:
        revoked = {one.id: one.revoked_at is not None for one in session.query(Device)}
    assert revoked == {before: True, after: False, browser: True}


def test_practice_goes_and_what_belongs_to_accounts_stays(old: OldDatabase) -> None:
    sandbox, account = both(old)
    former = old.workspace("https://crm.example/api#former", 3, synced_at=day(4))
    device = old.device(account)
    kept = {}
    for workspace in (sandbox, account, former):
        old.record(workspace, 1001, "Ann")
        link = old.link(workspace, device)
        old.link(workspace, device, undoes_id=link, state="intended")
        kept[workspace] = old.batch(workspace, device, link)
        old.add(
            "lookalike", workspace_id=workspace, first_id="a", second_id="b", likeness=0.5,
            reasons=[], found_at=day(1),
        )  # fmt: skip
    old.migrate()
    with old.database.reading() as session:
        connections = {one.id: one for one in session.query(WorkspaceConnection)}
        counted = {
            table: sorted(session.scalars(select(column)))
            for table, column in (
                ("record", MirroredRecord.connection_id),
                ("link", Link.connection_id),
                ("batch", Batch.connection_id),
            )
        }
        rows = {row.batch_id for row in session.query(BatchRow)}
    assert set(connections) == {account, former}
    in_use, ended = connections[account], connections[former]
    assert (in_use.kind, in_use.base_url, in_use.client_id) == (
        ConnectionKind.API,
        "https://crm.example/api",
        "firm",
    )
    assert (in_use.ended_at, in_use.credentials) == (None, "locked")
    assert (ended.ended_at, ended.credentials) == (day(4), None)
    assert counted == {
        "record": [account, former],
        "link": [account, account, former, former],
        "batch": [account, former],
    }
    assert rows == {kept[account], kept[former]}
    details = entries(firm(old), action="workspace.merged")[0].entry.details
    assert details["practice"] == {"records": 1, "links": 2, "lists": 1}


def test_a_firm_that_only_practised_goes_on_practising(old: OldDatabase) -> None:
    sandbox = old.workspace("sandbox", synced_at=day(3))
    anna = old.invited(sandbox, "Anna", 1, role="admin")
    old.session(anna, 2)
    device = old.device(sandbox, anna)
    link = old.link(sandbox, device)
    before = chain(old)
    old.migrate()
    assert chain(old) == before
    with old.database.reading() as session:
        connection = session.query(WorkspaceConnection).one()
        assert session.get_one(Link, link).connection_id == connection.id
        assert session.query(WebSession).one().ended_at is None
    assert (connection.kind, connection.ended_at) == (ConnectionKind.SANDBOX, None)
    assert person(old, anna).password_hash == "hash of Anna"
    prepare_audit(old.database)
    assert verify(firm(old)).sound


def test_the_account_of_the_environment_is_the_one_that_was_read_last(old: OldDatabase) -> None:
    old.workspace("sandbox", synced_at=day(3))
    kept = old.workspace(ACCOUNT, connected_at=day(4), credentials="locked", synced_at=day(5))
    used = old.workspace("https://crm.example/api#env", 6, synced_at=day(9))
    old.migrate()
    with old.database.reading() as session:
        ended = {one.id: one.ended_at for one in session.query(WorkspaceConnection)}
    assert ended == {kept: day(5), used: None}


def test_several_audits_become_one_that_holds_and_says_what_they_were(old: OldDatabase) -> None:
    sandbox, account = both(old)
    for at in (1, 11, 11.5):
        old.entry(sandbox, at, "host.added", "sage_200", host="sage.example")
    for at in (10, 11.2, 12):
        old.entry(account, at, "token.created", "t", days=90)
    ends = dict(old.chains)  # what a log of before repeats
    old.migrate()
    prepare_audit(old.database)
    access = firm(old)
    verdict = verify(access)
    assert (verdict.sound, verdict.count) == (True, 9)
    with old.database.reading() as session:
        *before, last, _signed = session.query(AuditEntry).order_by(AuditEntry.position)
    assert [row.at for row in before] == sorted(row.at for row in before)
    details = {
        one["workspace"]: (one["entries"], one["last_hash"]) for one in last.details["audits"]
    }
    assert details == ends
    assert {one["broken_at"] for one in last.details["audits"]} == {None}
    with pytest.raises(Exception, match="only ever added to"), old.database.writing() as session:
        session.execute(text("UPDATE audit_entry SET action = 'x'"))


def test_a_break_in_an_audit_of_before_is_not_hidden_by_the_new_chain(old: OldDatabase) -> None:
    sandbox, account = both(old)
    old.entry(account, 11, "token.created", "t")
    old.chains[account] = (1, "f" * 64)
    old.entry(account, 12, "token.revoked", "t")
    old.migrate()
    (details,) = entries(firm(old), action="workspace.merged")
    broken = {one["workspace"]: one["broken_at"] for one in details.entry.details["audits"]}
    assert broken == {sandbox: None, account: 2}
    prepare_audit(old.database)
    (noted,) = verify(firm(old)).noted
    assert noted.codes == (Code.LINE_CHANGED,)


def test_settings_and_addresses_of_packages_are_kept_from_wherever_they_were_made(
    old: OldDatabase,
) -> None:
    sandbox = old.workspace("sandbox", synced_at=day(3), preferences={"pairing_needs_admin": True})
    account = old.workspace(ACCOUNT, 4, connected_at=day(4), credentials="locked")
    for workspace, host in ((sandbox, "a.example"), (account, "a.example"), (sandbox, "b.example")):
        old.add("package_host", workspace_id=workspace, package="sage_200", host=host)
    old.migrate()
    with old.database.reading() as session:
        assert sorted(one.host for one in session.query(PackageHost)) == ["a.example", "b.example"]
        assert session.query(Workspace).one().preferences == {"pairing_needs_admin": True}


def test_ids_of_connections_go_on_after_those_that_were_there(old: OldDatabase) -> None:
    _, account = both(old)
    old.migrate()
    with old.database.writing() as session:
        session.get_one(WorkspaceConnection, account).ended_at = day(30)
        session.flush()
        added = WorkspaceConnection(
            workspace_id=firm(old).workspace_id, kind=ConnectionKind.SANDBOX
        )
        session.add(added)
        session.flush()
        assert added.id > account


def test_an_empty_database_of_before_becomes_an_empty_one(old: OldDatabase) -> None:
    old.migrate()
    with old.database.reading() as session:
        assert session.query(Workspace).count() == session.query(WorkspaceConnection).count() == 0
