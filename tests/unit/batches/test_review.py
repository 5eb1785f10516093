"""Reviewing together: decisions, who was quicker, and accepting what is sure."""

import pytest

from crmlink.access.api_tokens import create_api_token
from crmlink.access.devices import command_line_actor
from crmlink.batches.accept_sure import accept_sure, draw_sample
from crmlink.batches.control import start_writing
from crmlink.batches.progress import overview, summary
from crmlink.batches.review import ShownRow, accept, choose_none, claim, release_claims, reopen
from crmlink.batches.rows import RowFilter, RowPage, count_rows, find_row, list_rows
from crmlink.batches.writer import write_waiting
from crmlink.installation import Installation
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import (
    BatchNotFound,
    InvalidBatchState,
    KindMismatch,
    RecordAlreadyChosen,
    RecordHasReference,
    RecordUnknown,
    ReferenceTaken,
    RowAlreadyDecided,
    SampleRequired,
)
from crmlink.linking.overrides import Overrides
from crmlink.store import BatchRow, Choice, MirroredRecord, Verdict
from support.batch_factories import imported, line_of, lines_of, matched, records_of, rows_of
from support.sandbox import SandboxHandle


@pytest.fixture
def second(installation: Installation) -> int:
    """A second person's device."""
    return create_api_token(installation.access, command_line_actor(installation.access), "Ada")[
        0
    ].id


def test_a_decision_on_a_row_that_someone_else_decided_says_who_and_what(
    ctx: WorkspaceContext, device_id: int, second: int
) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx, 3))
    best = rows_of(ctx, batch_id)[0].offers[0].record
    decided = accept(ctx, second, ShownRow(batch_id, 1, 0), best.public_id)
    assert decided.chosen
    assert (decided.chosen.public_id, decided.decided_by) == (best.public_id, "Ada")
    with pytest.raises(RowAlreadyDecided) as caught:
        choose_none(ctx, device_id, ShownRow(batch_id, 1, 0))
    facts = caught.value.facts
    assert (facts["by"], facts["choice"], facts["record"].public_id) == (
        "Ada", "record", best.public_id,
    )  # fmt: skip
    assert find_row(ctx, batch_id, 1).row.choice is Choice.RECORD
    assert reopen(ctx, device_id, ShownRow(batch_id, 1, 1)).row.choice is Choice.OPEN


def test_a_record_is_given_to_one_row_only_and_the_other_is_told_which(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx, 3))
    record = records_of(ctx)[10].public_id
    accept(ctx, device_id, ShownRow(batch_id, 1, 0), record)
    with pytest.raises(RecordAlreadyChosen) as caught:
        accept(ctx, device_id, ShownRow(batch_id, 2, 0), record)
    assert caught.value.facts["position"] == 1
    reopen(ctx, device_id, ShownRow(batch_id, 1, 1))
    assert accept(ctx, device_id, ShownRow(batch_id, 2, 0), record).row.record_id == record


def test_another_reference_on_the_record_needs_a_second_separate_choice(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    one, two = records_of(ctx)[:2]
    sandbox.put_reference(one.public_id, "OLD")
    sandbox.put_reference(two.public_id, "NEW")
    ctx.sync()
    batch_id = matched(ctx, device_id, [line_of(one, "NEW")])
    row = rows_of(ctx, batch_id)[0]
    assert row.row.verdict is Verdict.CONFLICT
    assert [record.public_id for record in row.referenced_records] == [two.public_id]
    with pytest.raises(RecordHasReference) as has:
        accept(ctx, device_id, ShownRow(batch_id, 1, 0), one.public_id)
    assert has.value.facts["record"].label == one.label
    with pytest.raises(ReferenceTaken) as taken:
        accept(ctx, device_id, ShownRow(batch_id, 1, 0), one.public_id, Overrides(replaces="OLD"))
    assert taken.value.facts["holders"][0].label == two.label
    agreed = Overrides(replaces="OLD", also_on=frozenset({two.public_id}))
    done = accept(ctx, device_id, ShownRow(batch_id, 1, 0), one.public_id, agreed)
    assert done.row.agreed
    assert (done.row.agreed["replaces"], done.row.agreed["also_on"]) == ("OLD", [two.public_id])
    planned = summary(ctx, batch_id)
    assert (planned.to_link, planned.replaces, planned.also_on) == (1, 1, 1)


def test_a_reference_in_other_letters_is_replaced_only_by_a_second_separate_choice(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    one = records_of(ctx)[0]
    sandbox.put_reference(one.public_id, "ac1")
    ctx.sync()
    batch_id = matched(ctx, device_id, [line_of(one, "AC1")])
    assert rows_of(ctx, batch_id)[0].row.verdict is Verdict.CONFLICT
    with pytest.raises(RecordHasReference):
        accept(ctx, device_id, ShownRow(batch_id, 1, 0), one.public_id)
    accept(ctx, device_id, ShownRow(batch_id, 1, 0), one.public_id, Overrides(replaces="ac1"))
    start_writing(ctx, device_id, batch_id, 1)
    write_waiting(ctx)
    assert sandbox.reference(one.public_id) == "AC1"


def test_zeros_before_a_number_make_another_reference(
    ctx: WorkspaceContext, device_id: int
) -> None:
    one, two = records_of(ctx)[:2]
    batch_id = matched(ctx, device_id, [line_of(one, "0012"), line_of(two, "12")])
    accept_sure(ctx, device_id, batch_id, draw_sample(ctx, batch_id).token)
    assert [(row.row.reference, row.row.record_id) for row in rows_of(ctx, batch_id)] == [
        ("0012", one.public_id), ("12", two.public_id),
    ]  # fmt: skip


def test_a_customer_and_a_supplier_of_one_number_and_reference_are_two(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    sandbox.put_reference("supplier-501", "AC1")
    ctx.sync()
    customer = records_of(ctx)[0]
    with ctx.database.writing() as session:
        supplier = session.query(MirroredRecord).filter_by(kind="supplier", number="501").one()
        supplier.number = customer.number
    batch_id = matched(ctx, device_id, [line_of(customer, "AC1")])
    row = rows_of(ctx, batch_id)[0]
    assert (row.row.verdict, row.row.best) == (Verdict.SURE, customer.public_id)
    assert accept(ctx, device_id, ShownRow(batch_id, 1, 0), customer.public_id).chosen


def test_accepting_what_is_sure_leaves_two_rows_that_are_sure_of_one_record_to_a_person(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx, 4))
    with ctx.database.writing() as session:  # as a matching that was stopped may leave them
        one, two = session.query(BatchRow).order_by(BatchRow.position).limit(2)
        two.best, one.verdict, two.verdict = one.best, Verdict.SURE, Verdict.SURE
    done = accept_sure(ctx, device_id, batch_id, draw_sample(ctx, batch_id).token)
    assert done.left == 2
    assert [row.row.choice for row in rows_of(ctx, batch_id)[:2]] == [Choice.OPEN, Choice.OPEN]


def test_a_customer_is_no_supplier_and_an_unknown_record_is_none(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx, 1))
    with pytest.raises(KindMismatch):
        accept(ctx, device_id, ShownRow(batch_id, 1, 0), "supplier-501")
    with pytest.raises(RecordUnknown):
        accept(ctx, device_id, ShownRow(batch_id, 1, 0), "customer-0")


def test_what_is_sure_is_accepted_in_one_go_only_after_its_sample_was_shown(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx))
    with pytest.raises(SampleRequired):
        accept_sure(ctx, device_id, batch_id, "")
    old = draw_sample(ctx, batch_id)
    sample = draw_sample(ctx, batch_id, size=5)
    assert len(sample.rows) == 5
    assert {row.row.verdict for row in sample.rows} == {Verdict.SURE}
    with pytest.raises(SampleRequired):
        accept_sure(ctx, device_id, batch_id, old.token)
    done = accept_sure(ctx, device_id, batch_id, sample.token)
    counts = overview(ctx, batch_id).counts
    assert (done.accepted, done.left) == (sample.of, 0)
    assert counts.choices[Choice.RECORD] == counts.verdicts[Verdict.SURE] == sample.of
    with pytest.raises(SampleRequired):
        accept_sure(ctx, device_id, batch_id, sample.token)


def test_accepting_what_is_sure_leaves_out_a_record_that_a_person_gave_to_another_row(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx, 10))
    sure = [row for row in rows_of(ctx, batch_id) if row.row.verdict is Verdict.SURE]
    other = next(row for row in rows_of(ctx, batch_id) if row.row.best != sure[0].row.best)
    assert sure[0].row.best
    accept(ctx, device_id, ShownRow(batch_id, other.row.position, 0), sure[0].row.best)
    done = accept_sure(ctx, device_id, batch_id, draw_sample(ctx, batch_id).token)
    assert done.left == 1
    assert find_row(ctx, batch_id, sure[0].row.position).row.choice is Choice.OPEN


def test_a_draft_that_was_not_matched_is_not_decided(ctx: WorkspaceContext, device_id: int) -> None:
    batch_id = imported(ctx, device_id, lines_of(ctx, 1)).batch.id
    with pytest.raises(InvalidBatchState):
        choose_none(ctx, device_id, ShownRow(batch_id, 1, 0))


def test_who_looks_at_a_row_is_shown_to_the_others_until_they_leave(
    ctx: WorkspaceContext, device_id: int, second: int
) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx, 2))
    assert claim(ctx, second, batch_id, 1).claimed_by is None
    assert claim(ctx, device_id, batch_id, 1).claimed_by == "Ada"
    [first, other] = list_rows(ctx, batch_id, device_id=device_id)
    assert (first.claimed_by, other.claimed_by) == ("Ada", None)
    release_claims(ctx, second, batch_id)
    assert find_row(ctx, batch_id, 1, device_id).claimed_by is None


def test_rows_are_found_by_what_they_are_and_paged_by_their_place(
    ctx: WorkspaceContext, device_id: int
) -> None:
    lines = lines_of(ctx)
    batch_id = matched(ctx, device_id, lines)
    first = list_rows(ctx, batch_id, page=RowPage(limit=10))
    then = list_rows(ctx, batch_id, page=RowPage(after=first[-1].row.position, limit=10))
    back = list_rows(ctx, batch_id, page=RowPage(before=then[0].row.position, limit=10))
    assert [row.row.position for row in first + then] == list(range(1, 21))
    assert [row.row.position for row in back] == [row.row.position for row in first]
    found = list_rows(ctx, batch_id, RowFilter(search="ac00003"))
    assert [row.row.reference for row in found] == ["AC00003"]
    for verdict in Verdict:
        wanted = RowFilter(verdict=verdict)
        assert count_rows(ctx, batch_id, wanted) == len(
            list_rows(ctx, batch_id, wanted, RowPage(limit=500))
        )
    with pytest.raises(BatchNotFound):
        list_rows(ctx, "of another workspace")
