"""Another crmlink process over the same database, played inside the test's own."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import delete

from crmlink.linking.context import Desk
from crmlink.linking.first_seen import FirstSeen
from crmlink.store import Ownership, Process, ProcessRole


def other_process(desk: Desk) -> Desk:
    """The same workspace, as another process works with it."""
    ownership = Ownership(desk.database, ProcessRole.SERVER, beat_every=None)
    return replace(desk, ownership=ownership, first_seen=FirstSeen())


def count_as_dead(desk: Desk) -> None:
    """Do what the others do with a process that has been silent for too long."""
    with desk.database.writing() as session:
        session.execute(delete(Process).where(Process.id == desk.ownership._id))
