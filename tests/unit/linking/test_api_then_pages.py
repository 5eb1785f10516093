"""Where the API refuses, the page follows, if the workspace says so; what pages told is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crmlink.commusoft.errors import CommusoftUnreachable, WriteRejected
from crmlink.commusoft.mirror import api_shows_references, show_reference
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.errors import ReferenceNotVisible
from crmlink.linking.fresh_reads import fetch_record
from crmlink.linking.on_page import Observation, SeenOnPage, observe
from crmlink.linking.ways import choose_writes
from crmlink.store import AuditEntry, LinkMethod, LinkState, MirroredRecord, Writes
from support.page_links import mirrored
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, decision, new_key
from unit.linking.test_attempts import fails, meddled


def actions(ctx: WorkspaceContext) -> list[str]:
    with ctx.database.reading() as session:
        return [entry.action for entry in session.query(AuditEntry).order_by(AuditEntry.id)]


def test_a_refused_write_waits_on_the_page_and_is_settled_there(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    choose_writes(ctx, Writes.API_THEN_PAGES, device_id)
    refusing = meddled(ctx, write_reference=fails(WriteRejected(400)))
    link = confirm(refusing, decision("supplier-501"), new_key(), device_id)
    assert (link.state, link.method) == (LinkState.INTENDED, LinkMethod.PAGES)
    assert link.failure == {"code": "write-refused"}
    assert recover(ctx) == []  # or the API would write it after all
    assert sandbox.reference("supplier-501") is None
    assert actions(ctx)[-2:] == ["link.intended", "link.left_to_page"]
    seen = Observation("after", SeenOnPage(HOLLOWAY))
    assert observe(ctx, link.id, seen, device_id).link.state is LinkState.LINKED


@pytest.mark.parametrize("writes", [Writes.API, Writes.API_THEN_PAGES])
def test_what_the_api_takes_never_waits_on_a_page(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int, writes: Writes
) -> None:
    choose_writes(ctx, writes, device_id)
    link = confirm(ctx, decision(), new_key(), device_id)
    assert (link.state, link.method) == (LinkState.LINKED, LinkMethod.API)
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_a_refused_write_fails_where_the_pages_do_not_follow(
    ctx: WorkspaceContext, device_id: int
) -> None:
    refusing = meddled(ctx, write_reference=fails(WriteRejected(400)))
    link = confirm(refusing, decision(), new_key(), device_id)
    assert (link.state, link.method) == (LinkState.FAILED, LinkMethod.API)


def test_a_write_without_an_answer_stays_with_the_api(
    ctx: WorkspaceContext, device_id: int
) -> None:
    choose_writes(ctx, Writes.API_THEN_PAGES, device_id)
    silent = meddled(ctx, write_reference=fails(CommusoftUnreachable("gone")))
    link = confirm(silent, decision(), new_key(), device_id)
    assert (link.state, link.method) == (LinkState.INTENDED, LinkMethod.API)


def test_on_the_pages_the_api_writes_nothing(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    by_api = confirm(ctx, decision(), new_key(), device_id)
    choose_writes(ctx, Writes.PAGES, device_id)
    back = undo(ctx, UndoDecision(by_api.id), new_key(), device_id)
    assert (back.state, back.method) == (LinkState.INTENDED, LinkMethod.PAGES)
    assert sandbox.reference("customer-1001") == HOLLOWAY
    choose_writes(ctx, Writes.API, device_id)
    assert recover(ctx) == []
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_what_a_page_showed_outlives_a_sync_where_the_api_shows_no_references(
    ctx: WorkspaceContext, device_id: int
) -> None:
    hide_references(ctx)
    record = ctx.commusoft.record("customer", "1001")
    hidden = meddled(ctx, record=lambda _real, *_: replace(record, reference_shown=False))
    with pytest.raises(ReferenceNotVisible):
        confirm(hidden, decision(), new_key(), device_id)
    with ctx.database.writing() as session:
        show_reference(session, ctx.connection_id, "customer", "1001", OTHER)
    fetch_record(hidden, "customer", "1001", None)
    assert mirrored(ctx, "customer-1001").reference == OTHER
    with ctx.database.reading() as session:
        assert not api_shows_references(session, ctx.connection_id, "customer")
    with pytest.raises(ReferenceNotVisible):  # one seen on a page proves nothing of the others
        confirm(hidden, decision(reference=OTHER), new_key(), device_id)
    fetch_record(ctx, "customer", "1001", None)
    assert mirrored(ctx, "customer-1001").reference is None


def hide_references(ctx: WorkspaceContext) -> None:
    """Make it as if the API had never shown a reference."""
    with ctx.database.writing() as session:
        for row in session.query(MirroredRecord):
            row.reference = None
