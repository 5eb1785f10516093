"""Reads of one record for a decision, which update the mirror too."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from crmlink.commusoft.errors import ConnectionEnded, RecordNotFound
from crmlink.commusoft.mirror import is_mirrored, mark_deleted, upsert_record
from crmlink.commusoft.records import Record
from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.store import MirroredRecord, WorkspaceConnection
from crmlink.store.connections import note_workspace

# Built once: every link asks them.
_VERSION = select(WorkspaceConnection.mirror_version).where(
    WorkspaceConnection.id == bindparam("connection_id")
)
_CHANGED = select(MirroredRecord.mirror_version).where(
    MirroredRecord.connection_id == bindparam("connection_id"),
    MirroredRecord.kind == bindparam("kind"),
    MirroredRecord.number == bindparam("number"),
)


@dataclass(frozen=True, slots=True)
class FreshRecord:
    """A record as just read, and when that was answered by the monotonic clock."""

    record: Record
    answered: float

    @property
    def age(self) -> float:
        """Seconds since it was answered."""
        return time.monotonic() - self.answered


def fetch_record(ctx: WorkspaceContext, kind: Kind, number: str, uuid: str | None) -> Record:
    """Return the record as Commusoft has it now, and update the mirror. Raises CommusoftError."""
    return fetch_fresh(ctx, kind, number, uuid).record


def fetch_fresh(ctx: WorkspaceContext, kind: Kind, number: str, uuid: str | None) -> FreshRecord:
    """Return what ``fetch_record`` does, with its time. Raises CommusoftError.

    A newer state of the mirror, such as a link's read-back, is kept: this response may be older.
    """
    with ctx.database.reading() as session:
        start = session.scalar(_VERSION, {"connection_id": ctx.connection_id})
    if start is None:
        raise ConnectionEnded
    try:
        record = ctx.commusoft.record(kind, number, uuid)
    except RecordNotFound:
        with ctx.database.writing() as session:
            if not mirror_changed_since(session, ctx, kind, number, start):
                mark_deleted(session, ctx.connection_id, kind, number)
        raise
    answered = time.monotonic()
    with ctx.database.reading() as session:
        note_workspace(session, ctx.connection_id, ctx.workspace_id)
        if is_mirrored(session, ctx.connection_id, record):
            return FreshRecord(record, answered)
    with ctx.database.writing() as session:
        if not mirror_changed_since(session, ctx, kind, number, start):
            upsert_record(session, ctx.connection_id, record)
    return FreshRecord(record, answered)


def mirror_changed_since(
    session: Session, ctx: WorkspaceContext, kind: Kind, number: str, version: int
) -> bool:
    """Return whether a record's row was written since the mirror had this version."""
    asked = {"connection_id": ctx.connection_id, "kind": kind, "number": number}
    changed = session.scalar(_CHANGED, asked)
    return changed is not None and changed > version
