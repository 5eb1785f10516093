"""Limits of a workspace, as an operator set them; what is not limited has none.

What is there already stays when a limit is set below it. A workspace's writers wait for each other,
so that a check within the session that adds something holds for two at once too.
"""

from __future__ import annotations

import enum

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from crmlink.store.access import Device, DeviceType, Pairing, PairingState, Person
from crmlink.store.base import utc_now
from crmlink.store.batches import Batch
from crmlink.store.connections import connections_of
from crmlink.store.sources import ContactSource
from crmlink.store.workspaces import Workspace


class Quota(enum.StrEnum):
    """What is limited; at ``RECORDS`` the operator is warned, and nothing is refused."""

    PEOPLE = "people"
    DEVICES = "devices"  # connected browsers and valid tokens
    LISTS = "lists"
    ROWS = "rows"  # of each list
    SOURCES = "sources"
    REQUESTS = "requests"  # a minute
    RECORDS = "records"


class QuotaReached(Exception):
    """A workspace has as many of something as it may; nothing was added."""

    def __init__(self, quota: Quota, most: int) -> None:
        super().__init__(quota.value)
        self.quota, self.most = quota, most


def limit_of(session: Session, workspace_id: int, quota: Quota) -> int | None:
    """Return the most that a workspace may have of something, None for no limit."""
    limits = session.scalar(select(Workspace.limits).filter_by(id=workspace_id))
    most = (limits or {}).get(quota)
    return None if most is None else int(most)


def require_room(session: Session, workspace_id: int, quota: Quota) -> None:
    """Raise QuotaReached if one more would be above the limit; before it is added."""
    most = limit_of(session, workspace_id, quota)
    if most is not None and count_of(session, workspace_id, quota) >= most:
        raise QuotaReached(quota, most)


def require_rows(session: Session, workspace_id: int, rows: int) -> None:
    """Raise QuotaReached if a list may not have so many rows; before they are added."""
    most = limit_of(session, workspace_id, Quota.ROWS)
    if most is not None and rows > most:
        raise QuotaReached(Quota.ROWS, most)


def count_of(session: Session, workspace_id: int, quota: Quota) -> int:
    """Return how many people, devices, lists or sources a workspace has."""
    return sum(session.scalar(query) or 0 for query in _counts(workspace_id, quota))


def _counts(workspace_id: int, quota: Quota) -> list[Select[int]]:
    match quota:
        case Quota.PEOPLE:
            table = select(func.count()).select_from(Person)
            return [table.filter_by(workspace_id=workspace_id, removed_at=None)]
        case Quota.DEVICES:
            return _device_counts(workspace_id)
        case Quota.LISTS:
            table = select(func.count()).select_from(Batch)
            return [table.where(Batch.connection_id.in_(connections_of(workspace_id)))]
        case Quota.SOURCES:
            table = select(func.count()).select_from(ContactSource)
            return [table.filter_by(workspace_id=workspace_id)]
        case _:
            raise ValueError(f"{quota} are not counted here")


def _device_counts(workspace_id: int) -> list[Select[int]]:
    """Of an approved browser that has not fetched its tokens yet there is no device so far."""
    moment = utc_now()
    devices = (
        select(func.count())
        .select_from(Device)
        .where(
            Device.workspace_id == workspace_id,
            Device.sort.in_((DeviceType.BROWSER, DeviceType.SCRIPT)),
            Device.revoked_at.is_(None),
            Device.expires_at > moment,
        )
    )
    approved = (
        select(func.count())
        .select_from(Pairing)
        .where(
            Pairing.workspace_id == workspace_id,
            Pairing.state == PairingState.APPROVED,
            Pairing.expires_at > moment,
        )
    )
    return [devices, approved]
