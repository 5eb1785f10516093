"""A PUT that Commusoft has not answered: until it is over, its record is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import (
    CommusoftTimeout,
    CommusoftUnreachable,
    RecordNotFound,
    WriteRejected,
)
from crmlink.commusoft.limits import ClientLimits
from crmlink.linking import attempts as life
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, find_link, undo
from crmlink.linking.errors import CannotUndo, LinkInProgress
from crmlink.linking.first_seen import FirstSeen
from crmlink.store import Link, LinkState
from support.other_process import count_as_dead, other_process
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, connection_to, decision, new_key
from unit.linking.test_attempts import fails, fails_from_call, meddled

RECORD = "customer-1001"
LATE_AFTER = 120.0


@dataclass
class Seconds:
    """A clock that the test moves."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def waiting(
    ctx: WorkspaceContext, seconds: Seconds, **steps: Callable[..., Any]
) -> WorkspaceContext:
    """A desk that gives a PUT two minutes, and whose write path is meddled with."""
    away = meddled(replace(ctx, first_seen=FirstSeen(seconds)), **steps)
    commusoft: Any = away.commusoft
    commusoft.late_write_seconds = LATE_AFTER
    return away


def unanswered(
    ctx: WorkspaceContext, seconds: Seconds, device_id: int
) -> tuple[WorkspaceContext, Link]:
    """A link whose PUT went out and was neither answered nor done, at a Commusoft that is back."""
    lost = waiting(ctx, seconds, write_reference=fails(CommusoftTimeout()))
    link = confirm(lost, decision(), new_key(), device_id)
    assert (link.state, link.failure) == (LinkState.INTENDED, {"code": "write-unanswered"})
    back = replace(waiting(ctx, seconds), first_seen=lost.first_seen)
    return back, link


def test_an_unanswered_put_may_land_for_two_minutes_unless_a_test_says_otherwise() -> None:
    """The wait of every client, also of an installation's, which sets no other."""
    assert ClientLimits().late_write_seconds == LATE_AFTER
    account = connection_to("http://127.0.0.1:9")
    assert CommusoftClient(account).late_write_seconds == LATE_AFTER


def states(links: list[Link]) -> list[LinkState]:
    return [link.state for link in links]


def test_a_put_without_an_answer_is_sent_again_only_when_it_is_over(
    ctx: WorkspaceContext, seconds: Seconds, sandbox: SandboxHandle, device_id: int
) -> None:
    back, link = unanswered(ctx, seconds, device_id)
    seconds.now += LATE_AFTER - 1
    assert states(recover(back)) == [LinkState.INTENDED]
    assert find_link(ctx, link.id).writes == 1
    seconds.now += 1
    assert states(recover(back)) == [LinkState.LINKED]
    assert find_link(ctx, link.id).writes == 2
    assert sandbox.reference(RECORD) == HOLLOWAY


def test_a_put_that_is_done_late_is_found_and_not_repeated(
    ctx: WorkspaceContext, seconds: Seconds, sandbox: SandboxHandle, device_id: int
) -> None:
    back, link = unanswered(ctx, seconds, device_id)
    seconds.now += 30
    sandbox.put_reference(RECORD, HOLLOWAY)
    assert states(recover(back)) == [LinkState.LINKED]
    assert find_link(ctx, link.id).writes == 1


def test_another_value_is_no_conflict_while_the_put_may_still_be_done(
    ctx: WorkspaceContext, seconds: Seconds, sandbox: SandboxHandle, device_id: int
) -> None:
    back, link = unanswered(ctx, seconds, device_id)
    sandbox.put_reference(RECORD, OTHER)
    seconds.now += 30
    assert states(recover(back)) == [LinkState.INTENDED]
    sandbox.put_reference(RECORD, HOLLOWAY)  # the late PUT, over the other value
    seconds.now += 30
    assert states(recover(back)) == [LinkState.LINKED]
    assert find_link(ctx, link.id).writes == 1


def test_another_value_is_a_conflict_once_the_put_is_over(
    ctx: WorkspaceContext, seconds: Seconds, sandbox: SandboxHandle, device_id: int
) -> None:
    back, _ = unanswered(ctx, seconds, device_id)
    sandbox.put_reference(RECORD, OTHER)
    seconds.now += LATE_AFTER
    assert states(recover(back)) == [LinkState.CONFLICT]
    assert sandbox.reference(RECORD) == OTHER


def test_nothing_else_is_decided_of_the_record_meanwhile(
    ctx: WorkspaceContext, seconds: Seconds, device_id: int
) -> None:
    back, link = unanswered(ctx, seconds, device_id)
    with pytest.raises(CannotUndo):
        undo(back, UndoDecision(link.id), new_key(), device_id)
    with pytest.raises(LinkInProgress):
        confirm(back, decision(reference=OTHER), new_key(), device_id)


def test_a_record_that_seems_gone_is_not_called_gone_while_its_put_is_open(
    ctx: WorkspaceContext, seconds: Seconds, device_id: int
) -> None:
    lost = waiting(
        ctx, seconds, write_reference=fails(CommusoftTimeout()),
        record=fails_from_call(3, RecordNotFound("customer", "1001")),
    )  # fmt: skip
    confirm(lost, decision(), new_key(), device_id)
    for _ in range(3):
        seconds.now += 10
        assert states(recover(lost)) == [LinkState.INTENDED]
    seconds.now += LATE_AFTER
    assert [link.state for _ in range(2) for link in recover(lost)][-1] is LinkState.FAILED


def test_the_last_put_of_many_is_over_before_its_link_fails(
    ctx: WorkspaceContext, seconds: Seconds, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "MAX_WRITES", 1)
    back, _ = unanswered(ctx, seconds, device_id)
    seconds.now += 30
    assert states(recover(back)) == [LinkState.INTENDED]
    seconds.now += LATE_AFTER
    assert states(recover(back)) == [LinkState.FAILED]


def test_a_put_that_was_refused_is_over_at_once(
    ctx: WorkspaceContext, seconds: Seconds, device_id: int
) -> None:
    refused = waiting(ctx, seconds, write_reference=fails(WriteRejected(400)))
    link = confirm(refused, decision(), new_key(), device_id)
    assert (link.state, link.failure) == (LinkState.FAILED, {"code": "write-refused"})


def test_a_link_that_waits_for_its_put_keeps_no_other_waiting(
    ctx: WorkspaceContext, seconds: Seconds, device_id: int
) -> None:
    back, first = unanswered(ctx, seconds, device_id)
    away = waiting(ctx, seconds, record=fails_from_call(2, CommusoftUnreachable()))
    other = confirm(away, decision("customer-1002", OTHER), new_key(), device_id)
    assert other.state is LinkState.INTENDED
    seconds.now += 10
    assert sorted(states(recover(back))) == [LinkState.INTENDED, LinkState.LINKED]
    assert find_link(ctx, first.id).state is LinkState.INTENDED


def test_commusoft_is_not_asked_again_and_again_while_a_put_is_open(
    ctx: WorkspaceContext, seconds: Seconds, device_id: int
) -> None:
    back, _ = unanswered(ctx, seconds, device_id)
    seconds.now += 1
    assert recover(back) == []
    seconds.now += life.POLL_INTERVAL
    assert len(recover(back)) == 1
    assert recover(back) == []


def test_who_takes_over_waits_as_long_as_who_began(
    ctx: WorkspaceContext, seconds: Seconds, sandbox: SandboxHandle, device_id: int
) -> None:
    _, link = unanswered(ctx, seconds, device_id)
    successor = other_process(waiting(ctx, seconds))
    successor = replace(successor, first_seen=FirstSeen(seconds))
    assert states(recover(successor)) == [LinkState.INTENDED]
    seconds.now += LATE_AFTER
    assert states(recover(successor)) == [LinkState.LINKED]
    assert find_link(ctx, link.id).writes == 2
    assert sandbox.reference(RECORD) == HOLLOWAY


def test_a_put_that_waited_for_its_turn_while_its_process_was_counted_as_dead_never_leaves(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    other = other_process(ctx)

    def sleeps(real: Callable[..., None], *args: Any) -> None:
        count_as_dead(ctx)
        assert states(recover(other)) == [LinkState.LINKED]
        link = find_link(ctx, last_link(ctx).id)
        assert undo(other, UndoDecision(link.id), new_key(), device_id).state is LinkState.LINKED
        real(*args)

    link = confirm(meddled(ctx, write_reference=sleeps), decision(), new_key(), device_id)
    assert link.state is LinkState.UNDONE
    assert sandbox.reference(RECORD) is None


def last_link(ctx: WorkspaceContext) -> Link:
    with ctx.database.reading() as session:
        return session.query(Link).order_by(Link.created_at.desc()).limit(1).one()
