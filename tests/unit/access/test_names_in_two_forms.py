"""One name in two Unicode forms, or in capitals with accents, is one name.

NFC is what Windows writes, NFD what a Mac's files may hold; both look the same to everybody.
"""

from __future__ import annotations

import unicodedata

import pytest
from sqlalchemy import select

from crmlink.access.context import Actor
from crmlink.access.personal_data.subject import erase
from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.batches.match_job import match_waiting, start_matching
from crmlink.installation import Installation
from crmlink.linking.decisions import confirm
from crmlink.linking.errors import ReferenceTaken
from crmlink.linking.overrides import Overrides
from crmlink.reports.duplicates import shared_references
from crmlink.store import BatchRow, MirroredRecord
from support.batch_factories import Line, imported
from support.erasing import PACKAGE, of_desktop, where_kept
from support.sandbox import SandboxHandle, new_key

NFC = "José Ibáñez"
NFD = unicodedata.normalize("NFD", NFC)


def rename_record(installation: Installation, number: str, name: str) -> MirroredRecord:
    with installation.database.writing() as session:
        row = session.query(MirroredRecord).filter_by(kind="customer", number=number).one()
        row.name = name
    return row


@pytest.mark.parametrize("other", [NFD, NFC.upper(), NFD.upper()])
def test_one_reference_on_two_records_is_asked_about(
    installation: Installation, actor: Actor, other: str
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    confirm(ctx, of_desktop("customer-1001", NFC), new_key(), device_id)
    with pytest.raises(ReferenceTaken):
        confirm(ctx, of_desktop("customer-1002", other), new_key(), device_id)


def test_a_list_sees_which_record_carries_its_reference(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    sandbox.put_reference("customer-1001", NFC.upper())
    ctx.sync()
    page = [ListedContact(NFD, kind="customer", name="Some Body")]
    batch_id = append_contacts(ctx, device_id, ListPage(PACKAGE, "", "customer", page)).batch.id
    start_matching(ctx, device_id, batch_id, 0.998)
    match_waiting(ctx)
    with installation.database.reading() as session:
        conflict = session.scalars(select(BatchRow.conflict)).one()
    assert conflict is not None
    assert conflict["record"] == "customer-1001"


def test_records_that_share_a_reference_are_listed(
    installation: Installation, sandbox: SandboxHandle
) -> None:
    sandbox.put_reference("customer-1001", NFC)
    sandbox.put_reference("customer-1002", NFD.upper())
    installation.workspace.sync()
    shared = [
        {record.public_id for record in each.records}
        for each in shared_references(installation.workspace)
    ]
    assert {"customer-1001", "customer-1002"} in shared


def test_what_comes_in_either_form_is_kept_in_one(installation: Installation, actor: Actor) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    page = [
        ListedContact(NFD, kind="customer", name=NFD),
        ListedContact(NFC, kind="customer", name=NFC),
    ]
    append_contacts(ctx, device_id, ListPage(PACKAGE, "", "customer", page))
    imported(ctx, device_id, [Line("IBAN01", NFD)])
    with installation.database.reading() as session:
        rows = session.execute(select(BatchRow.reference, BatchRow.name)).all()
    assert sorted(rows) == [("IBAN01", NFC), (NFC, NFC)]


def test_an_erased_person_does_not_return_in_the_other_form(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    confirm(ctx, of_desktop("customer-1001", NFC, contact_name=NFC), new_key(), device_id)
    erase(installation.access, actor, "customer-1001")
    back = [ListedContact(NFD, kind="customer", name=NFD)]
    append_contacts(ctx, device_id, ListPage(PACKAGE, "", "customer", back))
    assert where_kept(installation, NFC, NFD) == []


def test_nor_from_a_file(installation: Installation, actor: Actor) -> None:
    phone = rename_record(installation, "1001", NFC).phones[0]
    erase(installation.access, actor, "customer-1001")
    lines = [Line("IBAN01", NFD, phone=phone), Line("STAYS", "Liam Stays")]
    imported(installation.workspace, actor.device.id, lines)
    assert where_kept(installation, NFC, NFD) == []


def test_an_erased_name_in_capitals_is_hidden_on_other_links(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    confirm(ctx, of_desktop("customer-1001", NFC, contact_name=NFC), new_key(), device_id)
    agreed = Overrides(also_on=frozenset({"customer-1001"}))
    loud = of_desktop("customer-1002", NFC.upper(), contact_name=NFC.upper(), overrides=agreed)
    confirm(ctx, loud, new_key(), device_id)
    erase(installation.access, actor, "customer-1001")
    assert where_kept(installation, NFC, NFC.upper()) == []


def test_a_row_of_the_same_name_is_found(installation: Installation, actor: Actor) -> None:
    name = "Éamon Kelly"
    rename_record(installation, "1001", name)
    rows = [
        ListedContact("KELL01", kind="customer", name=name),
        ListedContact("K2", kind="customer", name=name.upper()),
    ]
    append_contacts(
        installation.workspace, actor.device.id, ListPage("sage_50", "", "customer", rows)
    )
    erase(installation.access, actor, "customer-1001")
    assert where_kept(installation, name, name.upper()) == []


def test_a_row_of_the_same_reference_is_found(installation: Installation, actor: Actor) -> None:
    ctx, name = installation.workspace, "Éamon Kelly"
    confirm(ctx, of_desktop("customer-1001", name, contact_name="E"), new_key(), actor.device.id)
    rows = [ListedContact(name.upper(), kind="customer", name="Some Body")]
    append_contacts(ctx, actor.device.id, ListPage(PACKAGE, "", "customer", rows))
    erase(installation.access, actor, "customer-1001")
    assert where_kept(installation, name, name.upper()) == []
