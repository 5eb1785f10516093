"""Upkeep of the audits of many firms asks the database as little as that of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select, update

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.findings import Code
from crmlink.access.audit.flushing import flush_anchors
from crmlink.access.audit.upkeep import prepare_audit
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.installation import Installation
from crmlink.store import AuditSeal
from crmlink.store.audit import append_entry
from crmlink.store.workspaces import list_workspaces

FIRMS = 5


@pytest.fixture
def firms(installation: Installation) -> list[int]:
    """The ids of firms whose anchors are on the disk, and remembered."""
    first = list_workspaces(installation.database)[0]
    rename_workspace(installation.sign_in, first, "Firm 0")
    for number in range(1, FIRMS):
        make_workspace(installation.sign_in, f"Firm {number}")
    flush_anchors(installation.database)
    return [each.id for each in list_workspaces(installation.database)]


@contextmanager
def statements(installation: Installation) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(installation.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(installation.database.engine, "before_cursor_execute", note)


def seals(installation: Installation) -> dict[int, int]:
    """How many bytes of the anchor file are remembered, by firm."""
    file = installation.database.audit_signer.anchors.read()
    assert file
    with installation.database.reading() as session:
        found = session.execute(
            select(AuditSeal.workspace_id, AuditSeal.position).filter_by(subject=file.file_id)
        )
        return dict(found.tuples().all())


def add_entry(installation: Installation, workspace_id: int) -> None:
    with installation.database.writing() as session:
        append_entry(session, workspace_id, "link.linked", "customer-1")


def test_where_nothing_is_new_firms_cost_no_statement_each(
    installation: Installation, firms: list[int]
) -> None:
    with statements(installation) as seen:
        flush_anchors(installation.database)
        prepare_audit(installation.database)
    assert len([each for each in seen if "audit" in each]) < FIRMS
    assert not [each for each in seen if each.startswith(("INSERT", "DELETE", "UPDATE"))]


def test_only_firms_with_new_entries_have_their_anchors_remembered_anew(
    installation: Installation, firms: list[int]
) -> None:
    before = seals(installation)
    assert set(before) == set(firms)
    add_entry(installation, firms[2])
    flush_anchors(installation.database)
    after = seals(installation)
    assert [each for each in firms if after[each] > before[each]] == [firms[2]]


def test_each_firm_is_told_of_its_own_anchors_that_are_gone(
    installation: Installation, firms: list[int]
) -> None:
    file = installation.database.audit_signer.anchors
    whole = file.path.read_bytes()
    add_entry(installation, firms[2])
    flush_anchors(installation.database)
    file.path.write_bytes(whole)
    found = {each: verify_audit(installation.database, each).findings for each in firms}
    assert [each.code for each in found.pop(firms[2])] == [Code.ANCHORS_CUT]
    assert not any(found.values())
    file.path.write_bytes(whole[: len(whole) // 2])
    flush_anchors(installation.database)  # which remembers no shorter file
    for each in firms[1:]:
        assert Code.ANCHORS_CUT in {
            finding.code for finding in verify_audit(installation.database, each).findings
        }


def test_a_seal_that_someone_else_wrote_keeps_no_firm_from_a_new_one(
    installation: Installation, firms: list[int]
) -> None:
    before = seals(installation)
    with installation.database.writing() as session:
        session.execute(update(AuditSeal).values(position=2**31 - 1))
    flush_anchors(installation.database)
    assert seals(installation) == dict.fromkeys(firms, max(before.values()))


def test_an_entry_without_its_anchor_gets_one(installation: Installation, firms: list[int]) -> None:
    """Another machine wrote it, or this one's disk was full."""
    file = installation.database.audit_signer.anchors
    whole = file.path.read_bytes()
    add_entry(installation, firms[3])
    file.path.write_bytes(whole)
    flush_anchors(installation.database)
    added = file.path.read_bytes().removeprefix(whole)
    assert added.startswith(f"\n{firms[3]} ".encode())
    assert added.count(b"\n") == 1
