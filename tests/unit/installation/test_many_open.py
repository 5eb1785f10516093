"""Thousands of firms may stay open in a process: each costs little until it is used again."""

from __future__ import annotations

import gc
import threading
import tracemalloc

from crmlink.access.devices import command_line_actor
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.commusoft.connection import Connection
from crmlink.installation import Installation
from crmlink.installation.workspaces import MAX_OPEN, REST_SECONDS, OpenWorkspaces
from crmlink.linking.connections import save_connection
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.index_memory import IndexMemory
from crmlink.linking.known_contacts import LiveContacts
from crmlink.store.workspaces import list_workspaces
from support.batch_factories import imported, lines_of
from support.clocks import SimulatedClock

MEMORY = 100 * 2**20  # bytes of all open firms, without indexes
FIRMS = 12


def firms_with_accounts(installation: Installation) -> list[int]:
    first = list_workspaces(installation.database)[0]
    rename_workspace(installation.sign_in, first, "Holloway Plumbing")
    vault = installation.first.vault()
    made = []
    for number in range(FIRMS):
        row, _ = make_workspace(installation.sign_in, f"Firm {number}")
        account = Connection("http://127.0.0.1:1", *["firm"] * 4)
        save_connection(installation.database, row.id, account, vault=vault)
        made.append(row.id)
    return made


def test_a_process_has_memory_for_as_many_open_firms_as_it_keeps(
    installation: Installation,
) -> None:
    ids = firms_with_accounts(installation)
    with installation.workspaces.use(ids.pop()) as workspace:  # what is made once
        assert workspace.context.has_api
    gc.collect()
    tracemalloc.start()
    try:
        for workspace_id in ids:
            with installation.workspaces.use(workspace_id) as workspace:
                assert workspace.context.has_api
        gc.collect()
        of_each = tracemalloc.get_traced_memory()[0] / len(ids)
    finally:
        tracemalloc.stop()
    assert len(installation.workspaces.opened()) >= len(ids)
    assert of_each * MAX_OPEN < MEMORY


def test_a_firm_that_is_not_in_use_has_no_thread_and_no_connection(
    installation: Installation,
) -> None:
    other = firms_with_accounts(installation)[0]
    clock = SimulatedClock()
    opened = OpenWorkspaces(installation._open_workspace, clock=clock)
    workspace = opened.acquire(installation.first.id)
    ctx = workspace.context
    thread = ctx.attempts.submit(threading.current_thread).result()
    ctx.commusoft.record("customer", "1001")
    adapter = ctx.commusoft._account.transport._session.get_adapter("http://")
    pools = vars(adapter)["poolmanager"].pools
    assert len(pools) == 1
    clock.now = REST_SECONDS + 1
    with opened.use(other):
        assert thread.is_alive(), "it is in use"
    opened.release(workspace)
    clock.now += REST_SECONDS + 1
    with opened.use(other):
        thread.join(10)
        assert not thread.is_alive()
    assert len(pools) == 0
    with opened.use(workspace.id) as again:
        assert again.context is ctx, "it stays open"
        assert ctx.attempts.submit(lambda: ctx.commusoft.record("customer", "1001")).result()
    opened.close()


def test_contacts_in_memory_make_room_and_are_read_again(
    installation: Installation, ctx: WorkspaceContext
) -> None:
    device_id = command_line_actor(installation.access).device.id
    imported(ctx, device_id, lines_of(ctx, 5))
    memory = IndexMemory(1)
    one, other = (
        LiveContacts(ctx.database, ctx.workspace_id, ctx.connection_id, memory) for _ in range(2)
    )
    before = one.current()
    assert before.indexed == 5
    assert memory.size == before.matcher.memory() > 0
    other.current()
    assert len(one._matcher) == 0, "not let go of"
    assert len(before.matcher) == 5, "who asked it already goes on"
    again = one.current()
    assert (again.known, again.indexed, len(again.matcher)) == (before.known, 5, 5)
