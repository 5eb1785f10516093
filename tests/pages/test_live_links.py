"""/left/contacts and /left/live: what is unlinked, what is no longer right, and moving a link."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from crmlink.installation import Installation
from crmlink.linking.decisions import confirm
from crmlink.pages.labels import action_in_words
from crmlink.store import (
    AuditEntry,
    ContactSource,
    ContactState,
    Link,
    LinkState,
    MirroredRecord,
    SourceAccount,
    SourceContact,
)
from crmlink.store.base import utc_now
from support.page_client import PageClient, words
from support.sample_data import SampleData
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, decision, new_key

THIRD = "33333333-3333-4333-8333-333333333333"


@pytest.fixture
def source(installation: Installation, sample: SampleData) -> ContactSource:
    """A company that was read whole, without contacts yet."""
    workspace_id = installation.access.workspace_id
    with installation.database.writing() as session:
        account = SourceAccount(workspace_id=workspace_id, package="xero")
        row = ContactSource(
            workspace_id=workspace_id, package="xero", tenant="t", name="Office Ltd",
            account=account, fully_synced_at=utc_now(), synced_at=utc_now(), round=1,
        )  # fmt: skip
        session.add_all([account, row])
    return row


def keep(installation: Installation, source: ContactSource, reference: str, **more: Any) -> int:
    """A contact; its id."""
    values = {"name": "M. Holloway", "kind": "customer"} | more
    contact = SourceContact(source_id=source.id, key=reference, reference=reference, **values)
    with installation.database.writing() as session:
        session.add(contact)
        session.flush()
        return contact.id


def findings(page: str) -> str:
    """What the page lists, without its frame."""
    return page.partition("until you decide.")[2]


def test_without_live_contacts_the_pages_say_so(clerk: PageClient) -> None:
    for path in ("/left/contacts", "/left/live"):
        assert "No contacts have been read yet" in clerk.read(path)
    assert "Links to check" not in clerk.read("/left")


def test_contacts_without_a_record_are_listed_new_ones_first(
    clerk: PageClient, manager: PageClient, installation: Installation, source: ContactSource
) -> None:
    assert "Every contact has a record" in clerk.read("/left/contacts")
    keep(installation, source, HOLLOWAY)  # its record has the reference
    keep(installation, source, OTHER, name="Archived Ltd", state=ContactState.ARCHIVED)
    keep(installation, source, THIRD, name="Aged Ltd", email="a@aged.example", code="AG1")
    keep(installation, source, THIRD.replace("3", "4"), name="New Ltd", first_seen_at=utc_now())
    page = clerk.read("/left/contacts")
    assert "2 contacts without a record" in page
    assert page.index("New Ltd New this week") < page.index("Aged Ltd")
    assert "Code AG1" in page
    assert "Archived Ltd" not in page
    assert "Make a list of" not in page
    assert "Make a list of Office Ltd" in manager.read("/left/contacts")
    assert "2 contacts without a record In your accounting software, 1 new this week" in (
        clerk.read("/left")
    )
    assert "Go to its first page" in clerk.read("/left/contacts?page=9")


def test_nothing_is_told_while_all_is_right(
    clerk: PageClient, installation: Installation, source: ContactSource
) -> None:
    with installation.database.reading() as session:
        held = session.scalars(
            select(MirroredRecord.reference).where(MirroredRecord.reference.is_not(None))
        ).all()
        names = dict(session.execute(select(Link.target, Link.contact_name)).all())
    for reference in filter(None, set(held)):
        keep(installation, source, reference, kind="", name=names.get(reference, "M. Holloway"))
    assert "All links look right" in clerk.read("/left/live")


@pytest.mark.parametrize("state", [ContactState.ARCHIVED, ContactState.DELETED])
def test_a_linked_contact_out_of_use_is_told(
    clerk: PageClient, installation: Installation, source: ContactSource, state: ContactState
) -> None:
    keep(installation, source, HOLLOWAY, state=state)
    page = findings(clerk.read("/left/live"))
    assert "The contact is no longer in use" in page
    assert state.capitalize() in page
    assert "Move the link" not in page


def test_a_number_that_another_package_has_too_is_no_finding(
    clerk: PageClient, installation: Installation, source: ContactSource
) -> None:
    """The record's link says of which package its reference is."""
    with installation.database.writing() as session:
        session.execute(update(ContactSource).values(package="freeagent"))
        record = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
        record.reference = "12"
        session.execute(
            update(Link)
            .where(Link.state == LinkState.LINKED, Link.record_number == "1001")
            .values(package="quickbooks_online", target="12")
        )
    keep(installation, source, "12", state=ContactState.ARCHIVED)
    assert "no longer in use" not in clerk.read("/left/live")
    with installation.database.writing() as session:
        session.execute(update(Link).values(package="freeagent"))
    assert "no longer in use" in clerk.read("/left/live")


def test_a_renamed_contact_is_told_with_both_names(
    clerk: PageClient, installation: Installation, source: ContactSource
) -> None:
    contact_id = keep(installation, source, HOLLOWAY, name="Quite Another Ltd")
    page = findings(clerk.read("/left/live"))
    assert "M. Holloway is now Quite Another Ltd" in page
    with installation.database.writing() as session:
        session.get_one(SourceContact, contact_id).person = "m. holloway"
    assert "is now" not in findings(clerk.read("/left/live"))


def test_a_reference_that_no_contact_has_is_told(
    clerk: PageClient, installation: Installation, source: ContactSource
) -> None:
    page = findings(clerk.read("/left/live"))
    assert "No contact has this reference" in page
    assert HOLLOWAY in page
    keep(installation, source, HOLLOWAY)
    orphans = findings(clerk.read("/left/live")).partition("No contact has this reference")[2]
    assert HOLLOWAY not in orphans


def test_one_contact_on_two_records_comes_before_what_may_be_nothing(
    clerk: PageClient, installation: Installation, source: ContactSource
) -> None:
    with installation.database.writing() as session:
        records = session.query(MirroredRecord).filter(MirroredRecord.kind == "customer")
        for record in records.filter(MirroredRecord.number.in_(("2012", "2013"))):
            record.reference = THIRD
    page = findings(clerk.read("/left/live"))
    twice = page.index("One contact on two records")
    assert THIRD in page[twice:]
    assert twice < page.index("No contact has this reference")


QUICKBOOKS_NAMES = ["ÉCLAIR Heizung", "Straße & Söhne", "İstanbul Plumbing", "PLAIN ltd"]


@pytest.mark.parametrize("name", QUICKBOOKS_NAMES)
def test_a_name_that_is_a_reference_is_found_whatever_its_letters(
    clerk: PageClient, installation: Installation, source: ContactSource, name: str
) -> None:
    """SQLite lowers ASCII letters alone."""
    with installation.database.writing() as session:
        session.execute(update(ContactSource).values(package="quickbooks_desktop"))
        record = session.query(MirroredRecord).filter_by(kind="customer", number="1006").one()
        record.reference = name
    keep(installation, source, name, name=name)
    assert name not in clerk.read("/left/contacts")
    assert name not in findings(clerk.read("/left/live"))
    with installation.database.writing() as session:
        session.execute(update(SourceContact).values(state=ContactState.ARCHIVED))
    assert "no longer in use" in findings(clerk.read("/left/live"))


HOME = {"address": "12 Mill Lane", "town": "Otley", "postcode": "LS21 1AB"}
AWAY = {"address": "3 Quay Street", "town": "Whitby", "postcode": "YO21 1AA"}


def move(installation: Installation, contact_id: int) -> None:
    """The contact's address became another one just now."""
    with installation.database.writing() as session:
        contact = session.get_one(SourceContact, contact_id)
        contact.moved_from, contact.moved_at = HOME, utc_now()
        for name, value in AWAY.items():
            setattr(contact, name, value)


def checked(client: PageClient, contact_id: int, **changed: str) -> str:
    """What the page says after its button was pressed, with the fields that it has."""
    page = client.get("/left/live").get_data(as_text=True)
    form = page.partition(f"/left/live/{contact_id}/checked")[2].partition("</form>")[0]
    fields = dict(re.findall('name="(name|address)" value="([^"]*)"', form))
    client.send(f"/left/live/{contact_id}/checked", **fields | changed)
    return client.read("/left/live")


def test_a_contact_that_moved_is_told_until_a_person_finds_its_link_right(
    clerk: PageClient, installation: Installation, source: ContactSource
) -> None:
    contact_id = keep(installation, source, HOLLOWAY, **HOME)
    move(installation, contact_id)
    page = findings(clerk.read("/left/live"))
    assert "From 12 Mill Lane, Otley, LS21 1AB to 3 Quay Street, Whitby, YO21 1AA" in page
    for changed in ({"name": "Another"}, {"address": "12 Mill Lane"}):
        assert "Nothing was noted" in checked(clerk, contact_id, **changed)
    page = checked(clerk, contact_id)
    assert "Noted." in page
    assert "another address now" not in page
    assert "found a linked contact right" in audit_of(installation)


def audit_of(installation: Installation) -> str:
    """The words for all that was done."""
    with installation.database.reading() as session:
        actions = session.scalars(select(AuditEntry.action)).all()
    return " ".join(action_in_words(action) for action in actions)


def test_a_record_that_moved_along_and_a_later_link_need_no_check(
    clerk: PageClient, installation: Installation, source: ContactSource
) -> None:
    contact_id = keep(installation, source, HOLLOWAY, **HOME)
    move(installation, contact_id)
    with installation.database.writing() as session:
        session.get_one(SourceContact, contact_id).moved_at = utc_now() - timedelta(days=1)
    assert "another address now" not in findings(clerk.read("/left/live"))  # linked since then
    move(installation, contact_id)
    assert "another address now" in findings(clerk.read("/left/live"))
    with installation.database.writing() as session:
        record = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
        record.address, record.town, record.postcode = "3, Quay St", "Whitby", "yo211aa"
    assert "another address now" not in findings(clerk.read("/left/live"))


def test_a_new_name_that_was_found_right_is_told_again_when_it_changes_again(
    clerk: PageClient, installation: Installation, source: ContactSource
) -> None:
    contact_id = keep(installation, source, HOLLOWAY, name="Quite Another Ltd")
    assert "is now" not in findings(checked(clerk, contact_id))
    with installation.database.writing() as session:
        session.get_one(SourceContact, contact_id).name = "A Third Ltd"
    assert "M. Holloway is now A Third Ltd" in findings(clerk.read("/left/live"))


def test_sage_links_are_compared_to_the_letter(
    clerk: PageClient, installation: Installation, source: ContactSource
) -> None:
    with installation.database.writing() as session:
        session.execute(update(ContactSource).values(package="sage_business_cloud"))
        record = session.query(MirroredRecord).filter_by(kind="customer", number="1003").one()
        record.address, record.town, record.postcode = "1 High St\nFlat 2", "Leeds", "LS1 1AA"
        record.email = "jo@home.example"
        label = record.label
    same = {"name": label, "email": "jo@home.example", "address": "1 High St, Flat 2",
            "town": "Leeds", "postcode": "LS1 1AA"}  # fmt: skip
    contact_id = keep(installation, source, "186204511", **same)
    assert "Not the same in both" not in clerk.read("/left/live")
    for name, value in (("email", "Jo@home.example"), ("town", "York"), ("name", label.lower())):
        with installation.database.writing() as session:
            setattr(session.get_one(SourceContact, contact_id), name, value)
        page = findings(clerk.read("/left/live"))
        assert "Not the same in both" in page
        assert value in page
        with installation.database.writing() as session:
            setattr(session.get_one(SourceContact, contact_id), name, same[name])


def linkable(client: PageClient, path: str) -> dict[str, str]:
    """The fields of the first form that links a contact."""
    page = client.get(path).get_data(as_text=True)
    names = "connection_id|key|q|record_id|reference"
    form = next(each for each in page.split("<form") if 'name="record_id"' in each)
    return dict(re.findall(f'name="({names})" value="([^"]*)"', form))


def test_a_contact_is_linked_from_its_page(
    clerk: PageClient, installation: Installation, source: ContactSource, sandbox: SandboxHandle
) -> None:
    with installation.database.reading() as session:
        record = session.query(MirroredRecord).filter_by(kind="customer", reference=None).first()
    assert record
    details = {"name": record.label, "email": record.email, "postcode": record.postcode,
               "address": record.address, "phones": record.phones}  # fmt: skip
    path = f"/left/contacts/{keep(installation, source, OTHER, **details)}"
    assert path in clerk.get("/left/contacts").get_data(as_text=True)
    fields = linkable(clerk, path)
    assert (fields["record_id"], fields["reference"]) == (record.public_id, OTHER)
    for changed in ({"reference": THIRD}, {"reference": ""}):
        clerk.send(path, **fields | changed)
        assert "changed in the meantime" in clerk.read("/left/contacts")
    assert clerk.send(path, **fields | {"connection_id": "another"}).status_code == 409
    refused = clerk.send(path, **fields | {"record_id": "supplier-501"})
    assert "Not linked." in words(refused)
    held = clerk.send(path, **fields | {"record_id": "customer-1001"})
    assert "Not linked." in words(held)
    assert sandbox.reference("customer-1001") == HOLLOWAY
    assert sandbox.reference(record.public_id) is None
    assert clerk.send(path, **fields).status_code == 303
    assert sandbox.reference(record.public_id) == OTHER
    assert clerk.get(path).status_code == 303  # it has a record now
    assert record.label in words(clerk.get(f"/left/contacts/{keep(installation, source, THIRD)}?q="
                                           f"{record.label}"))  # fmt: skip


def merge(installation: Installation, source: ContactSource) -> tuple[int, str]:
    """Holloway's contact was merged, twice; return its id and the move's page."""
    middle = THIRD.replace("3", "5")
    first = keep(installation, source, HOLLOWAY, state=ContactState.MERGED, merged_into=middle)
    keep(installation, source, middle, state=ContactState.MERGED, merged_into=OTHER)
    keep(installation, source, OTHER, name="Holloway & Sons")
    return first, f"/left/live/{first}/customer-1001"


def shown(client: PageClient, path: str) -> dict[str, str]:
    """The fields of the form that moves a link."""
    page = client.get(path).get_data(as_text=True)
    return dict(re.findall('name="(connection_id|key|replaces|reference)" value="([^"]*)"', page))


def test_a_merged_contacts_link_moves_by_the_ordinary_path(
    clerk: PageClient,
    installation: Installation,
    source: ContactSource,
    sandbox: SandboxHandle,
) -> None:
    _, path = merge(installation, source)
    assert "It was merged into Holloway & Sons" in clerk.read("/left/live")
    assert sandbox.reference("customer-1001") == HOLLOWAY  # looking changes nothing
    reply = clerk.send(path, **shown(clerk, path))
    assert reply.status_code == 303, words(reply)
    assert sandbox.reference("customer-1001") == OTHER
    with installation.database.reading() as session:
        link = session.get_one(Link, reply.headers["Location"].rpartition("/")[2])
    assert (link.prior, link.target, link.state) == (HOLLOWAY, OTHER, LinkState.LINKED)
    assert "no longer in use" not in clerk.read("/left/live")


def test_a_merged_customers_link_moves_to_no_supplier(
    clerk: PageClient, installation: Installation, source: ContactSource, sandbox: SandboxHandle
) -> None:
    first = keep(installation, source, HOLLOWAY, state=ContactState.MERGED, merged_into=OTHER)
    keep(installation, source, OTHER, name="Holloway Supplies", kind="supplier")
    path = f"/left/live/{first}/customer-1001"
    reply = clerk.send(path, **shown(clerk, path))
    assert reply.status_code == 409
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_a_move_does_only_what_was_shown(
    clerk: PageClient,
    installation: Installation,
    source: ContactSource,
    sandbox: SandboxHandle,
) -> None:
    first, path = merge(installation, source)
    fields = shown(clerk, path)
    for changed in ({"reference": THIRD}, {"replaces": THIRD}, {"replaces": ""}):
        clerk.send(path, **fields | changed)
        assert "has changed in the meantime" in clerk.read("/left/live")
    assert clerk.send(path, **fields | {"connection_id": "another"}).status_code == 409
    with installation.database.writing() as session:
        session.get_one(SourceContact, first).state = ContactState.ACTIVE
    clerk.send(path, **fields)
    assert clerk.get(path).status_code == 303  # there is nothing to move any more
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_a_reference_changed_in_commusoft_is_not_replaced(
    clerk: PageClient,
    installation: Installation,
    source: ContactSource,
    sandbox: SandboxHandle,
) -> None:
    _, path = merge(installation, source)
    fields = shown(clerk, path)
    sandbox.put_reference("customer-1001", THIRD)
    reply = clerk.send(path, **fields)
    assert "Not linked." in words(reply)
    assert sandbox.reference("customer-1001") == THIRD


def test_a_survivor_that_another_record_has_is_refused(
    clerk: PageClient,
    installation: Installation,
    source: ContactSource,
    sandbox: SandboxHandle,
    device_id: int,
) -> None:
    with installation.database.reading() as session:
        free = session.query(MirroredRecord).filter_by(kind="customer", reference=None).first()
    assert free
    confirm(installation.workspace, decision(free.public_id, OTHER), new_key(), device_id)
    _, path = merge(installation, source)
    reply = clerk.send(path, **shown(clerk, path))
    assert "Not linked." in words(reply)
    assert sandbox.reference("customer-1001") == HOLLOWAY
