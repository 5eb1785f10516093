"""When each workspace's records are synced: at times of its own, spread over the interval.

A time follows from the connection's id, so that it is the same in every process and after every
restart. What was missed while nothing ran waits for its next time: a restart reads nothing at
once. A connection that was never synced, or was changed, is read at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from crmlink.store import ConnectionKind, Database, Workspace, WorkspaceConnection
from crmlink.store.base import CLOCK_SKEW, utc_now

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def last_time(public_id: str, now: datetime, interval: timedelta) -> datetime:
    """Return the latest of a connection's times that is not after ``now``."""
    offset = interval * (int(public_id[:8], 16) / 16**8)
    return now - (now - _EPOCH - offset) % interval


@dataclass(frozen=True, slots=True)
class Synced:
    """A connection in use: ``stamp`` is what determines its client."""

    workspace_id: int
    public_id: str
    stamp: tuple[object, ...]
    connected_at: datetime
    synced_at: datetime | None

    @property
    def is_new(self) -> bool:
        """Whether it was not synced since it was connected."""
        return self.synced_at is None or self.synced_at < self.connected_at

    def is_synced_between(self, begin: datetime, end: datetime) -> bool:
        """Return whether the last sync was then; a wrong clock may have noted a later one."""
        return self.synced_at is not None and begin <= self.synced_at <= end


class SyncTimes:
    """Which workspaces one worker syncs now; remembers what it tried, as a sync may fail."""

    def __init__(
        self, database: Database, interval: timedelta, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._database, self._interval, self._clock = database, interval, clock
        self._looked_at = clock()
        self._stamps: dict[int, tuple[object, ...]] = {}

    def due(self) -> list[int]:
        """Return the ids of active workspaces to sync, the longest unsynced one first."""
        now, before = self._clock(), self._looked_at
        self._looked_at = now
        found = []
        for each in self._connections():
            tried = self._stamps.get(each.workspace_id)
            self._stamps[each.workspace_id] = each.stamp
            is_changed = each.is_new if tried is None else tried != each.stamp
            time = last_time(each.public_id, now, self._interval)
            is_time = before < time and not each.is_synced_between(time, now + CLOCK_SKEW)
            if is_changed or is_time:
                found.append(each)
        found.sort(key=lambda each: each.synced_at or _EPOCH)
        return [each.workspace_id for each in found]

    def _connections(self) -> list[Synced]:
        connection = WorkspaceConnection
        query = (
            select(connection)
            .join(Workspace, Workspace.id == connection.workspace_id)
            .where(
                connection.ended_at.is_(None),
                connection.kind != ConnectionKind.PAGES,  # a person imports its records
                Workspace.suspended_at.is_(None),
            )
        )
        with self._database.reading() as session:
            return [
                Synced(
                    row.workspace_id,
                    row.public_id,
                    (row.id, row.connected_at, row.credentials, repr(row.dialect)),
                    row.connected_at,
                    row.synced_at,
                )
                for row in session.scalars(query)
            ]
