"""What a server of a version that knows no owners is still at, or has left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from crmlink.batches.state import is_free, take_lease
from crmlink.linking.attempt_rows import OWNERLESS_TTL
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import confirm
from crmlink.linking.first_seen import FirstSeen
from crmlink.store import Batch, BatchState, Link, LinkState
from crmlink.store.base import utc_now
from support.batch_factories import asked_for, lines_of
from support.other_process import other_process
from support.sandbox import HOLLOWAY, SandboxHandle, decision, new_key
from unit.linking.test_attempts import ProcessKilled, meddled
from unit.linking.test_late_put import Seconds


def died(ctx: WorkspaceContext, device_id: int) -> Link:
    """A link whose process was killed in the middle of its PUT."""

    def dies(*_: object) -> None:
        raise ProcessKilled

    with pytest.raises(ProcessKilled):
        confirm(meddled(ctx, write_reference=dies), decision(), new_key(), device_id)
    return the_link(ctx)


def the_link(ctx: WorkspaceContext) -> Link:
    with ctx.database.reading() as session:
        return session.query(Link).one()


def of_older_version(ctx: WorkspaceContext) -> None:
    with ctx.database.writing() as session:
        session.execute(update(Link).values(owner_id=None))


def test_its_attempt_is_taken_over_only_when_it_has_not_moved_for_long(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    seconds = Seconds()
    newer = replace(other_process(ctx), first_seen=FirstSeen(seconds))
    died(ctx, device_id)
    of_older_version(ctx)
    assert recover(newer) == []
    seconds.now += OWNERLESS_TTL - 1
    assert recover(newer) == []
    with ctx.database.writing() as session:  # it lives, and begins another PUT
        session.execute(update(Link).values(writes=Link.writes + 1))
    seconds.now += OWNERLESS_TTL - 1
    assert recover(newer) == []
    seconds.now += OWNERLESS_TTL - 1
    assert recover(newer) == []
    seconds.now += 1
    assert [link.state for link in recover(newer)] == [LinkState.LINKED]
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_its_lease_of_a_list_counts_until_its_end(ctx: WorkspaceContext, device_id: int) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 1))
    with ctx.database.writing() as session:
        session.execute(
            update(Batch).values(lease="older", lease_until=utc_now() + timedelta(seconds=30))
        )
    assert not take_lease(ctx.database, ctx.ownership, batch_id, BatchState.WRITING)
    with ctx.database.writing() as session:
        session.execute(update(Batch).values(lease_until=utc_now() - timedelta(seconds=1)))
        assert is_free(session, ctx.ownership, session.query(Batch).one())
    assert take_lease(ctx.database, ctx.ownership, batch_id, BatchState.WRITING)
