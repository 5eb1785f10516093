"""Confirming and undoing against a real sandbox over HTTP."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from crmlink.accounting.errors import InvalidReference
from crmlink.commusoft.errors import RecordNotFound
from crmlink.linking import intents
from crmlink.linking.attempt_rows import is_worked_on
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.errors import (
    CannotUndo,
    IdempotencyKeyReused,
    LinkInProgress,
    LinkNotFound,
    RecordHasReference,
    RecordUnknown,
    ReferenceTaken,
)
from crmlink.store import Link, LinkState
from support.sandbox import (
    GREENFIELD_HAS,
    HOLLOWAY,
    OCONNOR_HAS,
    OTHER,
    SandboxHandle,
    decision,
    new_key,
)


def links(ctx: WorkspaceContext) -> list[Link]:
    with ctx.database.reading() as session:
        return list(session.query(Link))


def test_a_confirmed_link_stands_in_commusoft_and_remembers_what_stood_there(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    assert (link.state, link.prior, link.target) == (LinkState.LINKED, None, HOLLOWAY)
    assert link.settled_at
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_a_supplier_is_linked_like_a_customer(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    link = confirm(ctx, decision("supplier-501"), new_key(), device_id)
    assert link.state is LinkState.LINKED
    assert sandbox.reference("supplier-501") == HOLLOWAY


def test_the_reference_is_written_in_its_canonical_form(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    confirm(ctx, decision(reference=HOLLOWAY.upper()), new_key(), device_id)
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_a_malformed_reference_is_refused_before_commusoft_is_asked(
    ctx: WorkspaceContext, device_id: int
) -> None:
    with pytest.raises(InvalidReference):
        confirm(ctx, decision(reference="145570473"), new_key(), device_id)
    assert links(ctx) == []


def test_another_reference_is_never_overwritten_silently(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    with pytest.raises(RecordHasReference) as caught:
        confirm(ctx, decision("customer-1006"), new_key(), device_id)
    assert caught.value.facts["current_reference"] == OCONNOR_HAS
    with pytest.raises(RecordHasReference):
        confirm(ctx, decision("customer-1006", replaces=OTHER), new_key(), device_id)
    assert sandbox.reference("customer-1006") == OCONNOR_HAS


def test_agreeing_to_replace_what_stands_there_replaces_exactly_that(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    link = confirm(ctx, decision("customer-1006", replaces=OCONNOR_HAS), new_key(), device_id)
    assert (link.state, link.prior) == (LinkState.LINKED, OCONNOR_HAS)
    assert sandbox.reference("customer-1006") == HOLLOWAY


def test_a_reference_on_another_record_needs_a_second_choice(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    taken = decision(reference=GREENFIELD_HAS)
    with pytest.raises(ReferenceTaken) as caught:
        confirm(ctx, taken, new_key(), device_id)
    assert [row.public_id for row in caught.value.facts["holders"]] == ["customer-1007"]
    assert sandbox.reference("customer-1001") is None
    accepted = decision(reference=GREENFIELD_HAS, also_on=frozenset({"customer-1007"}))
    assert confirm(ctx, accepted, new_key(), device_id).state is LinkState.LINKED


def test_a_holder_that_gave_the_reference_up_meanwhile_stands_in_no_ones_way(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    sandbox.put_reference("customer-1007", None)
    link = confirm(ctx, decision(reference=GREENFIELD_HAS), new_key(), device_id)
    assert link.state is LinkState.LINKED


def test_a_customer_and_a_supplier_may_share_a_reference(
    ctx: WorkspaceContext, device_id: int
) -> None:
    confirm(ctx, decision(), new_key(), device_id)
    assert confirm(ctx, decision("supplier-501"), new_key(), device_id).state is LinkState.LINKED


def test_a_record_that_carries_the_reference_already_is_linked_without_a_write(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    sandbox.put_reference("customer-1001", HOLLOWAY)
    link = confirm(ctx, decision(), new_key(), device_id)
    assert (link.state, link.prior, link.writes) == (LinkState.LINKED, HOLLOWAY, 0)
    with pytest.raises(CannotUndo):
        undo(ctx, UndoDecision(link.id), new_key(), device_id)


@pytest.mark.parametrize("record_id", ["customer-999999", "customer-", "holloway", ""])
def test_an_unknown_record_is_said_to_be_unknown(
    ctx: WorkspaceContext, device_id: int, record_id: str
) -> None:
    with pytest.raises(RecordUnknown):
        confirm(ctx, replace(decision(), record_id=record_id), new_key(), device_id)


def test_a_record_deleted_meanwhile_is_gone_and_leaves_the_mirror(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    sandbox.delete("customer-1008")
    with pytest.raises(RecordNotFound):
        confirm(ctx, decision("customer-1008"), new_key(), device_id)
    with pytest.raises(RecordUnknown):
        confirm(ctx, decision("customer-1008"), new_key(), device_id)


def test_the_same_key_gives_the_same_link_and_another_decision_may_not_use_it(
    ctx: WorkspaceContext, device_id: int
) -> None:
    key = new_key()
    first, again = (confirm(ctx, decision(), key, device_id) for _ in range(2))
    assert first.id == again.id
    assert len(links(ctx)) == 1
    with pytest.raises(IdempotencyKeyReused):
        confirm(ctx, decision("customer-1002"), key, device_id)


def test_the_same_key_gives_the_end_of_an_attempt_that_ends_while_it_is_looked_up(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, written, may_go_on = new_key(), threading.Event(), threading.Event()
    write = ctx.commusoft.write_reference

    def write_and_wait(*args: Any, **options: Any) -> None:
        write(*args, **options)
        written.set()
        assert may_go_on.wait(30)

    monkeypatch.setattr(ctx.commusoft, "write_reference", write_and_wait)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(confirm, ctx, decision(), key, device_id)
        assert written.wait(30)

        def ask_after_it_ended(ctx: WorkspaceContext, session: Session, link: Link) -> bool:
            assert link.state is LinkState.INTENDED
            may_go_on.set()
            first.result(30)
            return is_worked_on(ctx, session, link)

        monkeypatch.setattr(intents, "is_worked_on", ask_after_it_ended)
        again = confirm(ctx, decision(), key, device_id)
    assert (again.id, again.state) == (first.result().id, LinkState.LINKED)


def test_eight_threads_with_one_key_make_one_link_and_one_write(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    key = new_key()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: confirm(ctx, decision(), key, device_id), range(8)))
    assert {link.id for link in found} == {links(ctx)[0].id}
    assert [link.writes for link in links(ctx)] == [1]
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_one_contact_confirmed_on_two_records_at_once_reaches_one_of_them(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    records = [f"customer-{number}" for number in (1001, 1002, 1003, 1004, 1005, 1008)]

    def attempt(record_id: str) -> bool:
        try:
            return confirm(ctx, decision(record_id), new_key(), device_id).state == "linked"
        except (LinkInProgress, ReferenceTaken):
            return False

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(attempt, records)).count(True) == 1
    assert [sandbox.reference(record_id) for record_id in records].count(HOLLOWAY) == 1


def test_two_contacts_confirmed_on_one_record_at_once_leave_one_winner(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    contacts = [f"11111111-2222-4333-8444-{number:012}" for number in range(6)]

    def attempt(reference: str) -> bool:
        try:
            made = confirm(ctx, decision(reference=reference), new_key(), device_id)
        except (LinkInProgress, RecordHasReference):
            return False
        return made.state is LinkState.LINKED

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(attempt, contacts))
    assert won.count(True) == 1
    assert sandbox.reference("customer-1001") == contacts[won.index(True)]


def test_who_came_first_is_told_with_the_time(ctx: WorkspaceContext, device_id: int) -> None:
    confirm(ctx, decision(), new_key(), device_id)
    with pytest.raises(RecordHasReference) as caught:
        confirm(ctx, decision(reference=OTHER), new_key(), device_id)
    assert caught.value.facts["by"] == "Office"
    assert caught.value.facts["since"]


@pytest.mark.parametrize(
    ("record_id", "prior"), [("customer-1001", None), ("customer-1006", OCONNOR_HAS)]
)
def test_undo_puts_back_what_stood_there(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int, record_id: str, prior: str | None
) -> None:
    link = confirm(ctx, decision(record_id, replaces=prior), new_key(), device_id)
    undone = undo(ctx, UndoDecision(link.id), new_key(), device_id)
    assert (undone.state, undone.target, undone.undoes_id) == (LinkState.LINKED, prior, link.id)
    assert sandbox.reference(record_id) == prior
    assert {kept.id: kept.state for kept in links(ctx)}[link.id] is LinkState.UNDONE
    with pytest.raises(CannotUndo):
        undo(ctx, UndoDecision(link.id), new_key(), device_id)


def test_undo_is_refused_when_commusoft_holds_something_else_by_now(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    sandbox.put_reference("customer-1001", OTHER)
    with pytest.raises(CannotUndo) as caught:
        undo(ctx, UndoDecision(link.id), new_key(), device_id)
    assert caught.value.facts["current_reference"] == OTHER
    assert sandbox.reference("customer-1001") == OTHER


def test_undo_of_nothing_is_said_to_be_nothing(ctx: WorkspaceContext, device_id: int) -> None:
    with pytest.raises(LinkNotFound):
        undo(ctx, UndoDecision("no-such-link"), new_key(), device_id)
