"""Half-filled lists, when the way of writing or the account changes: nothing is lost or twice."""

from __future__ import annotations

import pytest

from crmlink.access.devices import command_line_actor
from crmlink.batches.control import retry_failed, start_undo
from crmlink.batches.page_table import observe_rows, table_page
from crmlink.batches.progress import overview
from crmlink.batches.state import find_batch
from crmlink.batches.writer import write_waiting
from crmlink.commusoft.connection import DEFAULT_ORIGIN, WebApplication
from crmlink.commusoft.errors import ConnectionEnded
from crmlink.installation import Installation
from crmlink.linking.attempts import recover
from crmlink.linking.connections import delete_connection, save_connection
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.on_page import Observation, SeenOnPage, withdraw
from crmlink.linking.ways import choose_writes
from crmlink.store import BatchState, Link, LinkMethod, LinkState, RowState, Writes
from support.batch_factories import asked_for, lines_of, rows_of, wait_for_nothing
from support.page_links import mirrored
from support.sandbox import SandboxHandle

COUNT, HALF = 5, 2


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for_nothing(monkeypatch)


def fill(
    ctx: WorkspaceContext, batch_id: str, device_id: int, most: int = COUNT,
    commusoft: SandboxHandle | None = None,
) -> int:  # fmt: skip
    """A person fills in some of what waits, and saves; returns how many."""
    links = [row.link for row in table_page(ctx, batch_id).rows][:most]
    for link in links if commusoft else []:
        assert commusoft
        commusoft.put_reference(link.record_id, link.target)
    seen = [(link.id, Observation("after", SeenOnPage(link.target))) for link in links]
    observe_rows(ctx, batch_id, seen, device_id)
    return len(links)


def states(ctx: WorkspaceContext, batch_id: str) -> list[RowState]:
    return sorted(row.row.state for row in rows_of(ctx, batch_id))


def half(of: RowState, rest: RowState) -> list[RowState]:
    return sorted([of] * HALF + [rest] * (COUNT - HALF))


def reconnected(installation: Installation) -> WorkspaceContext:
    """Disconnect the account, and connect it again."""
    old = installation.workspace
    assert delete_connection(installation.database, installation.access.workspace_id)
    assert installation.workspace.practice
    save_connection(
        installation.database, installation.access.workspace_id, WebApplication(DEFAULT_ORIGIN)
    )
    ctx = installation.workspace
    assert ctx.connection_id == old.connection_id
    return ctx


def test_a_half_filled_list_goes_on_where_it_was_after_a_reconnection(
    without_api: Installation,
) -> None:
    ctx, device_id = without_api.workspace, command_line_actor(without_api.access).device.id
    batch_id = asked_for(ctx, device_id, lines_of(ctx, COUNT))
    write_waiting(ctx)
    assert fill(ctx, batch_id, device_id, HALF) == HALF
    ctx = reconnected(without_api)
    assert find_batch(ctx, batch_id).state is BatchState.FILLING
    assert states(ctx, batch_id) == half(RowState.SUCCESSFUL, RowState.FILLING)
    assert overview(ctx, batch_id).progress.of == COUNT
    assert write_waiting(ctx) == 0
    assert fill(ctx, batch_id, device_id) == COUNT - HALF
    assert find_batch(ctx, batch_id).state is BatchState.DONE

    start_undo(ctx, device_id, batch_id)
    write_waiting(ctx)
    fill(ctx, batch_id, device_id, HALF)
    ctx = reconnected(without_api)
    assert find_batch(ctx, batch_id).state is BatchState.REVERTING
    assert fill(ctx, batch_id, device_id) == COUNT - HALF
    assert find_batch(ctx, batch_id).state is BatchState.UNDONE
    assert states(ctx, batch_id) == [RowState.UNDONE] * COUNT
    records = {row.row.record_id or "" for row in rows_of(ctx, batch_id)}
    assert {mirrored(ctx, record_id).reference for record_id in records} == {None}


def test_what_a_table_shows_while_another_account_is_connected_is_not_taken(
    without_api: Installation,
) -> None:
    ctx, device_id = without_api.workspace, command_line_actor(without_api.access).device.id
    batch_id = asked_for(ctx, device_id, lines_of(ctx, COUNT))
    write_waiting(ctx)
    delete_connection(without_api.database, without_api.access.workspace_id)
    with pytest.raises(ConnectionEnded):
        fill(ctx, batch_id, device_id)
    assert states(ctx, batch_id) == [RowState.FILLING] * COUNT
    # The page was saved meanwhile: that counts once it is seen again.
    save_connection(
        without_api.database, without_api.access.workspace_id, WebApplication(DEFAULT_ORIGIN)
    )
    ctx = without_api.workspace
    assert fill(ctx, batch_id, device_id) == COUNT
    assert find_batch(ctx, batch_id).state is BatchState.DONE


def test_a_list_asked_for_before_a_disconnection_is_written_after_it_once(
    without_api: Installation,
) -> None:
    ctx, device_id = without_api.workspace, command_line_actor(without_api.access).device.id
    batch_id = asked_for(ctx, device_id, lines_of(ctx, COUNT))
    delete_connection(without_api.database, without_api.access.workspace_id)
    assert write_waiting(without_api.workspace) == 0
    save_connection(
        without_api.database, without_api.access.workspace_id, WebApplication(DEFAULT_ORIGIN)
    )
    ctx = without_api.workspace
    assert write_waiting(ctx) == 1
    assert write_waiting(ctx) == 0
    assert states(ctx, batch_id) == [RowState.FILLING] * COUNT
    with ctx.database.reading() as session:
        assert session.query(Link).count() == COUNT


@pytest.fixture
def half_filled(ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int) -> str:
    """A list of an account with an API, half filled on pages, which now writes by API."""
    choose_writes(ctx, Writes.PAGES, device_id)
    batch_id = asked_for(ctx, device_id, lines_of(ctx, COUNT))
    write_waiting(ctx)
    fill(ctx, batch_id, device_id, HALF, sandbox)
    choose_writes(ctx, Writes.API, device_id)
    return batch_id


def test_a_half_filled_list_stays_on_pages_when_the_api_is_chosen(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int, half_filled: str
) -> None:
    assert (write_waiting(ctx), recover(ctx)) == (0, [])
    assert find_batch(ctx, half_filled).state is BatchState.FILLING
    assert states(ctx, half_filled) == half(RowState.SUCCESSFUL, RowState.FILLING)
    waiting = [row.link.record_id for row in table_page(ctx, half_filled).rows]
    assert {sandbox.reference(record_id) for record_id in waiting} == {None}
    fill(ctx, half_filled, device_id, COUNT, sandbox)
    assert find_batch(ctx, half_filled).state is BatchState.DONE


def test_the_undo_of_what_pages_showed_stays_on_pages_and_withdraws_the_rest(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int, half_filled: str
) -> None:
    records = [row.row.record_id or "" for row in rows_of(ctx, half_filled)]
    start_undo(ctx, device_id, half_filled)
    write_waiting(ctx)
    assert find_batch(ctx, half_filled).state is BatchState.REVERTING
    assert states(ctx, half_filled) == half(RowState.FILLING, RowState.FAILED)
    assert fill(ctx, half_filled, device_id, COUNT, sandbox) == HALF
    assert find_batch(ctx, half_filled).state is BatchState.UNDONE
    assert {sandbox.reference(record_id) for record_id in records} == {None}
    assert table_page(ctx, half_filled).rows == []


def test_what_was_given_up_on_pages_is_written_by_the_api_that_was_chosen(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int, half_filled: str
) -> None:
    for row in table_page(ctx, half_filled).rows:
        withdraw(ctx, row.link.id, SeenOnPage(None), device_id)
    assert states(ctx, half_filled) == half(RowState.SUCCESSFUL, RowState.FAILED)
    assert retry_failed(ctx, device_id, half_filled) == COUNT - HALF
    write_waiting(ctx)
    rows = rows_of(ctx, half_filled)
    assert {row.row.state for row in rows} == {RowState.SUCCESSFUL}
    assert all(sandbox.reference(row.row.record_id or "") == row.row.reference for row in rows)
    with ctx.database.reading() as session:
        linked = session.query(Link).filter_by(state=LinkState.LINKED)
        assert sorted(link.method for link in linked) == sorted(
            [LinkMethod.PAGES] * HALF + [LinkMethod.API] * (COUNT - HALF)
        )
