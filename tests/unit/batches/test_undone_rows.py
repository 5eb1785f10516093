"""Rows whose undo is written wait for one read of Commusoft's list, newer than their links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from crmlink.batches.control import start_undo
from crmlink.batches.progress import CALLS_A_LINK, overview
from crmlink.batches.writer import work_on, write_waiting
from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.commusoft.records import Record
from crmlink.kinds import Kind
from crmlink.linking import attempts as life
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, undo
from crmlink.linking.errors import CannotUndo
from crmlink.linking.list_checks import ListChecker
from crmlink.store import BatchState, Link, LinkState, RowState
from support.batch_factories import asked_for, lines_of, rows_of, wait_for_nothing
from support.sandbox import SandboxHandle, new_key
from unit.batches.test_written_rows import Step, counted
from unit.batches.written_lists import after, behind, states
from unit.linking.test_attempts import fails

LIST = 30


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks at once, and the first comparison serves however slow the database is."""
    wait_for_nothing(monkeypatch)
    monkeypatch.setattr(life, "READ_BACK_DELAYS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(life, "COMPARISON_TTL", 60.0)


def linked(ctx: WorkspaceContext, device_id: int, rows: int = LIST) -> str:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 4 * rows)[:rows])
    two_at_once = behind(ctx)
    commusoft: Any = two_at_once.commusoft
    commusoft.max_concurrent = 3
    assert write_waiting(two_at_once) == 1
    assert states(ctx) == {RowState.SUCCESSFUL: rows}
    return batch_id


def undos_of(ctx: WorkspaceContext) -> list[Link]:
    with ctx.database.reading() as session:
        return session.query(Link).filter(Link.undoes_id.is_not(None)).all()


def undone_only_in_writing(ctx: WorkspaceContext, batch_id: str) -> None:
    """Rows are undone, then the process ends before a read has shown one."""
    away = behind(ctx, records_now=fails(CommusoftUnreachable()))
    work_on(away, batch_id, BatchState.UNDOING, after(20))
    assert {link.is_to_be_checked for link in undos_of(ctx)} == {True}


def test_an_undo_of_a_list_takes_little_more_than_two_calls_a_row(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id, calls = linked(ctx, device_id), Counter[str]()
    start_undo(ctx, device_id, batch_id)
    seen = behind(
        ctx, **{name: counted(calls, name) for name in ("record", "write_reference", "records_now")}
    )
    assert write_waiting(seen) == 1
    assert states(ctx) == {RowState.UNDONE: LIST}
    assert overview(ctx, batch_id).batch.state is BatchState.UNDONE
    assert all(row.chosen and sandbox.reference(row.chosen.public_id) is None
               for row in rows_of(ctx, batch_id))  # fmt: skip
    assert calls["write_reference"] == LIST
    assert sum(calls.values()) <= CALLS_A_LINK * LIST + 3  # the last row and its comparison


def test_a_row_whose_undo_is_written_is_not_undone_and_is_not_written_again(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id, calls = linked(ctx, device_id), Counter[str]()
    start_undo(ctx, device_id, batch_id)
    undone_only_in_writing(ctx, batch_id)
    begun = len(undos_of(ctx))
    assert begun > 0
    assert states(ctx) == {RowState.UNDOING: LIST}
    assert write_waiting(behind(ctx, write_reference=counted(calls, "PUT"))) == 1
    assert states(ctx) == {RowState.UNDONE: LIST}
    assert calls["PUT"] == LIST - begun
    assert {(link.state, link.writes) for link in undos_of(ctx)} == {(LinkState.LINKED, 1)}


def not_kept(ctx: WorkspaceContext, number: str, before: list[Record]) -> WorkspaceContext:
    """Commusoft accepts the undo of one record without keeping it, and its list is an old one."""

    def write(real: Step, record: Record, reference: str | None, **more: Any) -> None:
        if record.number != number:
            real(record, reference, **more)

    def listed(_real: Step, kind: Kind) -> Iterator[Record]:
        return (record for record in before if record.kind == kind)

    return behind(ctx, write_reference=write, records_now=listed)


def test_a_list_from_before_the_links_undoes_nothing_by_itself(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [*ctx.commusoft.records("customer"), *ctx.commusoft.records("supplier")]
    batch_id = linked(ctx, device_id)
    wrong = rows_of(ctx, batch_id)[3].row
    start_undo(ctx, device_id, batch_id)
    number = (wrong.record_id or "").partition("-")[2]
    monkeypatch.setattr(ListChecker, "_contradicts", lambda *_: False)  # as if none was drawn
    assert write_waiting(not_kept(ctx, number, before)) == 1
    assert states(ctx) == {RowState.UNDONE: LIST - 1, RowState.SUCCESSFUL: 1}
    kept = rows_of(ctx, batch_id)[3].row
    assert (kept.failure or {})["code"] == "reference-not-kept"


def test_the_same_list_catches_a_check_that_asks_for_no_newer_value(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [*ctx.commusoft.records("customer"), *ctx.commusoft.records("supplier")]
    batch_id = linked(ctx, device_id)
    number = (rows_of(ctx, batch_id)[3].row.record_id or "").partition("-")[2]
    start_undo(ctx, device_id, batch_id)
    monkeypatch.setattr(ListChecker, "_contradicts", lambda *_: False)
    monkeypatch.setattr(ListChecker, "_held_before", lambda *_: {})
    write_waiting(not_kept(ctx, number, before))
    assert states(ctx) == {RowState.UNDONE: LIST}  # one of them is not


def test_an_undo_that_was_not_kept_is_told_and_the_others_are_undone(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = linked(ctx, device_id)
    wrong = rows_of(ctx, batch_id)[3]
    assert wrong.chosen
    number = wrong.chosen.number

    def write(real: Step, record: Record, reference: str | None, **more: Any) -> None:
        if record.number != number:
            real(record, reference, **more)

    start_undo(ctx, device_id, batch_id)
    assert write_waiting(behind(ctx, write_reference=write)) == 1
    assert states(ctx) == {RowState.UNDONE: LIST - 1, RowState.SUCCESSFUL: 1}
    assert (rows_of(ctx, batch_id)[3].row.failure or {})["code"] == "reference-not-kept"
    assert sandbox.reference(wrong.chosen.public_id) == wrong.row.reference


def test_a_person_who_undoes_a_row_whose_undo_is_written_is_told_that_it_is_undone(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = linked(ctx, device_id)
    start_undo(ctx, device_id, batch_id)
    undone_only_in_writing(ctx, batch_id)
    link_id = undos_of(ctx)[0].undoes_id or ""
    with pytest.raises(CannotUndo) as refused:
        undo(ctx, UndoDecision(link_id), new_key(), device_id)
    assert refused.value.facts == {"obstacle": LinkState.UNDONE.value}
    assert states(ctx)[RowState.UNDONE] == 1
