"""/left/contacts and /left/live: what is unlinked, what is no longer right, and moving a link."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select, update

from crmlink.installation import Installation
from crmlink.linking.decisions import confirm
from crmlink.store import (
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
