"""What happens to an intended link when Commusoft or the process fails on the way."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from crmlink.commusoft.errors import (
    CommusoftTimeout,
    CommusoftUnreachable,
    RecordNotFound,
    WriteRejected,
)
from crmlink.commusoft.records import Record
from crmlink.linking import attempts as life
from crmlink.linking import decisions as decide
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import confirm
from crmlink.linking.errors import LinkInProgress, RecordHasReference, RecordUnknown
from crmlink.store import Link, LinkState
from support.other_process import count_as_dead, other_process
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, decision, new_key

RECORD = "customer-1001"


class Meddler:
    """Commusoft's client with one step of the write path replaced."""

    def __init__(self, ctx: WorkspaceContext, **steps: Callable[..., Any]) -> None:
        self._real = ctx.commusoft
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        step = self._steps.get(name)
        real = getattr(self._real, name)
        if step is None:
            return real
        return lambda *args, **more: step(partial(real, **more), *args)


def meddled(ctx: WorkspaceContext, **steps: Callable[..., Any]) -> WorkspaceContext:
    return replace(ctx, commusoft=Meddler(ctx, **steps))  # type: ignore[arg-type] # stands in for it


def fails(error: Exception, *, first: bool = False) -> Callable[..., Any]:
    """A step that raises; with ``first`` only after the real one was done, as a lost answer."""

    def step(real: Callable[..., Any], *args: Any) -> Any:
        if first:
            real(*args)
        raise error

    return step


def fails_from_call(number: int, error: Exception) -> Callable[..., Any]:
    calls = iter(range(1, 1000))

    def step(real: Callable[..., Any], *args: Any) -> Any:
        if next(calls) >= number:
            raise error
        return real(*args)

    return step


class NoSpaceLeft(Exception):
    """Stands for whatever no one thought of."""


def look(ctx: WorkspaceContext, link: Link) -> Link:
    with ctx.database.reading() as session:
        return session.get_one(Link, link.id)


def test_a_lost_answer_is_read_back_and_found_to_have_landed(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    lost = meddled(ctx, write_reference=fails(CommusoftTimeout(), first=True))
    link = confirm(lost, decision(), new_key(), device_id)
    assert (link.state, link.prior, link.writes) == (LinkState.LINKED, None, 1)
    assert sandbox.reference(RECORD) == HOLLOWAY


def test_a_write_that_never_arrived_stays_intended_and_is_finished_later(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    lost = meddled(ctx, write_reference=fails(CommusoftUnreachable()))
    link = confirm(lost, decision(), new_key(), device_id)
    assert link.state is LinkState.INTENDED
    assert link.failure == {"code": "commusoft-unreachable"}
    assert sandbox.reference(RECORD) is None
    assert [done.state for done in recover(ctx)] == [LinkState.LINKED]
    assert look(ctx, link).prior is None
    assert sandbox.reference(RECORD) == HOLLOWAY


def test_commusoft_gone_before_the_read_back_leaves_it_open_until_it_can_be_known(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    deaf = meddled(ctx, record=fails_from_call(3, CommusoftUnreachable()))
    link = confirm(deaf, decision(), new_key(), device_id)
    assert link.state is LinkState.INTENDED
    assert recover(deaf)[0].state is LinkState.INTENDED
    assert recover(ctx)[0].state is LinkState.LINKED
    assert look(ctx, link).writes == 1


def test_a_refused_write_fails_and_changes_nothing(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    refused = meddled(ctx, write_reference=fails(WriteRejected(400)))
    link = confirm(refused, decision(), new_key(), device_id)
    assert (link.state, link.failure) == (LinkState.FAILED, {"code": "write-refused"})
    assert sandbox.reference(RECORD) is None


def test_an_accepted_write_that_does_not_show_is_looked_at_again_before_it_is_called_failed(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "READ_BACK_DELAYS", (0.0, 0.0))
    dropped = meddled(ctx, write_reference=lambda _real, *_args: None)
    link = confirm(dropped, decision(), new_key(), device_id)
    assert (link.state, link.failure) == (LinkState.INTENDED, {"code": "reference-not-kept"})
    away = meddled(ctx, record=fails(CommusoftUnreachable()))
    assert recover(away)[0].state is LinkState.INTENDED
    failed = recover(ctx)[0]
    assert (failed.state, failed.failure) == (LinkState.FAILED, {"code": "reference-not-kept"})
    assert failed.writes == 1


def test_a_write_that_changed_the_record_but_not_its_reference_failed_for_sure(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "READ_BACK_DELAYS", (0.0, 0.0))

    def drops(real: Callable[..., None], record: Record, _reference: str) -> None:
        real(replace(record, raw={**record.raw, "town": "Elsewhere"}), None)

    link = confirm(meddled(ctx, write_reference=drops), decision(), new_key(), device_id)
    assert (link.state, link.failure) == (LinkState.FAILED, {"code": "reference-not-kept"})


def test_a_record_that_seems_gone_is_looked_at_again_before_it_is_called_gone(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    gone = meddled(ctx, record=fails_from_call(3, RecordNotFound("customer", "1001")))
    link = confirm(gone, decision(), new_key(), device_id)
    assert (link.state, link.failure) == (LinkState.INTENDED, {"code": "record-gone"})
    assert sandbox.reference(RECORD) == HOLLOWAY
    assert recover(ctx)[0].state is LinkState.LINKED


def test_a_record_deleted_on_the_way_ends_its_link_and_leaves_the_mirror(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    away = meddled(ctx, write_reference=fails(CommusoftUnreachable()))
    link = confirm(away, decision(), new_key(), device_id)
    sandbox.delete(RECORD)
    assert recover(ctx)[0].state is LinkState.INTENDED
    assert recover(ctx)[0].state is LinkState.FAILED
    assert look(ctx, link).failure == {"code": "record-gone"}
    with pytest.raises(RecordUnknown):
        confirm(ctx, decision(), new_key(), device_id)


def test_an_attempt_that_breaks_down_is_taken_over_without_waiting_for_its_lease(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    broken = meddled(ctx, write_reference=fails(CommusoftTimeout(), first=True))
    breaks = meddled(broken, record=fails_from_call(3, NoSpaceLeft()))
    key = new_key()
    with pytest.raises(NoSpaceLeft):
        confirm(breaks, decision(), key, device_id)
    assert confirm(ctx, decision(), key, device_id).state is LinkState.INTENDED
    assert [(link.state, link.writes) for link in recover(ctx)] == [(LinkState.LINKED, 1)]
    assert ctx.ownership.working_on == set()


def test_a_process_that_was_counted_as_dead_while_it_slept_sends_nothing_when_it_wakes(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    calls: list[int] = []
    other = other_process(ctx)

    def sleeps(real: Callable[..., Record], *args: Any) -> Record:
        record = real(*args)
        calls.append(1)
        if len(calls) == 2:
            assert recover(other) == []
            count_as_dead(ctx)
            assert recover(other)[0].state is LinkState.LINKED
            sandbox.put_reference(RECORD, None)
        return record

    link = confirm(meddled(ctx, record=sleeps), decision(), new_key(), device_id)
    assert (link.state, link.writes) == (LinkState.LINKED, 1)
    assert sandbox.reference(RECORD) is None


def test_an_older_answer_does_not_make_the_mirror_forget_what_a_link_read_back(
    ctx: WorkspaceContext, device_id: int
) -> None:
    def overtaken(real: Callable[..., Record], *args: Any) -> Record:
        older = real(*args)
        confirm(ctx, decision(), new_key(), device_id)
        return older

    with pytest.raises(RecordHasReference) as caught:
        confirm(meddled(ctx, record=overtaken), decision(reference=OTHER), new_key(), device_id)
    assert caught.value.facts["current_reference"] == HOLLOWAY
    assert caught.value.facts["by"] == "Office"


def test_a_write_that_shows_late_is_waited_for(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "READ_BACK_DELAYS", (0.0, 0.0))
    answers: list[Record] = []

    def stale_once(real: Callable[..., Record], *args: Any) -> Record:
        answers.append(real(*args))
        return answers[1] if len(answers) == 3 else answers[-1]

    link = confirm(meddled(ctx, record=stale_once), decision(), new_key(), device_id)
    assert link.state is LinkState.LINKED


def test_someone_elses_change_between_the_intent_and_the_write_is_a_conflict(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    calls: list[int] = []

    def interrupted(real: Callable[..., Record], *args: Any) -> Record:
        calls.append(1)
        if len(calls) == 2:
            sandbox.put_reference(RECORD, OTHER)
        return real(*args)

    link = confirm(meddled(ctx, record=interrupted), decision(), new_key(), device_id)
    assert link.state is LinkState.CONFLICT
    assert link.failure == {"code": "record-changed", "current_reference": OTHER}
    assert sandbox.reference(RECORD) == OTHER


class ProcessKilled(BaseException):
    """Stands for the process ending: nothing after it runs."""


@pytest.mark.parametrize("moment", ["before the write", "after the write"])
def test_a_process_that_dies_on_the_way_is_made_good_at_the_next_start(
    ctx: WorkspaceContext,
    sandbox: SandboxHandle,
    device_id: int,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    def dies(real: Callable[..., Any], *args: Any) -> None:
        if moment == "after the write":
            real(*args)
        raise ProcessKilled

    with pytest.raises(ProcessKilled):
        confirm(meddled(ctx, write_reference=dies), decision(), new_key(), device_id)
    other = other_process(ctx)
    assert recover(other) == []
    count_as_dead(ctx)
    finished = recover(other)
    assert [(link.state, link.prior) for link in finished] == [(LinkState.LINKED, None)]
    assert sandbox.reference(RECORD) == HOLLOWAY


def test_what_someone_else_wrote_while_we_were_away_is_a_conflict(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    away = meddled(ctx, write_reference=fails(CommusoftUnreachable()))
    link = confirm(away, decision(), new_key(), device_id)
    sandbox.put_reference(RECORD, OTHER)
    assert recover(ctx)[0].state is LinkState.CONFLICT
    assert look(ctx, link).failure == {"code": "record-changed", "current_reference": OTHER}
    assert sandbox.reference(RECORD) == OTHER


def test_a_link_on_its_way_keeps_others_off_its_record(
    ctx: WorkspaceContext, device_id: int
) -> None:
    away = meddled(ctx, write_reference=fails(CommusoftUnreachable()))
    confirm(away, decision(), new_key(), device_id)
    with pytest.raises(LinkInProgress) as caught:
        confirm(ctx, decision(reference=OTHER), new_key(), device_id)
    assert caught.value.facts["by"] == "Office"


def test_a_write_whose_answer_is_always_lost_ends_for_a_person_to_see(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "MAX_WRITES", 3)
    away = meddled(ctx, write_reference=fails(CommusoftTimeout()))
    link = confirm(away, decision(), new_key(), device_id)
    for _ in range(3):
        recover(away)
    assert look(ctx, link).state is LinkState.FAILED


def test_a_check_that_takes_too_long_is_given_up_and_writes_nothing_when_it_ends(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def slow(real: Callable[..., Any], *args: Any) -> Any:
        assert answered.wait(60)
        return real(*args)

    monkeypatch.setattr(decide, "RESPONSE_DEADLINE", 0.05)
    with pytest.raises(CommusoftTimeout):
        confirm(meddled(ctx, record=slow), decision(), new_key(), device_id)
    assert not answered.is_set()
    answered.set()
    ctx.attempts.shutdown()
    assert sandbox.reference(RECORD) is None


def test_a_slow_commusoft_is_not_waited_for_longer_than_a_browser_would(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def slow(real: Callable[..., Any], *args: Any) -> None:
        assert answered.wait(60)
        real(*args)

    write = decide._attempt_until

    def write_late(ctx: WorkspaceContext, link: Link, _: float, *more: Any) -> Link:
        return write(ctx, link, time.monotonic() + 0.05, *more)

    monkeypatch.setattr(decide, "_attempt_until", write_late)
    link = confirm(meddled(ctx, write_reference=slow), decision(), new_key(), device_id)
    assert link.state is LinkState.INTENDED
    answered.set()
    ctx.attempts.shutdown()
    assert look(ctx, link).state is LinkState.LINKED
    assert sandbox.reference(RECORD) == HOLLOWAY
