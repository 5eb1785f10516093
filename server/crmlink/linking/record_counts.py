"""Counts of a connection's records, kept until its mirror changes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crmlink.store import MirroredRecord, WorkspaceConnection
from crmlink.store.connections import MirrorVersion


class RecordCounts:
    """Counts of one connection; counting 100,000 records would be most of a request's time."""

    def __init__(self) -> None:
        self._known: tuple[MirrorVersion, Mapping[str, int]] | None = None

    def by_kind(self, session: Session, connection: WorkspaceConnection) -> Mapping[str, int]:
        """Return how many records there are of each kind, without those deleted in Commusoft."""
        known = self._known
        if known is None or known[0] != connection.marked_version:
            # If the mirror changes between the two reads, its next version counts again.
            version = connection.marked_version
            query = (
                select(MirroredRecord.kind, func.count())
                .filter_by(connection_id=connection.id, deleted_at=None)
                .group_by(MirroredRecord.kind)
            )
            counts = {str(kind): count for kind, count in session.execute(query)}
            self._known = known = version, counts
        return known[1]
