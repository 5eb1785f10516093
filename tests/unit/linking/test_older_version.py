"""What a server of a version that knows no owners is still at, or has left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from crmlink.batches.state import is_free, take_lease
from crmlink.linking.attempts import OWNERLESS_FOR, recover
from crmlink.linking.context import Desk
from crmlink.linking.decisions import confirm
from crmlink.linking.first_seen import FirstSeen
from crmlink.store import Batch, BatchState, Link, LinkState
from crmlink.store.models import now
from support.batch_factories import asked_for, lines_of
from support.other_process import other_process
from support.sandbox import HOLLOWAY, Playing, decision, new_key
from unit.linking.test_attempts import ProcessKilled, meddled
from unit.linking.test_late_put import Seconds


def died(desk: Desk, device_id: int) -> Link:
    """A link whose process was killed in the middle of its PUT."""

    def dies(*_: object) -> None:
        raise ProcessKilled

    with pytest.raises(ProcessKilled):
        confirm(meddled(desk, write_reference=dies), decision(), new_key(), device_id)
    return the_link(desk)


def the_link(desk: Desk) -> Link:
    with desk.database.reading() as session:
        return session.query(Link).one()


def of_older_version(desk: Desk) -> None:
    with desk.database.writing() as session:
        session.execute(update(Link).values(owner_id=None))


def test_its_attempt_is_taken_over_only_when_it_has_not_moved_for_long(
    desk: Desk, sandbox: Playing, device_id: int
) -> None:
    seconds = Seconds()
    newer = replace(other_process(desk), first_seen=FirstSeen(seconds))
    died(desk, device_id)
    of_older_version(desk)
    assert recover(newer) == []
    seconds.now += OWNERLESS_FOR - 1
    assert recover(newer) == []
    with desk.database.writing() as session:  # it lives, and begins another PUT
        session.execute(update(Link).values(writes=Link.writes + 1))
    seconds.now += OWNERLESS_FOR - 1
    assert recover(newer) == []
    seconds.now += OWNERLESS_FOR - 1
    assert recover(newer) == []
    seconds.now += 1
    assert [link.state for link in recover(newer)] == [LinkState.LINKED]
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_its_lease_of_a_list_counts_until_its_end(desk: Desk, device_id: int) -> None:
    batch_id = asked_for(desk, device_id, lines_of(desk, 1))
    with desk.database.writing() as session:
        session.execute(
            update(Batch).values(lease="older", lease_until=now() + timedelta(seconds=30))
        )
    assert not take_lease(desk.database, desk.ownership, batch_id, BatchState.WRITING)
    with desk.database.writing() as session:
        session.execute(update(Batch).values(lease_until=now() - timedelta(seconds=1)))
        assert is_free(session, desk.ownership, session.query(Batch).one())
    assert take_lease(desk.database, desk.ownership, batch_id, BatchState.WRITING)
