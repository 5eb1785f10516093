"""Seals: signed facts about an audit in the database, besides the anchors outside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crmlink.access.audit.rows import any_text
from crmlink.store import AuditSeal, AuditSigner, Database
from crmlink.store.audit import Anchors

VERIFIED = "verified"  # subject of the verification's seal
CHECKED = "checked"  # whether the last check was sound; other seals are of anchor files


class Seal(NamedTuple):
    """How far something was verified, in entries or bytes, with a digest up to there."""

    position: int = 0
    digest: str = ""


NOTHING = Seal()
SOUND, UNSOUND = Seal(1), Seal(0)


@dataclass(frozen=True, slots=True)
class Verified:
    """Rows that were intact up to an entry, and the anchors that agreed with them.

    Both are in one seal, so that an older one of either cannot be combined with a newer one.
    """

    position: int = 0
    rows: str = ""  # digest of their contents
    anchors: Seal = NOTHING

    @property
    def seal(self) -> Seal:
        """The seal to store."""
        return Seal(self.position, f"{self.rows} {self.anchors.position} {self.anchors.digest}")


@dataclass(frozen=True)
class Evidence:
    """Facts about an audit outside its rows; read before them, so never newer."""

    anchors: Anchors | None
    seals: dict[str, Seal]

    @property
    def verified(self) -> Verified:
        """How far the audit was intact."""
        seal = self.seals.get(VERIFIED)
        if seal is None:
            return Verified()
        rows, length, digest = seal.digest.split(" ")
        return Verified(seal.position, rows, Seal(int(length), digest))

    @property
    def was_sound(self) -> bool:
        """Whether the last check found nothing, as far as known."""
        return bool(self.seals.get(CHECKED, SOUND).position)

    @property
    def flushed(self) -> Seal:
        """The seal of the present anchor file."""
        return self.seals.get(self.anchors.file_id, NOTHING) if self.anchors else NOTHING


def gather(database: Database, workspace_id: int) -> Evidence:
    """Return the seals, then the anchors. Raises AuditUnsigned."""
    return Evidence(database.audit_signer.anchors.read(), read_seals(database, workspace_id))


def read_seals(database: Database, workspace_id: int) -> dict[str, Seal]:
    """Return the valid seals of an audit, by subject. Raises AuditUnsigned."""
    mine = AuditSeal.workspace_id == workspace_id
    with database.reading() as session:
        valid = _valid(session, database.audit_signer, mine)
    return {seal.subject: Seal(seal.position, seal.digest) for seal in valid}


def seals_of_file(session: Session, signer: AuditSigner, file_id: str) -> dict[int, Seal]:
    """Return the valid seals of an anchor file, by workspace."""
    valid = _valid(session, signer, AuditSeal.subject == file_id)
    return {seal.workspace_id: Seal(seal.position, seal.digest) for seal in valid}


def _valid(
    session: Session, signer: AuditSigner, condition: ColumnElement[bool]
) -> list[AuditSeal]:
    query = select(AuditSeal).where(condition)
    try:
        found = session.scalars(query).all()
    except DBAPIError:  # an invalid text was written
        with any_text(session.connection().connection.driver_connection):
            found = session.scalars(query).all()
    return [seal for seal in found if seal.mac == signer.sign("seal", _text(seal))]


def last_check_was_sound(database: Database, workspace_id: int) -> bool:
    """Return whether the last check of an audit found nothing. Raises AuditUnsigned."""
    return Evidence(None, read_seals(database, workspace_id)).was_sound


def put_seal(
    session: Session, signer: AuditSigner, workspace_id: int, subject: str, seal: Seal
) -> None:
    """Write a seal in a writing session, replacing an older one of the same subject."""
    row = AuditSeal(
        workspace_id=workspace_id, subject=subject, position=seal.position, digest=seal.digest
    )
    row.mac = signer.sign("seal", _text(row))
    session.execute(delete(AuditSeal).filter_by(workspace_id=workspace_id, subject=subject))
    session.add(row)
    session.flush()


def seal_of(anchors: Anchors, length: int | None = None) -> Seal:
    """Return the seal of an anchor file's first bytes, by default of all."""
    content = anchors.content[:length]
    return Seal(len(content), hashlib.sha256(content).hexdigest())


def begins_as(anchors: Anchors, known: Seal) -> bool:
    """Return whether an anchor file's start is unchanged; True if nothing is known of it."""
    return known == NOTHING or seal_of(anchors, known.position) == known


def changed_starts(anchors: Anchors, known: Mapping[int, Seal]) -> set[int]:
    """Return the workspaces whose seal an anchor file's start disagrees with; reads it once."""
    content, digest, at = memoryview(anchors.content), hashlib.sha256(), 0
    changed = set()
    for workspace_id, seal in sorted(known.items(), key=lambda each: each[1].position):
        digest.update(content[at : seal.position])
        at = max(at, min(seal.position, len(content)))
        if (at, digest.copy().hexdigest()) != seal:
            changed.add(workspace_id)
    return changed


def _text(seal: AuditSeal) -> str:
    return f"{seal.workspace_id} {seal.subject} {seal.position} {seal.digest}"
