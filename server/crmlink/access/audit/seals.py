"""Seals: what is known of an audit, signed in the database, beside the anchors outside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.store import AuditSeal, AuditSigner, Database
from crmlink.store.audit import Anchors

VERIFIED = "verified"  # the seal of what was checked before; the others are of anchor files


class Seal(NamedTuple):
    """How far something was known, in places or bytes, and a digest of it up to there."""

    position: int = 0
    digest: str = ""


NOTHING = Seal()


@dataclass(frozen=True, slots=True)
class Verified:
    """Rows up to a place that were found good, and the anchors that they agreed with.

    Both are one seal: an older one of the one would not go with a newer one of the other.
    """

    place: int = 0
    rows: str = ""  # a digest of what they looked like
    anchors: Seal = NOTHING

    @property
    def seal(self) -> Seal:
        return Seal(self.place, f"{self.rows} {self.anchors.position} {self.anchors.digest}")


@dataclass(frozen=True)
class Evidence:
    """What is known of an audit outside its rows. Read before them, it is never the newer one."""

    anchors: Anchors | None
    seals: dict[str, Seal]

    @property
    def verified(self) -> Verified:
        """How far the audit was found good."""
        seal = self.seals.get(VERIFIED)
        if seal is None:
            return Verified()
        rows, length, digest = seal.digest.split(" ")
        return Verified(seal.position, rows, Seal(int(length), digest))

    @property
    def flushed(self) -> Seal:
        """What is known of the present anchor file."""
        return self.seals.get(self.anchors.file_id, NOTHING) if self.anchors else NOTHING


def gather(database: Database, workspace_id: int) -> Evidence:
    """Read the seals, then the anchors. Raises AuditUnsigned."""
    signer = database.audit_signer
    with database.reading() as session:
        found = session.scalars(select(AuditSeal).filter_by(workspace_id=workspace_id)).all()
    seals = {
        seal.subject: Seal(seal.position, seal.digest)
        for seal in found
        if seal.mac == signer.sign("seal", _text(seal))
    }
    return Evidence(signer.anchors.read(), seals)


def put_seal(
    session: Session, signer: AuditSigner, workspace_id: int, subject: str, seal: Seal
) -> None:
    """Write a seal in a writing session, over an older one of the same subject."""
    row = AuditSeal(
        workspace_id=workspace_id, subject=subject, position=seal.position, digest=seal.digest
    )
    row.mac = signer.sign("seal", _text(row))
    session.merge(row)


def seal_of(anchors: Anchors, length: int | None = None) -> Seal:
    """The seal of an anchor file's first bytes, of all of it unless told otherwise."""
    content = anchors.content[:length]
    return Seal(len(content), hashlib.sha256(content).hexdigest())


def begins_as(anchors: Anchors, known: Seal) -> bool:
    """Whether an anchor file's beginning is what it was; so it is where nothing is known of it."""
    return known == NOTHING or seal_of(anchors, known.position) == known


def _text(seal: AuditSeal) -> str:
    return f"{seal.workspace_id} {seal.subject} {seal.position} {seal.digest}"
