"""Contacts without a record: kept until they are linked, removed or erased."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from crmlink.access.devices import command_line_actor
from crmlink.access.errors import PersonNotFound
from crmlink.access.personal_data.subject import apply_retention, erase, export
from crmlink.access.preferences import Preferences, save_preferences
from crmlink.installation import Installation
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.errors import ParkedContactNotFound, RecordHasReference, ReferenceErased
from crmlink.linking.parked import count_parked, park, parked_contacts, unpark
from crmlink.linking.suggest import Contact
from crmlink.store import AuditEntry, ParkedContact
from crmlink.store.base import utc_now
from crmlink.values.contact_details import ContactDetails
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, decision, new_key

EMAIL = "margaret.holloway@postbox.example"
CONTACT = Contact(
    "xero",
    HOLLOWAY.upper(),
    "customer",
    "!kR4N6",
    ContactDetails(person="Margaret Holloway", email=EMAIL, phones=("01632 960114",)),
)


def test_a_contact_is_parked_once_and_keeps_its_place_and_newest_details(
    ctx: WorkspaceContext, device_id: int
) -> None:
    first = park(ctx, CONTACT, device_id)
    moved = replace(CONTACT, details=replace(CONTACT.details, postcode="GL50 2TR"))
    again = park(ctx, moved, device_id)
    assert (again.id, again.created_at, again.postcode) == (first.id, first.created_at, "GL50 2TR")
    assert (first.reference, count_parked(ctx)) == (HOLLOWAY, 1)


def test_linking_a_contact_ends_its_parking_and_undoing_does_not_bring_it_back(
    ctx: WorkspaceContext, device_id: int
) -> None:
    park(ctx, CONTACT, device_id)
    other = park(ctx, replace(CONTACT, reference=OTHER), device_id)
    supplier = park(ctx, replace(CONTACT, kind="supplier"), device_id)
    link = confirm(ctx, decision(), new_key(), device_id)
    assert {each.id for each in parked_contacts(ctx)} == {other.id, supplier.id}
    undo(ctx, UndoDecision(link.id), new_key(), device_id)
    assert count_parked(ctx) == 2


def test_what_was_parked_without_a_kind_or_organisation_is_the_same_contact(
    ctx: WorkspaceContext, device_id: int
) -> None:
    park(ctx, replace(CONTACT, kind=None, organisation=""), device_id)
    confirm(ctx, decision(), new_key(), device_id)
    assert count_parked(ctx) == 0


def test_a_link_that_is_refused_leaves_the_contact_parked(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    park(ctx, CONTACT, device_id)
    sandbox.put_reference("customer-1001", OTHER)
    with pytest.raises(RecordHasReference):
        confirm(ctx, decision(), new_key(), device_id)
    assert count_parked(ctx) == 1


def test_removing_is_noted_and_names_no_one(ctx: WorkspaceContext, device_id: int) -> None:
    kept = park(ctx, CONTACT, device_id)
    unpark(ctx, kept.id, device_id)
    with pytest.raises(ParkedContactNotFound):
        unpark(ctx, kept.id, device_id)
    with ctx.database.reading() as session:
        noted = session.query(AuditEntry).where(AuditEntry.subject == kept.id).all()
        written = " ".join(f"{each.action} {each.details}" for each in noted)
    assert [each.action for each in noted] == ["contact.parked", "contact.unparked"]
    assert not any(word in written for word in ("Holloway", EMAIL, HOLLOWAY))


def test_an_erased_person_is_taken_off_and_cannot_be_parked_again(
    installation: Installation,
) -> None:
    ctx, actor = installation.workspace, command_line_actor(installation.access)
    stranger = Contact(
        "xero", OTHER, None, "", ContactDetails(person="Ann Nowhere", email="ann@nowhere.example")
    )
    park(ctx, stranger, actor.device.id)
    kept = export(installation.access, "ann@nowhere.example")
    assert [each["name"] for each in kept["parked"]] == ["Ann Nowhere"]
    assert erase(installation.access, actor, "ann@nowhere.example").drafts == 1
    assert count_parked(ctx) == 0
    for again in (stranger, replace(stranger, details=ContactDetails(person="A. Nowhere"))):
        with pytest.raises(ReferenceErased):
            park(ctx, again, actor.device.id)
    with pytest.raises(PersonNotFound):
        export(installation.access, "ann@nowhere.example")


def test_a_record_of_an_erased_person_takes_their_parked_contact_with_it(
    installation: Installation,
) -> None:
    ctx, actor = installation.workspace, command_line_actor(installation.access)
    park(ctx, CONTACT, actor.device.id)
    park(
        ctx,
        replace(CONTACT, reference=OTHER, details=ContactDetails(person="Other")),
        actor.device.id,
    )
    erase(installation.access, actor, "customer-1001")
    assert [each.name for each in parked_contacts(ctx)] == ["Other"]


def test_old_parked_contacts_go_with_old_drafts(installation: Installation) -> None:
    ctx, actor = installation.workspace, command_line_actor(installation.access)
    park(ctx, CONTACT, actor.device.id)
    park(ctx, replace(CONTACT, reference=OTHER), actor.device.id)
    with installation.database.writing() as session:
        old = update(ParkedContact).where(ParkedContact.reference == HOLLOWAY)
        session.execute(old.values(created_at=utc_now() - timedelta(days=31)))
    save_preferences(installation.access, actor, Preferences(keep_drafts_days=30))
    assert apply_retention(installation.access).drafts == 1
    assert [each.reference for each in parked_contacts(ctx)] == [OTHER]
