"""Two admins who choose how references are written, back and forth, while a list is written."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from threading import Lock
from typing import Any

import pytest

from crmlink.batches import execute_row
from crmlink.batches.control import start_undo
from crmlink.batches.page_table import observe_rows, table_page
from crmlink.batches.state import find_batch
from crmlink.batches.writer import write_waiting
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.on_page import Observation, SeenOnPage
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
from support.batch_factories import asked_for, lines_of, wait_for_nothing
from support.sandbox import SandboxHandle

COUNT = 8


def rows_of_list(ctx: WorkspaceContext) -> list[BatchRow]:
    with ctx.database.reading() as session:
        return session.query(BatchRow).filter(BatchRow.choice == Choice.RECORD).all()


def linked_on_pages(
    ctx: WorkspaceContext, sandbox: SandboxHandle, batch_id: str, device_id: int
) -> int:
    """A person fills in what waits, saves it, and crmlink looks; returns how many."""
    waiting = table_page(ctx, batch_id).rows
    for row in waiting:
        sandbox.put_reference(row.record.public_id, row.link.target)
    seen = [(row.link.id, Observation("after", SeenOnPage(row.link.target))) for row in waiting]
    if seen:
        observe_rows(ctx, batch_id, seen, device_id)
    return len(seen)


@pytest.mark.parametrize("last", [Writes.API, Writes.PAGES])
def test_a_list_written_in_both_ways_is_linked_and_undone_as_a_whole(
    ctx: WorkspaceContext,
    sandbox: SandboxHandle,
    device_id: int,
    monkeypatch: pytest.MonkeyPatch,
    last: Writes,
) -> None:
    wait_for_nothing(monkeypatch)
    batch_id = asked_for(ctx, device_id, lines_of(ctx, COUNT))
    choices = cycle((Writes.PAGES, Writes.API, Writes.API_THEN_PAGES))
    turn = Lock()

    def switching(name: str) -> Callable[..., Link]:
        act: Callable[..., Link] = getattr(execute_row, name)

        def acted(*arguments: Any) -> Link:
            with turn:  # or the last choice of eight rows at once would be every row's
                choose_writes(ctx, next(choices), device_id)
                return act(*arguments)

        return acted

    for name in ("confirm", "undo"):
        monkeypatch.setattr(execute_row, name, switching(name))
    write_waiting(ctx)
    assert 0 < linked_on_pages(ctx, sandbox, batch_id, device_id) < COUNT
    rows = rows_of_list(ctx)
    assert {row.state for row in rows} == {RowState.SUCCESSFUL}
    assert {sandbox.reference(row.record_id or "") == row.reference for row in rows} == {True}
    assert find_batch(ctx, batch_id).state is BatchState.DONE

    choose_writes(ctx, last, device_id)
    start_undo(ctx, device_id, batch_id)
    write_waiting(ctx)
    assert linked_on_pages(ctx, sandbox, batch_id, device_id) > 0
    rows = rows_of_list(ctx)
    assert {row.state for row in rows} == {RowState.UNDONE}
    assert {sandbox.reference(row.record_id or "") for row in rows} == {None}
    assert find_batch(ctx, batch_id).state is BatchState.UNDONE
    with ctx.database.reading() as session:
        links = session.query(Link).all()
    assert {link.state for link in links if not link.undoes_id} == {LinkState.UNDONE}
    assert {link.method for link in links} == set(LinkMethod)
