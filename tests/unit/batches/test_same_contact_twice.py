"""Two lists about the same contacts or records: neither forces the other, neither undoes it."""

import pytest

from crmlink.batches.control import start_undo, start_writing
from crmlink.batches.progress import summary
from crmlink.batches.review import ShownRow, accept
from crmlink.batches.writer import write_waiting
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import NothingToLink
from crmlink.store import BatchRow, RowState, Verdict
from support.batch_factories import (
    accepted,
    asked_for,
    line_of,
    lines_of,
    matched,
    records_of,
    rows_of,
    wait_for_nothing,
)
from support.sandbox import SandboxHandle


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks at once."""
    wait_for_nothing(monkeypatch)


def write(ctx: WorkspaceContext, device_id: int, batch_id: str) -> list[BatchRow]:
    """A list's rows after all that was accepted is written."""
    start_writing(ctx, device_id, batch_id, summary(ctx, batch_id).to_link)
    assert write_waiting(ctx) == 1
    return [found.row for found in rows_of(ctx, batch_id)]


def test_a_list_that_is_imported_again_after_it_was_linked_has_nothing_left_to_link(
    ctx: WorkspaceContext, device_id: int
) -> None:
    lines = lines_of(ctx, 3)
    asked_for(ctx, device_id, lines)
    write_waiting(ctx)
    again = matched(ctx, device_id, lines)
    assert {found.row.verdict for found in rows_of(ctx, again)} == {Verdict.LINKED}
    with pytest.raises(NothingToLink):
        start_writing(ctx, device_id, again, 0)


def test_of_two_lists_with_the_same_rows_the_undo_of_the_second_leaves_the_first_ones_links(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    lines = lines_of(ctx, 2)
    first, second = (accepted(ctx, device_id, lines) for _ in range(2))
    record = rows_of(ctx, first)[0].row.record_id or ""
    assert {row.state for row in write(ctx, device_id, first)} == {RowState.SUCCESSFUL}
    assert {row.state for row in write(ctx, device_id, second)} == {RowState.SUCCESSFUL}
    start_undo(ctx, device_id, second)
    write_waiting(ctx)
    assert sandbox.reference(record) == lines[0].reference
    start_undo(ctx, device_id, first)
    write_waiting(ctx)
    assert sandbox.reference(record) is None


def test_a_contact_is_not_put_on_a_second_record_by_a_second_list(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    one, other = records_of(ctx)[:2]
    first, second = (matched(ctx, device_id, [line_of(one, "AC1")]) for _ in range(2))
    accept(ctx, device_id, ShownRow(first, 1, 0), one.public_id)
    accept(ctx, device_id, ShownRow(second, 1, 0), other.public_id)
    write(ctx, device_id, first)
    [row] = write(ctx, device_id, second)
    assert (row.state, (row.failure or {})["code"]) == (RowState.FAILED, "reference-taken")
    assert sandbox.reference(other.public_id) is None


def test_a_record_that_another_list_has_linked_meanwhile_keeps_its_reference(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    record = records_of(ctx)[0]
    first, second = (
        accepted(ctx, device_id, [line_of(record, reference)]) for reference in ("AC1", "AC2")
    )
    write(ctx, device_id, first)
    [row] = write(ctx, device_id, second)
    assert (row.state, (row.failure or {})["code"]) == (RowState.FAILED, "record-has-reference")
    assert sandbox.reference(record.public_id) == "AC1"
