"""Anchors made durable, for all workspaces at once: what has nothing new costs nothing."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crmlink.access.audit.rows import IS_POSITIONED, Row, last_row, time_of_row
from crmlink.access.audit.seals import NOTHING, changed_starts, put_seal, seal_of, seals_of_file
from crmlink.store import AuditEntry, AuditSigner, Database, Workspace
from crmlink.store.audit import Anchors
from crmlink.store.audit.anchors import HASH

AT_ONCE = 100  # workspaces whose seals are written in one transaction, which others wait for


def flush_anchors(database: Database) -> None:
    """Flush the anchors to disk, with one of each newest entry, and remember their state.

    Raises OSError. Missing remembered anchors are left to ``verify_audit``. A workspace's state is
    remembered when it has new anchors: what follows its own last one in the file is no concern of
    its audit.
    """
    signer = database.audit_signer
    with database.reading() as session:
        newest = _newest_positions(session)
    anchors = signer.anchors.read()
    if anchors is None:
        return
    with database.reading() as session:
        known = seals_of_file(session, signer, anchors.file_id)
        changed = changed_starts(anchors, known)
        lines = anchors.lines()
        for workspace_id in newest.keys() - changed:
            highest = max((each.position for each in lines.of(workspace_id)), default=-1)
            if newest[workspace_id] > highest:
                _anchor_last(session, signer, workspace_id)
    _remember(database, anchors, newest.keys() - changed)


def _newest_positions(session: Session) -> dict[int, int]:
    """Return the sequence number of the last entry of each workspace that has any."""
    position = (
        select(func.max(AuditEntry.position))
        .where(AuditEntry.workspace_id == Workspace.id, IS_POSITIONED)
        .scalar_subquery()
    )
    found = session.execute(select(Workspace.id, position))
    return {workspace_id: last for workspace_id, last in found if last is not None}


def _anchor_last(session: Session, signer: AuditSigner, workspace_id: int) -> None:
    last = last_row(session, workspace_id)
    if last and _is_ours(last, signer):
        signer.anchor(workspace_id, last.position, last.hash, time_of_row(last))


def _is_ours(row: Row, signer: AuditSigner) -> bool:
    """Whether crmlink signed a row; what others wrote there must not become an anchor."""
    try:
        time_of_row(row)
    except (ValueError, OverflowError):
        return False
    is_hash = isinstance(row.hash, str) and HASH.fullmatch(row.hash)
    return bool(is_hash) and row.mac == signer.sign("entry", row.hash)


def _remember(database: Database, before: Anchors, workspaces: set[int]) -> None:
    """Flush the anchor file, and seal it for those that it has new anchors of."""
    signer = database.audit_signer
    anchors = signer.anchors.read()
    if anchors is None or not anchors.file_id or not anchors.content.startswith(before.content):
        return
    ends = anchors.lines().ends
    with database.reading() as session:
        known = seals_of_file(session, signer, anchors.file_id)
    due = [each for each in ends.keys() & workspaces
           if ends[each] > known.get(each, NOTHING).position]  # fmt: skip
    if not due:
        return
    signer.anchors.flush()
    seal = seal_of(anchors)
    for start in range(0, len(due), AT_ONCE):
        with database.writing() as session:
            sealed = seals_of_file(session, signer, anchors.file_id)
            for workspace_id in due[start : start + AT_ONCE]:
                if sealed.get(workspace_id) == known.get(workspace_id):  # none meanwhile
                    put_seal(session, signer, workspace_id, anchors.file_id, seal)
