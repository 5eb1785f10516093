"""Lists of suppliers: on Commusoft's pages, and where the API takes customers alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crmlink.access.devices import command_line_actor
from crmlink.batches.accept_sure import accept_sure, draw_sample
from crmlink.batches.control import start_undo, start_writing
from crmlink.batches.match_job import match_waiting, start_matching
from crmlink.batches.page_table import observe_rows, table_page
from crmlink.batches.progress import summary
from crmlink.batches.state import find_batch
from crmlink.batches.writer import write_waiting
from crmlink.commusoft.errors import WriteRejected
from crmlink.commusoft.records import Record
from crmlink.installation import Installation
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.on_page import Observation, SeenOnPage, Stage
from crmlink.linking.ways import choose_writes
from crmlink.store import (
    BatchRow,
    BatchState,
    Choice,
    Link,
    LinkMethod,
    LinkState,
    RowState,
    Writes,
)
from support.batch_factories import (
    BOUND,
    Line,
    imported,
    line_of,
    records_of,
    wait_for_nothing,
)
from support.sandbox import SandboxHandle
from unit.batches.written_lists import behind

COUNT = 4


def suppliers_of(ctx: WorkspaceContext) -> list[Line]:
    """A Sage 50 list of suppliers that are not linked."""
    found = records_of(ctx, "supplier")[:COUNT]
    return [line_of(record, f"SUP{number:05}") for number, record in enumerate(found, 1)]


def asked_for_suppliers(ctx: WorkspaceContext, device_id: int) -> str:
    """A list of suppliers that waits to be written; its id."""
    batch_id = imported(ctx, device_id, suppliers_of(ctx), "supplier").batch.id
    start_matching(ctx, device_id, batch_id, BOUND)
    assert match_waiting(ctx) == 1
    accept_sure(ctx, device_id, batch_id, draw_sample(ctx, batch_id).token)
    start_writing(ctx, device_id, batch_id, summary(ctx, batch_id).to_link)
    return batch_id


def chosen(ctx: WorkspaceContext) -> list[BatchRow]:
    """The rows that go to a record."""
    with ctx.database.reading() as session:
        return session.query(BatchRow).filter(BatchRow.choice == Choice.RECORD).all()


def links(ctx: WorkspaceContext) -> list[Link]:
    """Every link, oldest first."""
    with ctx.database.reading() as session:
        return session.query(Link).order_by(Link.created_at, Link.id).all()


def show(ctx: WorkspaceContext, batch_id: str, device_id: int, stage: Stage) -> int:
    """The table of suppliers with each row's target; returns how many rows waited."""
    rows = table_page(ctx, batch_id).rows
    assert {row.record.public_id.partition("-")[0] for row in rows} <= {"supplier"}
    seen = [(row.link.id, Observation(stage, SeenOnPage(row.link.target))) for row in rows]
    if seen:
        observe_rows(ctx, batch_id, seen, device_id)
    return len(rows)


def api_refuses_suppliers(ctx: WorkspaceContext, asked: list[str]) -> WorkspaceContext:
    """A Commusoft whose API takes customers' references alone; `asked` gets each record."""

    def write_reference(
        write: Callable[..., None], record: Record, *arguments: Any, **named: Any
    ) -> None:
        asked.append(record.kind)
        if record.kind == "supplier":
            raise WriteRejected(400)
        write(record, *arguments, **named)

    return behind(ctx, write_reference=write_reference)


def test_a_list_of_suppliers_waits_on_the_pages_ends_once_they_are_seen(
    ctx: WorkspaceContext,
    sandbox: SandboxHandle,
    device_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait_for_nothing(monkeypatch)
    choose_writes(ctx, Writes.PAGES, device_id)
    batch_id = asked_for_suppliers(ctx, device_id)
    write_waiting(ctx)
    rows = chosen(ctx)
    assert len(rows) == COUNT
    assert find_batch(ctx, batch_id).state is BatchState.FILLING
    assert {sandbox.reference(row.record_id or "") for row in rows} == {None}
    assert show(ctx, batch_id, device_id, "after") == COUNT
    assert find_batch(ctx, batch_id).state is BatchState.DONE
    assert {(link.state, link.method, link.kind) for link in links(ctx)} == {
        (LinkState.LINKED, LinkMethod.PAGES, "supplier")
    }


def test_suppliers_that_the_api_refuses_wait_on_the_pages_and_end_the_list(
    ctx: WorkspaceContext,
    sandbox: SandboxHandle,
    device_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait_for_nothing(monkeypatch)
    choose_writes(ctx, Writes.API_THEN_PAGES, device_id)
    asked: list[str] = []
    refusing = api_refuses_suppliers(ctx, asked)
    batch_id = asked_for_suppliers(ctx, device_id)
    write_waiting(refusing)
    rows = chosen(ctx)
    assert asked == ["supplier"] * COUNT
    assert {row.state for row in rows} == {RowState.FILLING}
    assert find_batch(ctx, batch_id).state is BatchState.FILLING
    assert {(link.state, link.method) for link in links(ctx)} == {
        (LinkState.INTENDED, LinkMethod.PAGES)
    }
    assert write_waiting(refusing) == 0, "the API is not asked again for what waits on a page"
    assert asked == ["supplier"] * COUNT

    for row in table_page(ctx, batch_id).rows:
        sandbox.put_reference(row.record.public_id, row.link.target)
    show(ctx, batch_id, device_id, "after")
    assert {row.state for row in chosen(ctx)} == {RowState.SUCCESSFUL}
    assert find_batch(ctx, batch_id).state is BatchState.DONE

    start_undo(ctx, device_id, batch_id)
    write_waiting(refusing)
    assert {row.state for row in chosen(ctx)} != {RowState.UNDONE}
    for waiting in table_page(ctx, batch_id).rows:
        assert waiting.link.target is None
        sandbox.put_reference(waiting.record.public_id, waiting.link.target)
    show(ctx, batch_id, device_id, "after")
    assert {row.state for row in chosen(ctx)} == {RowState.UNDONE}
    assert find_batch(ctx, batch_id).state is BatchState.UNDONE


def test_suppliers_that_the_api_refuses_fail_where_no_page_follows(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_nothing(monkeypatch)
    batch_id = asked_for_suppliers(ctx, device_id)
    write_waiting(api_refuses_suppliers(ctx, []))
    assert {row.state for row in chosen(ctx)} == {RowState.FAILED}
    assert table_page(ctx, batch_id).rows == []


def test_a_supplier_that_is_seen_with_another_reference_is_a_conflict(
    without_api: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = without_api.workspace
    device_id = command_line_actor(without_api.access).device.id
    wait_for_nothing(monkeypatch)
    batch_id = asked_for_suppliers(ctx, device_id)
    write_waiting(ctx)
    [row] = table_page(ctx, batch_id).rows
    observe_rows(
        ctx, batch_id, [(row.link.id, Observation("after", SeenOnPage("THEIRS")))], device_id
    )
    assert {link.state for link in links(ctx)} == {LinkState.CONFLICT}
