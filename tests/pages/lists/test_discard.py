"""A list is thrown away only where nothing of it was ever written, and only then is that said."""

from __future__ import annotations

import pytest

from crmlink.access.devices import command_line_actor
from crmlink.batches.control import cancel, pause, start_writing
from crmlink.batches.drafts import discard_batch
from crmlink.batches.progress import summary
from crmlink.batches.review import ShownRow, accept, reopen
from crmlink.batches.rows import list_rows
from crmlink.batches.writer import write_waiting
from crmlink.installation import Installation
from crmlink.linking.decisions import UndoDecision, undo
from crmlink.linking.errors import BatchWritten
from crmlink.store import Choice, Link, RowState
from support.batch_factories import accepted, lines_of, records_of
from support.page_client import PageClient, words
from support.sample_data import SampleData
from support.sandbox import new_key

NOTHING_WRITTEN = "Nothing in Commusoft changes"


def list_of(installation: Installation, size: int) -> tuple[str, int]:
    device_id = command_line_actor(installation.access).device.id
    ctx = installation.workspace
    return accepted(ctx, device_id, lines_of(ctx, size)), device_id


def refused_as_written(manager: PageClient, batch_id: str) -> None:
    for reply in (
        manager.get(f"/lists/{batch_id}/discard"),
        manager.send(f"/lists/{batch_id}/discard"),
    ):
        assert reply.status_code == 409
        assert "Contacts of this list were linked in Commusoft" in words(reply)
        assert NOTHING_WRITTEN not in words(reply)


def test_a_list_with_links_that_stand(
    installation: Installation, sample: SampleData, manager: PageClient
) -> None:
    """From an old tab, or by its address."""
    batch_id, device_id = list_of(installation, 3)
    ctx = installation.workspace
    start_writing(ctx, device_id, batch_id, summary(ctx, batch_id).to_link)
    write_waiting(ctx)
    refused_as_written(manager, batch_id)


def test_a_cancelled_list_of_which_a_link_was_made_and_undone(
    installation: Installation, sample: SampleData, manager: PageClient
) -> None:
    """Decided anew, a row forgets its link; the link itself does not."""
    ctx = installation.workspace
    batch_id, device_id = list_of(installation, 4)
    chosen = [each.row for each in list_rows(ctx, batch_id) if each.row.choice is Choice.RECORD]
    for row in chosen[1:]:
        reopen(ctx, device_id, ShownRow(batch_id, row.position, row.version))
    start_writing(ctx, device_id, batch_id, 1)
    write_waiting(ctx)
    with installation.database.reading() as session:
        made = session.query(Link).filter(Link.idempotency_key.startswith(f"batch-{batch_id}"))
        link_id = made.one().id
    undo(ctx, UndoDecision(link_id), new_key(), device_id)
    rows = {each.row.position: each.row for each in list_rows(ctx, batch_id)}
    first, second = rows[chosen[0].position], rows[chosen[1].position]
    assert first.state is RowState.UNDONE
    free = records_of(ctx)[-1].public_id
    accept(ctx, device_id, ShownRow(batch_id, second.position, second.version), free)
    start_writing(ctx, device_id, batch_id, 1)
    reopen(ctx, device_id, ShownRow(batch_id, first.position, first.version))
    pause(ctx, device_id, batch_id)
    cancel(ctx, device_id, batch_id)
    refused_as_written(manager, batch_id)
    with pytest.raises(BatchWritten):
        discard_batch(ctx, batch_id, device_id)


def test_a_list_of_which_nothing_was_written(
    installation: Installation, sample: SampleData, manager: PageClient
) -> None:
    batch_id, device_id = list_of(installation, 3)
    ctx = installation.workspace
    start_writing(ctx, device_id, batch_id, summary(ctx, batch_id).to_link)
    cancel(ctx, device_id, batch_id)
    assert NOTHING_WRITTEN in manager.read(f"/lists/{batch_id}/discard")
    assert manager.send(f"/lists/{batch_id}/discard").status_code == 303
    assert manager.get(f"/lists/{batch_id}").status_code == 404
