"""Where a reference is a name, an erased person leaves a keyed hash of it, and never returns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crmlink.access.audit.log import entries
from crmlink.access.context import Actor
from crmlink.access.personal_data.subject import erase
from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.commusoft.errors import ReferenceErased as WriteStopped
from crmlink.installation import Installation
from crmlink.linking.decisions import UndoDecision, confirm, find_link, undo
from crmlink.linking.errors import CannotUndo, RecordHasReference, ReferenceErased, ReferenceTaken
from crmlink.linking.overrides import Overrides
from crmlink.linking.suggest import Contact, suggest
from crmlink.pseudonyms import Pseudonyms, holds_pseudonym
from crmlink.store import BatchRow, Link, LinkState, MirroredRecord, RejectedBatchRow, RowState
from crmlink.store.erased import ERASED
from crmlink.web.problems import problem_from_stored
from support.batch_factories import Line, imported
from support.erasing import EMAIL, NAME, PACKAGE, of_desktop, where_kept
from support.sandbox import HOLLOWAY, SandboxHandle, decision, new_key


def records_of(installation: Installation) -> dict[str, MirroredRecord]:
    with installation.database.reading() as session:
        return {row.public_id: row for row in session.query(MirroredRecord)}


def test_no_table_holds_an_erased_name_before_or_after_a_sync(
    installation: Installation, actor: Actor, tmp_path: Path
) -> None:
    ctx = installation.workspace
    link = confirm(ctx, of_desktop(), new_key(), actor.device.id)
    contact = ListedContact(NAME, kind="customer", name=NAME, email=EMAIL, phones=("01632 960114",))
    append_contacts(
        ctx, actor.device.id, ListPage(PACKAGE, "", "customer", [contact], name=f"Only {NAME}")
    )
    assert "link.target" in where_kept(installation, NAME)
    erase(installation.access, actor, EMAIL)
    assert where_kept(installation, NAME, EMAIL) == []
    ctx.sync()
    assert where_kept(installation, NAME, EMAIL) == []
    kept = find_link(ctx, link.id)
    assert kept.state is LinkState.LINKED
    assert holds_pseudonym(kept.target)
    assert kept.reference == kept.target == records_of(installation)["customer-1001"].reference
    if installation.database.engine.dialect.name == "sqlite":
        for file in tmp_path.glob("crmlink.sqlite*"):
            assert NAME.encode() not in file.read_bytes()


def test_the_audit_never_holds_a_reference_that_may_be_a_name(
    installation: Installation, actor: Actor
) -> None:
    link = confirm(installation.workspace, of_desktop(), new_key(), actor.device.id)
    undo(installation.workspace, UndoDecision(link.id), new_key(), actor.device.id)
    assert [column for column in where_kept(installation, NAME) if column.startswith("audit")] == []
    confirm(installation.workspace, decision(), new_key(), actor.device.id)
    assert entries(installation.access, action="link.linked")[0].entry.details["new"] == HOLLOWAY


def test_a_hidden_link_is_found_kept_apart_and_undone(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    ctx, device_id, key = installation.workspace, actor.device.id, new_key()
    link = confirm(ctx, of_desktop(), key, device_id)
    erase(installation.access, actor, "customer-1001")
    assert confirm(ctx, of_desktop(), key, device_id).id == link.id
    offer = suggest(ctx, Contact(PACKAGE, NAME, "customer"))
    assert offer.link is not None
    assert offer.link.id == link.id
    assert [row.public_id for row in offer.holders] == ["customer-1001"]
    assert [each.id for each in offer.holder_links] == [link.id]
    with pytest.raises(ReferenceTaken):
        confirm(ctx, of_desktop("customer-1002"), new_key(), device_id)
    with pytest.raises(RecordHasReference):
        confirm(ctx, of_desktop(reference="Somebody Else"), new_key(), device_id)
    undone = undo(ctx, UndoDecision(link.id), new_key(), device_id)
    assert undone.state is LinkState.LINKED
    assert sandbox.reference("customer-1001") is None
    assert where_kept(installation, NAME) == []


def test_an_undo_to_an_erased_value_is_refused_and_writes_nothing(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    sandbox.put_reference("customer-1001", "Old Mrs Holloway")
    ctx.sync()
    replaced = of_desktop(overrides=Overrides(replaces="Old Mrs Holloway"))
    link = confirm(ctx, replaced, new_key(), device_id)
    erase(installation.access, actor, "customer-1001")
    with pytest.raises(CannotUndo) as refused:
        undo(ctx, UndoDecision(link.id), new_key(), device_id)
    detail = problem_from_stored({"code": refused.value.code, **refused.value.facts}).detail
    assert "was erased with the personal data" in detail
    assert sandbox.reference("customer-1001") == NAME


def test_a_pseudonym_is_never_written(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    commusoft = installation.workspace.commusoft
    pseudonym = Pseudonyms("some secret").of(NAME)
    with pytest.raises(ReferenceErased):
        confirm(installation.workspace, of_desktop(reference=pseudonym), new_key(), actor.device.id)
    for value in (pseudonym, pseudonym.upper(), f" {pseudonym} "):
        with pytest.raises(WriteStopped):
            commusoft.write_reference(commusoft.record("customer", "1001"), value)
    assert sandbox.reference("customer-1001") is None


def test_links_of_other_records_hide_the_erased_name_too(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    confirm(ctx, of_desktop(), new_key(), device_id)
    also = Overrides(also_on=frozenset({"customer-1001"}))
    other = confirm(ctx, of_desktop("customer-1002", overrides=also), new_key(), device_id)
    erase(installation.access, actor, EMAIL)
    ctx.sync()
    assert where_kept(installation, NAME) == []
    undo(ctx, UndoDecision(other.id), new_key(), device_id)
    assert sandbox.reference("customer-1002") is None
    assert records_of(installation)["customer-1002"].name


def test_a_link_on_its_way_keeps_what_is_to_be_written_and_hides_it_at_its_end(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    from crmlink.linking.attempts import recover

    ctx = installation.workspace
    with installation.database.writing() as session:
        session.add(
            Link(
                connection_id=ctx.connection_id, device_id=actor.device.id, attempt_id="",
                idempotency_key=new_key(), fingerprint="f", package=PACKAGE, kind="customer",
                reference=NAME, contact_name=NAME, record_number="1001", record_label=NAME,
                prior=None, target=NAME,
            )
        )  # fmt: skip
    erase(installation.access, actor, "customer-1001")
    assert [link.state for link in recover(ctx)] == [LinkState.LINKED]
    assert sandbox.reference("customer-1001") == NAME
    assert where_kept(installation, NAME) == []


def test_lists_and_files_do_not_bring_an_erased_person_back(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    confirm(ctx, of_desktop(), new_key(), device_id)
    erase(installation.access, actor, EMAIL)
    other = ListedContact("Liam Stays", kind="customer", name="Liam Stays")
    back = [
        ListedContact(NAME, kind="customer"),
        ListedContact("M Holloway", kind="customer", name=NAME, phones=("+44 1632 960114",)),
        ListedContact("Mrs H", kind="customer", email=EMAIL),
    ]
    taken = append_contacts(ctx, device_id, ListPage(PACKAGE, "", "customer", [*back, other]))
    assert (taken.contacts, taken.added) == (1, 1)
    lines = [
        Line("HOLL01", NAME, postcode="GL502TR"),
        Line("HOLL02", "Ours", person=NAME, phone="01632 960114"),
        Line("STAYS", "Liam Stays", postcode="GL50 2TR", phone="01632 960114"),
    ]
    done = imported(ctx, device_id, lines)
    assert (done.contacts, done.bad) == (1, 2)
    with installation.database.reading() as session:
        assert {(bad.code, json.dumps(bad.args)) for bad in session.query(RejectedBatchRow)} == {
            ("erased", "{}")
        }
    assert where_kept(installation, NAME, EMAIL) == []


def test_a_record_made_anew_stays_empty_and_a_namesake_does_not(
    installation: Installation, actor: Actor
) -> None:
    ctx = installation.workspace
    erase(installation.access, actor, "customer-1001")
    with installation.database.writing() as session:
        session.query(MirroredRecord).filter_by(kind="customer", number="1001").delete()
    ctx.sync()
    again = records_of(installation)["customer-1001"]
    assert (again.name, again.email, again.erased_at is not None) == ("", "", True)
    people = installation.database
    with people.reading() as session:
        erased = session.query(MirroredRecord).filter(MirroredRecord.erased_at.is_not(None))
        assert [row.public_id for row in erased] == ["customer-1001"]


def test_a_failed_row_hides_its_reference_and_cannot_be_tried_again(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    from crmlink.batches.execute_row import carry_out
    from crmlink.store import Batch, BatchState, Choice

    ctx, device_id = installation.workspace, actor.device.id
    contact = ListedContact(NAME, kind="customer", name=NAME, email=EMAIL)
    batch_id = append_contacts(
        ctx, device_id, ListPage(PACKAGE, "", "customer", [contact])
    ).batch.id
    with installation.database.writing() as session:
        row = session.query(BatchRow).one()
        row.state, row.choice, row.record_id = RowState.FAILED, Choice.RECORD, "customer-1001"
        row.failure = {"code": "record-changed", "current_reference": NAME}
        session.get_one(Batch, batch_id).state = BatchState.WRITING
    erase(installation.access, actor, EMAIL)
    assert where_kept(installation, NAME) == []
    with installation.database.reading() as session:
        row = session.query(BatchRow).one()
    assert row.name == ERASED
    outcome = carry_out(ctx, row.id, BatchState.WRITING, device_id, lambda _session: None)
    assert (outcome.failure or {})["code"] == "reference-erased"
    assert sandbox.reference("customer-1001") is None
