"""Rows that are written wait for one read of Commusoft's list, and for nothing less."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from crmlink.batches import written_rows
from crmlink.batches.control import cancel, pause, start_undo
from crmlink.batches.progress import CALLS_A_LINK, overview
from crmlink.batches.settle import settle_stopped
from crmlink.batches.writer import work_on, write_waiting
from crmlink.batches.written_rows import check_stopped
from crmlink.commusoft.errors import CommusoftUnreachable, InvalidCommusoftResponse
from crmlink.commusoft.records import Record
from crmlink.linking import attempts as life
from crmlink.linking import list_checks
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.errors import CannotUndo
from crmlink.linking.first_seen import FirstSeen
from crmlink.linking.list_checks import ListChecker, Listing
from crmlink.linking.list_trust import ListTrust
from crmlink.reports.link_health import UNCHECKED_AFTER, unfinished
from crmlink.store import BatchState, Link, LinkState, RowState
from support.batch_factories import asked_for, lines_of, rows_of, wait_for_nothing
from support.sandbox import SandboxHandle, decision, new_key
from unit.batches.written_lists import behind, states
from unit.linking.test_attempts import fails

Step = Callable[..., Any]
LIST = 8


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks at once, and the first comparison serves however slow the database is."""
    wait_for_nothing(monkeypatch)
    monkeypatch.setattr(life, "READ_BACK_DELAYS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(life, "COMPARISON_TTL", 60.0)


def counted(calls: Counter[str], name: str) -> Step:
    def step(real: Step, *args: Any) -> Any:
        calls[name] += 1
        return real(*args)

    return step


def links_of(ctx: WorkspaceContext) -> list[Link]:
    with ctx.database.reading() as session:
        return session.query(Link).all()


def never_listed(ctx: WorkspaceContext) -> WorkspaceContext:
    """Commusoft without a list, for as long as it lasts."""
    return behind(ctx, records_now=fails(CommusoftUnreachable()))


def written_only(ctx: WorkspaceContext, batch_id: str) -> None:
    """All rows are written, then the process ends before one is checked."""
    away = never_listed(ctx)
    work_on(away, batch_id, BatchState.WRITING, lambda: states(ctx)[RowState.WRITTEN] == LIST)
    assert states(ctx)[RowState.WRITTEN] == LIST


def listed_as(change: Callable[[Record], Record | None]) -> Step:
    """A list that shows every record otherwise, or leaves it out."""

    def step(real: Step, *args: Any) -> Iterator[Record]:
        return (shown for record in real(*args) if (shown := change(record)))

    return step


def asked(ctx: WorkspaceContext, device_id: int, most: int = LIST) -> str:
    customers = lines_of(ctx, 4 * most)[:most]
    batch_id = asked_for(ctx, device_id, customers)
    assert states(ctx)[RowState.WAITING] == most
    return batch_id


@pytest.mark.slow
def test_a_list_takes_little_more_than_two_calls_a_row(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id, calls = asked(ctx, device_id, 30), Counter[str]()
    seen = behind(
        ctx, **{name: counted(calls, name) for name in ("record", "write_reference", "records_now")}
    )
    assert write_waiting(seen) == 1
    rows = rows_of(ctx, batch_id)
    assert {row.row.state for row in rows} == {RowState.SUCCESSFUL}
    assert all(row.chosen and sandbox.reference(row.chosen.public_id) == row.row.reference
               for row in rows)  # fmt: skip
    assert calls["write_reference"] == 30
    assert sum(calls.values()) <= CALLS_A_LINK * 30


def test_a_written_row_is_not_linked_and_a_later_worker_checks_it_without_writing_again(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id, calls = asked(ctx, device_id), Counter[str]()
    written_only(ctx, batch_id)
    assert {link.state for link in links_of(ctx)} == {LinkState.INTENDED}
    found = overview(ctx, batch_id)
    assert (found.progress.done, found.counts.states[RowState.WRITTEN]) == (0, LIST)
    assert write_waiting(behind(ctx, write_reference=counted(calls, "PUT"))) == 1
    assert states(ctx)[RowState.SUCCESSFUL] == LIST
    assert not calls
    assert {(link.state, link.writes) for link in links_of(ctx)} == {(LinkState.LINKED, 1)}


@pytest.mark.parametrize(
    "change",
    [
        lambda record: replace(record, reference=None),
        lambda record: replace(record, reference=None, reference_shown=False),
        lambda record: None if int(record.number) % 2 else record,
        lambda record: replace(record, deleted=True),
        lambda record: replace(record, uuid="another"),
    ],
    ids=["as-before", "without-the-field", "half-of-it", "deleted", "another-record"],
)
def test_what_a_list_does_not_show_is_read_alone_and_the_list_is_doubted(
    ctx: WorkspaceContext, device_id: int, change: Callable[[Record], Record | None]
) -> None:
    asked(ctx, device_id)
    calls = Counter[str]()
    odd = behind(ctx, records_now=listed_as(change), record=counted(calls, "record"))
    assert write_waiting(odd) == 1
    assert states(ctx)[RowState.SUCCESSFUL] == LIST
    assert calls["record"] >= LIST + LIST // 2


@pytest.mark.parametrize("error", [InvalidCommusoftResponse("a list out of a cache")])
def test_without_a_usable_list_every_row_is_read_alone(
    ctx: WorkspaceContext, device_id: int, error: Exception
) -> None:
    asked(ctx, device_id)
    calls = Counter[str]()
    away = behind(ctx, records_now=fails(error), record=counted(calls, "record"))
    assert write_waiting(away) == 1
    assert states(ctx)[RowState.SUCCESSFUL] == LIST
    assert calls["record"] == 2 * LIST


def echoing(ctx: WorkspaceContext) -> WorkspaceContext:
    """Commusoft accepts each PUT and keeps none, and its list shows what was asked for."""
    targets: dict[str, str | None] = {}

    def dropped(_real: Step, record: Record, reference: str | None) -> None:
        targets[record.number] = reference

    def echo(record: Record) -> Record:
        return replace(record, reference=targets.get(record.number, record.reference))

    return behind(ctx, write_reference=dropped, records_now=listed_as(echo))


def test_a_list_that_shows_what_single_records_do_not_links_nothing(
    ctx: WorkspaceContext, device_id: int
) -> None:
    asked(ctx, device_id)
    assert write_waiting(echoing(ctx)) == 1
    assert states(ctx) == {RowState.FAILED: LIST}
    assert {(link.state, (link.failure or {})["code"], link.writes) for link in links_of(ctx)} == {
        (LinkState.FAILED, "reference-not-kept", 1)
    }


def test_the_same_list_catches_a_check_that_believes_it(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ListChecker, "_contradicts", lambda *_: False)
    asked(ctx, device_id)
    write_waiting(echoing(ctx))
    assert states(ctx)[RowState.SUCCESSFUL] == LIST


def begun_early(ctx: WorkspaceContext, listing: list[Record]) -> WorkspaceContext:
    """Every list read gives what stood there before the last PUTs, under their dates."""
    return behind(ctx, records_now=lambda _real, kind: iter(
        [record for record in listing if record.kind == kind]
    ))  # fmt: skip


def test_a_list_from_before_the_puts_links_nothing_by_itself(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    """A record had the reference once: an old list still shows it, and the PUT was not kept."""
    batch_id = asked(ctx, device_id)
    assert write_waiting(ctx) == 1
    old = list(ctx.commusoft.records("customer"))
    start_undo(ctx, device_id, batch_id)
    assert write_waiting(ctx) == 1
    row = rows_of(ctx, batch_id)[0]
    away = begun_early(behind(ctx, write_reference=lambda _real, *_args: None), old)
    assert row.chosen
    away = replace(away, list_trust=ListTrust())
    wish = replace(
        decision(row.chosen.public_id, row.row.reference), package="sage_50", organisation=""
    )
    link = confirm(away, wish, new_key(), device_id)
    assert link.is_to_be_checked
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        patched.setattr(list_checks, "MIN_LINKS", 1)
        patched.setattr(list_checks, "LISTED_FOR_EACH", 10**6)
        patched.setattr(ListChecker, "_contradicts", lambda *_: False)  # as if none was drawn
        ListChecker(away, lambda: False).check([link])
    after = next(one for one in links_of(ctx) if one.id == link.id)
    assert (after.state, (after.failure or {})["code"]) == (LinkState.FAILED, "reference-not-kept")


def test_a_foreign_change_before_the_check_is_a_conflict_and_is_kept(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked(ctx, device_id)
    written_only(ctx, batch_id)
    changed, restored = rows_of(ctx, batch_id)[:2]
    assert changed.chosen
    assert restored.chosen
    sandbox.put_reference(changed.chosen.public_id, "FOREIGN")
    sandbox.put_reference(restored.chosen.public_id, None)
    assert write_waiting(ctx) == 1
    assert states(ctx) == {RowState.SUCCESSFUL: LIST - 2, RowState.FAILED: 2}
    failures = [(row.row.failure or {})["code"] for row in rows_of(ctx, batch_id)[:2]]
    assert failures == ["record-changed", "reference-not-kept"]
    assert sandbox.reference(changed.chosen.public_id) == "FOREIGN"
    assert sandbox.reference(restored.chosen.public_id) is None


def test_a_person_undoes_a_link_that_is_written_and_not_checked(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked(ctx, device_id)
    written_only(ctx, batch_id)
    row = rows_of(ctx, batch_id)[0]
    assert row.chosen
    reversal = undo(ctx, UndoDecision(row.row.link_id or ""), new_key(), device_id)
    assert reversal.state is LinkState.LINKED
    assert sandbox.reference(row.chosen.public_id) is None
    assert write_waiting(ctx) == 1
    assert states(ctx) == {RowState.SUCCESSFUL: LIST - 1, RowState.UNDONE: 1}


def test_it_cannot_be_undone_while_commusoft_does_not_show_it(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked(ctx, device_id)
    written_only(ctx, batch_id)
    link_id = rows_of(ctx, batch_id)[0].row.link_id or ""
    away = behind(ctx, record=fails(CommusoftUnreachable()))
    with pytest.raises(CannotUndo):
        undo(away, UndoDecision(link_id), new_key(), device_id)


def test_a_whole_list_is_undone_while_its_rows_wait_to_be_checked(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked(ctx, device_id)
    written_only(ctx, batch_id)
    pause(ctx, device_id, batch_id)
    assert start_undo(ctx, device_id, batch_id) == LIST
    assert write_waiting(ctx) == 1
    assert states(ctx) == {RowState.UNDONE: LIST}
    assert all(row.chosen and sandbox.reference(row.chosen.public_id) is None
               for row in rows_of(ctx, batch_id))  # fmt: skip


def test_rows_of_a_cancelled_list_are_checked_without_a_worker(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked(ctx, device_id)
    written_only(ctx, batch_id)
    cancel(ctx, device_id, batch_id)
    settle_stopped(ctx)
    assert states(ctx) == {RowState.WRITTEN: LIST}
    check_stopped(ctx, lambda: False)
    assert settle_stopped(ctx) == LIST
    assert states(ctx) == {RowState.SUCCESSFUL: LIST}


def test_rows_that_wait_for_a_list_are_no_stalled_links_until_they_wait_too_long(
    ctx: WorkspaceContext, device_id: int
) -> None:
    written_only(ctx, asked(ctx, device_id))
    assert unfinished(ctx).stalled == ()
    with ctx.database.writing() as session:
        for link in session.query(Link):
            link.written_at = link.created_at - UNCHECKED_AFTER
    assert len(unfinished(ctx).stalled) == LIST


def test_what_no_list_checks_is_recovered_by_single_reads_in_the_end(
    ctx: WorkspaceContext, device_id: int
) -> None:
    seconds = [0.0]
    ctx = replace(ctx, first_seen=FirstSeen(lambda: seconds[0]))
    written_only(ctx, asked(ctx, device_id))
    assert recover(ctx) == []
    seconds[0] = life.MAX_UNCHECKED_SECONDS + 1
    assert {link.state for link in recover(ctx)} == {LinkState.LINKED}


def test_a_row_that_was_compared_too_long_ago_is_compared_again(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "COMPARISON_TTL", -1.0)
    batch_id, looks = asked(ctx, device_id), Counter[str]()

    def changed_after(real: Step, kind: str, number: str, *more: Any) -> Record:
        record: Record = real(kind, number, *more)
        looks[number] += 1
        if looks[number] == 1:
            sandbox.put_reference(record.id, "FOREIGN")
        return record

    assert write_waiting(behind(ctx, record=changed_after)) == 1
    assert states(ctx) == {RowState.FAILED: LIST}
    assert {sandbox.reference(row.chosen.public_id) for row in rows_of(ctx, batch_id)
            if row.chosen} == {"FOREIGN"}  # fmt: skip


def test_only_what_was_written_before_a_list_was_asked_for_is_checked_by_it(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows written while a list is read wait for the next one."""
    monkeypatch.setattr(written_rows, "CHECK_AFTER", 4)
    begun: list[set[str]] = []
    real_check, real_settle = ListChecker.check, list_checks._settle_as_linked

    def check(self: ListChecker, links: Any) -> str | None:
        begun.append({link.id for link in links})
        assert all(link.written_at and link.writes == link.writes_over for link in links)
        return real_check(self, links)

    def settle(session: Any, ctx: WorkspaceContext, links: list[Link], listing: Listing) -> None:
        assert {link.id for link in links} <= begun[-1]
        real_settle(session, ctx, links, listing)

    monkeypatch.setattr(ListChecker, "check", check)
    monkeypatch.setattr(list_checks, "_settle_as_linked", settle)
    asked(ctx, device_id, 20)
    two_at_once = behind(ctx)
    commusoft: Any = two_at_once.commusoft
    commusoft.max_concurrent = 3
    assert write_waiting(two_at_once) == 1
    assert states(ctx)[RowState.SUCCESSFUL] == 20
    assert len(begun) >= 2
