"""Verification of an audit: its chain, its signatures, and the anchors outside the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from crmlink.access.audit.findings import Code, Finding, Verdict
from crmlink.access.audit.fingerprint import Fingerprint
from crmlink.access.audit.redaction import read_redactions
from crmlink.access.audit.rows import Row, rows
from crmlink.access.audit.seals import (
    CHECKED,
    SOUND,
    UNSOUND,
    VERIFIED,
    Evidence,
    Verified,
    begins_as,
    gather,
    put_seal,
    seal_of,
)
from crmlink.access.audit.vouching import Vouched, read_vouching
from crmlink.access.audit.walk import Comparison, Walk
from crmlink.store import AuditEntry, AuditSigner, Database
from crmlink.store.audit import Anchors
from crmlink.store.audit.anchors import AnchorLines

REMEMBERED_AFTER = 200  # new entries
CHUNK_SIZE = 500


class Checked(NamedTuple):
    """A verdict, what to remember of it if it is sound, and a digest of faults before vouching.

    Nothing is to be remembered if little was added to what is already.
    """

    verdict: Verdict
    remember: Verified | None
    wrong: str


def verify_audit(database: Database, workspace_id: int) -> Verdict:
    """Verify the whole audit of a workspace, and remember how far it was intact.

    Entries verified before are compared with their remembered fingerprint, which is faster and
    detects as much. Raises AuditUnsigned.
    """
    signer = database.audit_signer
    evidence = gather(database, workspace_id)
    with database.snapshot() as session:
        verdict, remember, _ = check(session, signer, workspace_id, evidence)
    seals = {}
    if verdict.sound and remember:
        seals[VERIFIED] = remember.seal
    if verdict.sound is not evidence.was_sound:
        seals[CHECKED] = SOUND if verdict.sound else UNSOUND
    if seals:
        with database.writing() as session:
            for subject, seal in seals.items():
                put_seal(session, signer, workspace_id, subject, seal)
    return verdict


def check(
    session: Session,
    signer: AuditSigner,
    workspace_id: int,
    evidence: Evidence,
    vouched: Vouched | None = None,
) -> Checked:
    """Verify an audit by its vouching entries, or by given ones."""
    vouched = vouched or read_vouching(session, signer, workspace_id)
    passage = _Passage(session, signer, workspace_id, evidence, vouched)
    passage.go()
    walk = passage.walk
    findings = [*_of_anchor_file(evidence, walk.count), *passage.comparison.findings(walk.position)]
    if passage.anchors_are_damaged:
        findings.append(Finding(Code.ANCHORS_DAMAGED))
    if walk.first_before and walk.wrong_before != vouched.wrong:
        findings.append(walk.first_before)
    if walk.first_after:
        findings.append(walk.first_after)
    last_hash = walk.hash if walk.count else ""
    verdict = Verdict(walk.count, last_hash, tuple(findings), vouched.noted, vouched.accepted)
    remember = passage.to_remember() if verdict.sound else None
    return Checked(verdict, remember, walk.wrong_before)


class _Passage:
    """One pass over all rows of an audit."""

    def __init__(
        self,
        session: Session,
        signer: AuditSigner,
        workspace_id: int,
        evidence: Evidence,
        vouched: Vouched,
    ) -> None:
        self._session, self._workspace_id = session, workspace_id
        self._known, self._vouched = evidence.verified, vouched
        self._anchors = evidence.anchors or Anchors("", b"")
        redacted = read_redactions(session, signer, workspace_id, vouched.until)
        self.walk = Walk(signer, workspace_id, vouched.until, redacted)
        self._fingerprint = Fingerprint(session, workspace_id)
        self._resumed_at: int | None = None
        self.comparison = Comparison(())
        self.anchors_are_damaged = False

    def go(self) -> None:
        """Process the rows, those unchanged since their last verification quickly."""
        if not self._resume():
            self._compare_with(self._anchors.lines())
        new = true() if self._resumed_at is None else AuditEntry.position > self._resumed_at
        for chunk in self._rows(new):
            self.comparison.see(chunk)
            for row in chunk:
                self.walk.take(Row._make(row))

    def _resume(self) -> bool:
        """Skip the rows that are as they were when last verified, if all of them are."""
        known = self._known
        if known.position < max(self._vouched.until, 1) or not begins_as(
            self._anchors, known.anchors
        ):
            return False
        if not (
            self._fingerprint.add(None, known.position)
            and self._fingerprint.hexdigest == known.rows
        ):
            return False
        self._resumed_at = known.position
        last = [
            row for chunk in self._rows(AuditEntry.position == known.position) for row in chunk
        ][-1]
        self.walk.resume(Row._make(last), self._count(known.position))
        self._compare_with(self._anchors.lines(known.anchors.position))
        self._see_anchored(known.position)
        return True

    def to_remember(self) -> Verified | None:
        """Return what to remember after an intact audit; None if that is known already.

        The rows are those just verified: the session is a snapshot.
        """
        start, end = self._resumed_at, self.walk.position
        if end < (start or 0) + REMEMBERED_AFTER:
            return None
        if start is None:
            self._fingerprint = Fingerprint(self._session, self._workspace_id)
        if not self._fingerprint.add(start, end):
            return None
        return Verified(end, self._fingerprint.hexdigest, seal_of(self._anchors))

    def _compare_with(self, lines: AnchorLines) -> None:
        self.comparison = Comparison(lines.of(self._workspace_id))
        self.anchors_are_damaged = lines.is_damaged

    def _see_anchored(self, until: int) -> None:
        """Compare earlier rows with anchors that were written after their verification."""
        positions = self.comparison.positions(until)
        for start in range(0, len(positions), CHUNK_SIZE):
            for chunk in self._rows(AuditEntry.position.in_(positions[start : start + CHUNK_SIZE])):
                self.comparison.see(chunk)

    def _count(self, until: int) -> int:
        query = select(func.count()).where(
            AuditEntry.workspace_id == self._workspace_id, AuditEntry.position <= until
        )
        return self._session.scalar(query) or 0

    def _rows(self, which: ColumnElement[bool]) -> Iterator[list[tuple[Any, ...]]]:
        return rows(self._session, AuditEntry.workspace_id == self._workspace_id, which)


def _of_anchor_file(evidence: Evidence, count: int) -> Iterator[Finding]:
    anchors, flushed = evidence.anchors, evidence.flushed
    if anchors is None:
        if count:
            yield Finding(Code.ANCHORS_MISSING)
    elif len(anchors.content) < flushed.position:
        yield Finding(Code.ANCHORS_CUT)
    elif not anchors.file_id or not begins_as(anchors, flushed):
        yield Finding(Code.ANCHORS_CHANGED)
