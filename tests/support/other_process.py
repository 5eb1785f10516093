"""Another crmlink process over the same database, played inside the test's own."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import delete

from crmlink.linking.context import WorkspaceContext
from crmlink.linking.first_seen import FirstSeen
from crmlink.store import Ownership, Process, ProcessRole


def other_process(ctx: WorkspaceContext) -> WorkspaceContext:
    """The same workspace, as another process works with it."""
    ownership = Ownership(ctx.database, ProcessRole.SERVER, beat_every=None)
    return replace(ctx, ownership=ownership, first_seen=FirstSeen())


def count_as_dead(ctx: WorkspaceContext) -> None:
    """Do what the others do with a process that has been silent for too long."""
    with ctx.database.writing() as session:
        session.execute(delete(Process).where(Process.id == ctx.ownership._id))
