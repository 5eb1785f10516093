"""What one decision may not do to a later one, or to one that is on its way."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.errors import CannotUndo, LinkInProgress
from crmlink.linking.suggest import Contact, suggest
from crmlink.store import Link, LinkState
from crmlink.web.problems import problem_from_error
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, decision, new_key
from unit.linking.test_attempts import fails, meddled


def link(
    ctx: WorkspaceContext, device_id: int, reference: str, replaces: str | None = None
) -> Link:
    made = confirm(ctx, decision(reference=reference, replaces=replaces), new_key(), device_id)
    assert made.state is LinkState.LINKED
    return made


def test_the_undo_of_a_link_takes_back_no_later_decision_for_the_same_value(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    first = link(ctx, device_id, HOLLOWAY)
    link(ctx, device_id, OTHER, replaces=HOLLOWAY)
    last = link(ctx, device_id, HOLLOWAY, replaces=OTHER)
    with pytest.raises(CannotUndo) as caught:
        undo(ctx, UndoDecision(first.id), new_key(), device_id)
    assert "linked again since (Office" in problem_from_error(caught.value).detail
    assert sandbox.reference("customer-1001") == HOLLOWAY
    assert undo(ctx, UndoDecision(last.id), new_key(), device_id).target == OTHER


def test_a_later_decision_is_later_though_the_clock_was_set_back_in_between(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    first = link(ctx, device_id, HOLLOWAY)
    with ctx.database.writing() as session:  # decided while the clock was a day ahead
        tomorrow = first.created_at + timedelta(days=1)
        session.execute(update(Link).values(created_at=tomorrow))
    link(ctx, device_id, OTHER, replaces=HOLLOWAY)
    last = link(ctx, device_id, HOLLOWAY, replaces=OTHER)
    with pytest.raises(CannotUndo):
        undo(ctx, UndoDecision(first.id), new_key(), device_id)
    assert sandbox.reference("customer-1001") == HOLLOWAY
    contact = Contact("xero", HOLLOWAY, "customer", last.organisation)
    latest = suggest(ctx, contact).link
    assert latest
    assert latest.id == last.id


def test_a_value_that_was_cleared_by_hand_and_linked_again_belongs_to_the_later_link(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    first = link(ctx, device_id, HOLLOWAY)
    sandbox.put_reference("customer-1001", None)
    second = link(ctx, device_id, HOLLOWAY)
    with pytest.raises(CannotUndo):
        undo(ctx, UndoDecision(first.id), new_key(), device_id)
    assert undo(ctx, UndoDecision(second.id), new_key(), device_id).state is LinkState.LINKED


def test_once_the_later_link_is_undone_the_earlier_one_can_be(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    first = link(ctx, device_id, HOLLOWAY)
    second = link(ctx, device_id, OTHER, replaces=HOLLOWAY)
    undo(ctx, UndoDecision(second.id), new_key(), device_id)
    undo(ctx, UndoDecision(first.id), new_key(), device_id)
    assert sandbox.reference("customer-1001") is None


def test_a_reference_that_is_on_its_way_to_one_record_does_not_set_out_to_another(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    """Ids are unique only in an organisation: two companies' contact 12 may be linked at once."""
    lost = meddled(ctx, write_reference=fails(CommusoftUnreachable()))
    assert confirm(lost, decision(), new_key(), device_id).state is LinkState.INTENDED
    elsewhere = decision("customer-1002", organisation="!other")
    with pytest.raises(LinkInProgress):
        confirm(ctx, elsewhere, new_key(), device_id)
    assert sandbox.reference("customer-1002") is None
