"""Matching a whole list against the sandbox's records, in this process and in one of its own."""

from types import SimpleNamespace

import pytest

from crmlink.batches import match_job as batch_match
from crmlink.batches.match_job import match_batch, match_waiting, start_matching, stop_matching
from crmlink.batches.progress import overview
from crmlink.batches.review import ShownRow, accept
from crmlink.batches.state import take_lease
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import InvalidBatchState
from crmlink.store import Batch, BatchState, Choice, Verdict
from crmlink.store.base import utc_now
from support.batch_factories import (
    BOUND,
    Line,
    accepted,
    imported,
    line_of,
    lines_of,
    matched,
    records_of,
    rows_of,
)
from support.other_process import count_as_dead, other_process
from support.sandbox import SandboxHandle


def test_a_list_of_our_own_records_is_mostly_sure_and_each_row_has_its_own_record(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx))
    found = overview(ctx, batch_id)
    assert found.batch.state is BatchState.REVIEW
    assert found.batch.share is not None
    assert found.batch.share > 0.9
    records = {record.public_id: record for record in records_of(ctx)}
    sure = [row for row in rows_of(ctx, batch_id) if row.row.verdict is Verdict.SURE]
    assert len(sure) > len(records) * 0.8
    for row in sure:
        assert row.offers[0].record.public_id == row.row.best
        assert row.offers[0].record.label == row.row.name
        assert row.offers[0].suggestion
        assert row.offers[0].suggestion.reasons


@pytest.mark.slow
def test_a_process_of_its_own_says_the_same(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = lines_of(ctx, 30)
    here = rows_of(ctx, matched(ctx, device_id, lines))
    monkeypatch.setattr(batch_match, "MIN_PROCESS_ROWS", 1)
    there = rows_of(ctx, matched(ctx, device_id, lines))
    assert [(row.row.verdict, row.row.best, row.row.suggestions) for row in here] == [
        (row.row.verdict, row.row.best, row.row.suggestions) for row in there
    ]


def test_rows_that_are_right_already_are_set_aside_and_what_contradicts_is_a_conflict(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    first, second, third, fourth = records_of(ctx)[:4]
    sandbox.put_reference(first.public_id, "HERE")
    sandbox.put_reference(second.public_id, "OTHER")
    sandbox.put_reference(third.public_id, "FOURTH")
    ctx.sync()
    batch_id = matched(
        ctx, device_id, [
            line_of(first, "HERE"), line_of(second, "SECOND"), line_of(fourth, "FOURTH"),
        ],
    )  # fmt: skip
    here, other, elsewhere = (row.row for row in rows_of(ctx, batch_id))
    assert (here.verdict, here.best) == (Verdict.LINKED, first.public_id)
    assert other.conflict == {
        "code": "record-has-reference", "record": second.public_id, "current_reference": "OTHER",
    }  # fmt: skip
    assert elsewhere.conflict == {"code": "reference-elsewhere", "records": [third.public_id]}


def test_one_person_twice_on_the_list_is_a_conflict_and_a_stranger_is_none(
    ctx: WorkspaceContext, device_id: int
) -> None:
    record = records_of(ctx)[0]
    stranger = Line("ZZ1", "Zebedee Quartermain-Oyelaran", "1 Nowhere Row", "Thurso", "KW14 8XX")
    batch_id = matched(ctx, device_id, [line_of(record, "ONE"), line_of(record, "TWO"), stranger])
    one, two, none = (row.row for row in rows_of(ctx, batch_id))
    assert one.conflict == {"code": "contact-twice", "record": record.public_id, "rows": [2]}
    assert two.conflict == {"code": "contact-twice", "record": record.public_id, "rows": [1]}
    assert none.verdict is Verdict.NONE


def test_matching_anew_keeps_what_people_decided(ctx: WorkspaceContext, device_id: int) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx, 5))
    record = records_of(ctx)[20].public_id
    accept(ctx, device_id, ShownRow(batch_id, 1, 0), record)
    start_matching(ctx, device_id, batch_id, BOUND)
    match_waiting(ctx)
    row = rows_of(ctx, batch_id)[0].row
    assert (row.choice, row.record_id) == (Choice.RECORD, record)


def test_matching_that_is_stopped_leaves_the_draft_as_it_was(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = imported(ctx, device_id, lines_of(ctx, 5)).batch.id
    start_matching(ctx, device_id, batch_id, BOUND)
    stop_matching(ctx, device_id, batch_id)
    assert match_waiting(ctx) == 0
    assert overview(ctx, batch_id).batch.state is BatchState.DRAFT
    with pytest.raises(InvalidBatchState):
        stop_matching(ctx, device_id, batch_id)


def test_a_server_that_stops_leaves_the_matching_to_the_next_one(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = imported(ctx, device_id, lines_of(ctx, 5)).batch.id
    start_matching(ctx, device_id, batch_id, BOUND)
    assert not match_batch(ctx, batch_id, lambda: True)
    assert overview(ctx, batch_id).batch.state is BatchState.MATCHING
    assert match_waiting(ctx) == 1


def test_a_batch_is_matched_by_one_process_at_a_time(ctx: WorkspaceContext, device_id: int) -> None:
    batch_id = imported(ctx, device_id, lines_of(ctx, 2)).batch.id
    start_matching(ctx, device_id, batch_id, BOUND)
    other = other_process(ctx)
    assert take_lease(ctx.database, other.ownership, batch_id, BatchState.MATCHING)
    assert match_waiting(ctx) == 0
    count_as_dead(other)
    assert match_waiting(ctx) == 1


def test_a_process_that_says_nothing_for_long_keeps_its_list_while_it_lives(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = imported(ctx, device_id, lines_of(ctx, 2)).batch.id
    start_matching(ctx, device_id, batch_id, BOUND)
    taken_over: list[str | None] = []
    other = other_process(ctx)

    class Silent:
        """A process that is still at its index when its lease would have run out."""

        exitcode = 0
        looks = iter((True, True, True, False, False, False))

        def __init__(self, **_: object) -> None: ...

        def start(self) -> None:
            with ctx.database.writing() as session:
                session.get_one(Batch, batch_id).lease_until = utc_now()

        def is_alive(self) -> bool:
            return next(self.looks)

        def join(self, _timeout: float = 0.0) -> None:
            if not taken_over:
                taken_over.append(None)
            else:
                lease = take_lease(ctx.database, other.ownership, batch_id, BatchState.MATCHING)
                taken_over.append(lease)

    monkeypatch.setattr(batch_match, "MIN_PROCESS_ROWS", 1)
    context = SimpleNamespace(Process=Silent)
    monkeypatch.setattr("multiprocessing.get_context", lambda _: context)
    match_batch(ctx, batch_id)
    assert taken_over[1:]
    assert set(taken_over) == {None}


def test_a_list_that_is_finished_is_not_matched_again(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = accepted(ctx, device_id, lines_of(ctx, 1))
    with ctx.database.writing() as session:
        session.get_one(Batch, batch_id).state = BatchState.DONE
    with pytest.raises(InvalidBatchState):
        start_matching(ctx, device_id, batch_id, BOUND)
