"""Writing and undoing whole lists against a real sandbox over HTTP."""

import csv
import io

import pytest

from crmlink.batches.control import (
    retry_failed,
    start_undo,
    start_writing,
)
from crmlink.batches.progress import overview, summary, write_results
from crmlink.batches.review import ShownRow, accept, choose_none, reopen
from crmlink.batches.writer import work_on, write_waiting
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.errors import (
    CountChanged,
    NothingToLink,
    RowInProgress,
)
from crmlink.linking.overrides import Overrides
from crmlink.store import Batch, BatchState, Link, LinkState, RowState
from crmlink.web.problems import problem_from_stored
from support.batch_factories import (
    Line,
    accepted,
    asked_for,
    line_of,
    lines_of,
    matched,
    records_of,
    rows_of,
    wait_for_nothing,
)
from support.sandbox import HOLLOWAY, SandboxHandle, decision, new_key
from unit.batches.written_lists import after, state, states


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks at once."""
    wait_for_nothing(monkeypatch)


@pytest.mark.slow
def test_every_accepted_row_is_linked_in_commusoft_and_the_batch_is_done(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 12))
    assert write_waiting(ctx) == 1
    rows = rows_of(ctx, batch_id)
    written = [row for row in rows if row.row.state is RowState.SUCCESSFUL]
    assert len(written) >= 10
    for row in written:
        assert row.chosen
        assert sandbox.reference(row.chosen.public_id) == row.row.reference
    found = overview(ctx, batch_id)
    assert found.batch.state is BatchState.DONE
    assert found.progress.done == found.progress.of == len(written)
    with ctx.database.reading() as session:
        assert {link.device_id for link in session.query(Link)} == {device_id}


def test_as_many_are_linked_as_the_summary_said_or_none(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = accepted(ctx, device_id, lines_of(ctx, 5))
    planned = summary(ctx, batch_id)
    with pytest.raises(CountChanged) as caught:
        start_writing(ctx, device_id, batch_id, planned.to_link + 1)
    assert caught.value.facts == {"contacts": planned.to_link}
    assert states(ctx)[RowState.WAITING] == 0


def test_rows_that_no_one_accepted_or_that_have_no_record_stay_as_they_are(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx, 3))
    choose_none(ctx, device_id, ShownRow(batch_id, 1, 0))
    with pytest.raises(NothingToLink):
        start_writing(ctx, device_id, batch_id, 0)


def test_a_conflict_in_commusoft_is_never_forced_and_says_why(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 3))
    first = rows_of(ctx, batch_id)[0]
    assert first.chosen
    sandbox.put_reference(first.chosen.public_id, "SOMEBODY")
    write_waiting(ctx)
    row = rows_of(ctx, batch_id)[0].row
    assert row.state is RowState.FAILED
    assert row.failure
    found = problem_from_stored(row.failure)
    assert found.code == "record-has-reference"
    assert "SOMEBODY" in found.detail
    assert sandbox.reference(first.chosen.public_id) == "SOMEBODY"


def test_a_failure_is_tried_again_after_its_cause_is_gone(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 2))
    first = rows_of(ctx, batch_id)[0]
    assert first.chosen
    sandbox.put_reference(first.chosen.public_id, "SOMEBODY")
    write_waiting(ctx)
    sandbox.put_reference(first.chosen.public_id, None)
    assert retry_failed(ctx, device_id, batch_id, 1) == 1
    write_waiting(ctx)
    assert rows_of(ctx, batch_id)[0].row.state is RowState.SUCCESSFUL
    assert sandbox.reference(first.chosen.public_id) == first.row.reference
    with pytest.raises(RowInProgress):
        retry_failed(ctx, device_id, batch_id, 1)


def test_what_the_person_agreed_to_replace_is_replaced_and_exactly_that(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    one, two = records_of(ctx)[:2]
    for record in (one, two):
        sandbox.put_reference(record.public_id, f"OLD{record.number}")
    ctx.sync()
    batch_id = matched(ctx, device_id, [line_of(one, "NEW1"), line_of(two, "NEW2")])
    for position, record in enumerate((one, two), 1):
        agreed = Overrides(replaces=f"OLD{record.number}")
        accept(ctx, device_id, ShownRow(batch_id, position, 0), record.public_id, agreed)
    sandbox.put_reference(two.public_id, "NEWER")
    start_writing(ctx, device_id, batch_id, 2)
    write_waiting(ctx)
    assert [row.row.state for row in rows_of(ctx, batch_id)] == [
        RowState.SUCCESSFUL, RowState.FAILED,
    ]  # fmt: skip
    assert sandbox.reference(one.public_id) == "NEW1"
    assert sandbox.reference(two.public_id) == "NEWER"


def test_a_whole_batch_is_undone_and_what_cannot_be_is_listed_with_why(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 6))
    write_waiting(ctx)
    rows = [row for row in rows_of(ctx, batch_id) if row.row.state is RowState.SUCCESSFUL]
    assert rows[0].chosen
    sandbox.put_reference(rows[0].chosen.public_id, "NEWER")
    assert start_undo(ctx, device_id, batch_id) == len(rows)
    assert write_waiting(ctx) == 1
    assert state(ctx, batch_id) is BatchState.UNDONE
    kept, *undone = (find.row for find in rows_of(ctx, batch_id) if find.row.link_id)
    assert (kept.state, kept.failure and kept.failure["code"]) == (
        RowState.SUCCESSFUL, "cannot-undo",
    )  # fmt: skip
    assert {row.state for row in undone} == {RowState.UNDONE}
    for found in rows[1:]:
        assert found.chosen
        assert sandbox.reference(found.chosen.public_id) is None


def test_a_row_that_was_undone_may_be_decided_and_linked_anew(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 1))
    write_waiting(ctx)
    start_undo(ctx, device_id, batch_id)
    write_waiting(ctx)
    with ctx.database.writing() as session:
        session.get_one(Batch, batch_id).state = BatchState.DONE
    row = rows_of(ctx, batch_id)[0].row
    again = reopen(ctx, device_id, ShownRow(batch_id, 1, row.version))
    assert row.best
    accept(ctx, device_id, ShownRow(batch_id, 1, again.row.version), row.best)
    start_writing(ctx, device_id, batch_id, 1)
    write_waiting(ctx)
    assert sandbox.reference(row.best) == row.reference


def test_the_results_tell_every_row_and_no_spreadsheet_runs_them(
    ctx: WorkspaceContext, device_id: int
) -> None:
    evil = Line("ZZ1", "=HYPERLINK(1)", phone="+441632960999")
    batch_id = asked_for(ctx, device_id, [*lines_of(ctx, 2), evil])
    write_waiting(ctx)
    table = io.StringIO()
    assert (
        write_results(ctx, batch_id, table, lambda failure: problem_from_stored(failure).detail)
        == 3
    )
    rows = list(csv.DictReader(io.StringIO(table.getvalue())))
    assert [row["outcome"] for row in rows] == ["successful", "successful", "not linked"]
    assert rows[0]["link"]
    assert rows[2]["contact"] == "'=HYPERLINK(1)"


def test_the_results_tell_of_a_link_that_someone_undid_by_itself(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 2))
    write_waiting(ctx)
    first = rows_of(ctx, batch_id)[0].row
    undo(ctx, UndoDecision(first.link_id or ""), new_key(), device_id)
    table = io.StringIO()
    write_results(ctx, batch_id, table, lambda failure: problem_from_stored(failure).detail)
    outcomes = [row["outcome"] for row in csv.DictReader(io.StringIO(table.getvalue()))]
    assert outcomes == ["undone", "successful"]


def test_a_batch_is_in_the_audit_from_beginning_to_end(
    ctx: WorkspaceContext, device_id: int
) -> None:
    from crmlink.store import AuditEntry

    batch_id = asked_for(ctx, device_id, lines_of(ctx, 1))
    write_waiting(ctx)
    start_undo(ctx, device_id, batch_id)
    write_waiting(ctx)
    with ctx.database.reading() as session:
        results = [
            entry.action
            for entry in session.query(AuditEntry).order_by(AuditEntry.position)
            if entry.subject == batch_id
        ]
    assert results == [
        "batch.imported", "batch.matching", "batch.sure_accepted", "batch.writing", "batch.done",
        "batch.undoing", "batch.undone",
    ]  # fmt: skip


def test_people_link_single_contacts_while_a_batch_is_written(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 4))
    supplier = decision("supplier-501", HOLLOWAY)
    assert not work_on(ctx, batch_id, BatchState.WRITING, after(1))
    assert confirm(ctx, supplier, new_key(), device_id).state is LinkState.LINKED
    assert write_waiting(ctx) == 1
    assert sandbox.reference("supplier-501") == HOLLOWAY
