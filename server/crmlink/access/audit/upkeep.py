"""Upkeep of the audit: beginning to sign and to anchor, and acceptance of findings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, aliased

from crmlink.access.audit.check import check, verify_audit
from crmlink.access.audit.findings import Code
from crmlink.access.audit.rows import Row, details_of_row, last_row, rows
from crmlink.access.audit.seals import CHECKED, SOUND, Evidence, gather, put_seal
from crmlink.access.audit.vouching import SUBJECT, Action, Vouched
from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.store import AuditEntry, AuditSigner, Database, Workspace
from crmlink.store.audit import append_entry
from crmlink.store.audit.entries import MAX_POSITION

EVERYTHING = Vouched(until=2**63)  # beyond any entry: other keys' signatures are expected


def prepare_audit(database: Database) -> None:
    """Start signing and anchoring if necessary, and record present findings.

    Call it at each start. Raises OSError if the anchor file cannot be created.
    """
    signer = database.audit_signer
    for workspace_id in _perhaps_due(database):
        evidence = gather(database, workspace_id)
        with database.reading() as session:
            due = _due(session, signer, workspace_id, evidence)
        if due:
            signer.anchors.begin()
            with database.writing() as session:
                _vouch(session, signer, workspace_id, evidence)
    signer.anchors.begin()


def _perhaps_due(database: Database) -> list[int]:
    """Return the workspaces but those whose last entry this key signed, and that have anchors.

    For many it is one query, and one reading of the anchor file.
    """
    signer = database.audit_signer
    anchors = signer.anchors.read()
    anchored = anchors.lines().by_workspace if anchors else {}
    newest = aliased(AuditEntry)
    key_id = (
        select(newest.key_id)
        .where(newest.workspace_id == Workspace.id, newest.position < MAX_POSITION)
        .order_by(newest.position.desc(), newest.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    with database.reading() as session:
        try:
            found = session.execute(select(Workspace.id, key_id)).all()
        except DBAPIError:  # an invalid text was written
            return list(session.scalars(select(Workspace.id)))
    return [each for each, key in found if key != signer.key_id or each not in anchored]


def accept_findings(access: AccessContext, actor: Actor) -> list[Code]:
    """Accept all present findings on behalf of a person; returns their codes.

    From then on the audit is verified against its present state, with a new anchor file; the old
    one is kept beside it. The acceptance stays recorded. Raises OSError.
    """
    database, signer = access.database, access.database.audit_signer
    verdict = verify_audit(database, access.workspace_id)
    codes = {finding.code for finding in verdict.findings}
    codes.update(*(noted.codes for noted in verdict.noted))
    if not codes:
        return []
    with database.writing() as session:
        wrong = _wrong(session, signer, access.workspace_id)
        signer.anchors.set_aside()
        signer.anchors.begin()
        details = {"findings": sorted(codes), "wrong": wrong}
        record_audit(session, access, actor, Action.ACCEPTED, SUBJECT, **details)
        put_seal(session, signer, access.workspace_id, CHECKED, SOUND)
    return sorted(codes)


def _due(
    session: Session, signer: AuditSigner, workspace_id: int, evidence: Evidence
) -> Action | None:
    """Return the vouching entry to add, if any."""
    if _was_left_behind(evidence, workspace_id):
        return Action.ANCHORS_BEGUN
    last = last_row(session, workspace_id)
    if last is None:
        return None
    if last.key_id is None and not _has_signed(session, workspace_id):
        return Action.SIGNED
    if last.key_id not in (None, signer.key_id):
        return Action.KEY_CHANGED
    return None if _is_anchored(evidence, workspace_id) else Action.ANCHORS_BEGUN


def _vouch(session: Session, signer: AuditSigner, workspace_id: int, evidence: Evidence) -> None:
    due = _due(session, signer, workspace_id, evidence)  # again, under the write lock
    if due is None:
        return
    by = None if due is Action.ANCHORS_BEGUN else EVERYTHING
    verdict = check(session, signer, workspace_id, evidence, by).verdict
    codes = {finding.code for finding in verdict.findings}
    match due:
        case Action.SIGNED if not _is_anchored(evidence, workspace_id):
            codes.discard(Code.ANCHORS_MISSING)  # first start with this version
            if _was_broken(session, workspace_id):
                codes.add(Code.LINE_CHANGED)
        case Action.SIGNED:
            codes.add(Code.LINE_UNSIGNED)  # it was signed before: only then there are anchors
        case Action.KEY_CHANGED:
            codes.add(Code.KEY_CHANGED)
        case _ if _was_left_behind(evidence, workspace_id):
            codes.add(Code.WORKSPACE_CHANGED)
        case _:
            codes.add(Code.ANCHORS_MISSING)
    details: dict[str, Any] = {}
    if codes:
        details = {"findings": sorted(codes), "wrong": _wrong(session, signer, workspace_id)}
    if verdict.broken_at:
        details["line"] = verdict.broken_at
    append_entry(session, workspace_id, due, SUBJECT, **details)


def _wrong(session: Session, signer: AuditSigner, workspace_id: int) -> str:
    """Return a digest of all faults up to now; "" without any."""
    return check(session, signer, workspace_id, Evidence(None, {}), EVERYTHING).wrong


def _is_anchored(evidence: Evidence, workspace_id: int) -> bool:
    return evidence.anchors is not None and bool(evidence.anchors.lines().of(workspace_id))


def _was_left_behind(evidence: Evidence, workspace_id: int) -> bool:
    """Whether the anchors are of other audits only, so that this one took another's place.

    A second workspace must leave an anchor when it is made.
    """
    others = evidence.anchors.lines().by_workspace if evidence.anchors else {}
    return bool(others) and workspace_id not in others


def _has_signed(session: Session, workspace_id: int) -> bool:
    query = select(AuditEntry.id).filter_by(workspace_id=workspace_id)
    return session.scalar(query.where(AuditEntry.key_id.is_not(None)).limit(1)) is not None


def _was_broken(session: Session, workspace_id: int) -> bool:
    """Return whether an audit merged into this one was faulty at the merge of workspaces."""
    conditions = AuditEntry.workspace_id == workspace_id, AuditEntry.action == "workspace.merged"
    try:
        return any(
            audit["broken_at"]
            for chunk in rows(session, *conditions)
            for row in chunk
            for audit in details_of_row(Row._make(row))["audits"]
        )
    except (ValueError, TypeError, KeyError):  # its details were changed
        return True
