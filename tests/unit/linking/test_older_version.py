"""A server of a version that knows no owners, beside one that does: its own statements."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from crmlink.linking.batch_state import is_free, take_lease
from crmlink.linking.decide import confirm
from crmlink.linking.desk import Desk
from crmlink.linking.first_seen import FirstSeen
from crmlink.linking.life import OWNERLESS_FOR, recover
from crmlink.store import Batch, BatchState, Link, LinkState
from crmlink.store.models import now
from lists import asked_for, lines_of
from other_process import count_as_dead, other_process
from playing import HOLLOWAY, Playing, decision, new_key
from unit.linking.test_late_put import Seconds
from unit.linking.test_life import ProcessKilled, meddled

RELEASE = "UPDATE link SET attempt_id = '' WHERE workspace_id = 1 AND state = 'intended'"
TAKE_OVER = """
UPDATE link SET attempt_id = 'older', attempted_at = '2031-01-01 00:00:00'
WHERE state = 'intended' AND attempt_id = :attempt RETURNING id
"""


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


def test_an_attempt_with_an_owner_is_neither_released_nor_taken_over_by_it(
    desk: Desk, device_id: int
) -> None:
    link = died(desk, device_id)
    with desk.database.writing() as session:
        session.execute(text(RELEASE))
    with desk.database.writing() as session:
        assert session.execute(text(TAKE_OVER), {"attempt": link.attempt_id}).all() == []
    assert the_link(desk).attempt_id == link.attempt_id


def test_what_is_its_own_it_may_still_release_and_take_over(desk: Desk, device_id: int) -> None:
    died(desk, device_id)
    of_older_version(desk)
    with desk.database.writing() as session:
        session.execute(text(RELEASE))
        assert len(session.execute(text(TAKE_OVER), {"attempt": ""}).all()) == 1


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


def test_a_link_of_a_dead_owner_is_taken_over_though_the_trigger_stands(
    desk: Desk, device_id: int
) -> None:
    died(desk, device_id)
    other = other_process(desk)
    assert recover(other) == []
    count_as_dead(desk)
    assert [link.state for link in recover(other)] == [LinkState.LINKED]


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
