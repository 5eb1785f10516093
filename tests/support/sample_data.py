"""A used installation for the pages to show: people of each role, links in every state, devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from crmlink.access.api_tokens import create_api_token
from crmlink.access.devices import command_line_actor
from crmlink.access.pairing import approve_pairing, format_user_code, start_pairing
from crmlink.access.people import invite
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.installation import Installation
from crmlink.linking.decisions import Decision, UndoDecision, confirm, undo
from crmlink.linking.parked import park
from crmlink.linking.suggest import Contact
from crmlink.store import Device, Link, LinkState, ParkedContact, Person
from crmlink.store.base import new_id, utc_now
from crmlink.values.contact_details import ContactDetails
from support.access_factories import make_person, page_actor, pair
from support.browser_client import proven
from support.sandbox import SandboxHandle, decision, new_key

REFERENCE = "7c2f61d0-5b0e-4a83-9f64-1d20a3b1{:04d}"
DONE = (  # record, reference, contact, package, organisation
    ("customer-1002", "4417", "Pryce-Davies, Jonathan", "freeagent", "bryn-heating"),
    ("customer-1003", "186204511", "Ashdown & Sons Builders", "sage_business_cloud", ""),
    ("customer-1005", REFERENCE.format(5), "John Smith", "xero", "!kR4N6"),
    ("customer-1008", REFERENCE.format(8), "David Owusu", "xero", "!kR4N6"),
    ("supplier-501", REFERENCE.format(501), "Northgate Plumbing", "xero", "!kR4N6"),
)


NOT_IN_COMMUSOFT = Contact(
    "xero",
    REFERENCE.format(9001),
    "customer",
    "!kR4N6",
    ContactDetails(
        person="Bramble Cottage Nursery", email="office@bramble.example", postcode="HG4 1AA"
    ),
)


@dataclass(frozen=True)
class SampleData:
    """Who is in it, and what a test may want to point at."""

    clerk: Person
    manager: Person
    admin: Person
    linked: Link  # by the clerk, in force
    undone: Link  # by the clerk, then undone
    conflict: Link
    failed: Link
    hanging: Link
    parked: ParkedContact
    browser: Device  # the clerk's
    token: Device
    waiting_code: str  # of a pairing that waits for an admin
    fresh_code: str  # of one that no one has looked at


def populate(installation: Installation, commusoft: SandboxHandle) -> SampleData:
    """Fill an opened installation whose records are copied."""
    access, ctx = installation.access, installation.workspace
    clerk = make_person(access, "clerk", "Anna Whitcombe")
    manager = make_person(access, "manager", "Marcus Bello")
    admin = make_person(access, "admin", "Priya Raman")
    invite(access, page_actor(access, admin), "Tom Ashby", "tom@firm.example", "clerk")
    browser = pair(access, clerk, "Chrome on reception, Anna").device
    pages = page_actor(access, manager).device
    made = [
        confirm(ctx, _decision(*done), new_key(), device.id)
        for done, device in zip(DONE, (browser, pages, browser, browser, pages), strict=True)
    ]
    undone = confirm(ctx, decision(contact_name="Margaret Holloway"), new_key(), browser.id)
    undo(ctx, UndoDecision(undone.id), new_key(), pages.id)
    linked = confirm(ctx, decision(contact_name="M. Holloway"), new_key(), browser.id)
    hers = command_line_actor(access) if not made else page_actor(access, admin)
    token, _ = create_api_token(access, hers, "Nightly export, office server", ("read",), 9)
    create_api_token(access, hers, "Stock system", ("suggest", "link"), 90)
    append_contacts(ctx, browser.id, ListPage("xero", "!kR4N6", None, []))
    return SampleData(
        clerk=clerk,
        manager=manager,
        admin=admin,
        linked=linked,
        undone=undone,
        conflict=_ended(
            installation, browser, "customer-1004", LinkState.CONFLICT,
            {"code": "record-changed", "current_reference": "SMITH01"}, "John Smith (Ripon)",
        ),
        failed=_ended(
            installation, browser, "supplier-502", LinkState.FAILED,
            {"code": "reference-not-kept"}, "Ohm and Watt",
        ),
        hanging=_ended(
            installation, browser, "customer-1010", LinkState.INTENDED,
            {"code": "commusoft-slow"}, "Castle View Care Home",
        ),
        parked=park(ctx, NOT_IN_COMMUSOFT, browser.id),
        browser=browser,
        token=token,
        waiting_code=_wait_for_admin(installation, clerk),
        fresh_code=shown_code(installation, "Firefox on Windows"),
    )  # fmt: skip


def shown_code(installation: Installation, browser: str) -> str:
    """The code of a browser that has just pressed Connect."""
    return start_pairing(installation.access, browser, "192.0.2.44", proven("a key")).user_code


def _wait_for_admin(installation: Installation, clerk: Person) -> str:
    """A pairing that the clerk approved while admins must look too."""
    from crmlink.access.preferences import Preferences, save_preferences

    access = installation.access
    save_preferences(access, command_line_actor(access), Preferences(pairing_needs_admin=True))
    code = shown_code(installation, "Edge on Windows")
    approve_pairing(access, page_actor(access, clerk), code, "Edge in the workshop, Anna")
    save_preferences(access, command_line_actor(access), Preferences())
    return format_user_code(code.replace("-", ""))


def _decision(record_id: str, reference: str, name: str, package: str, where: str) -> Decision:
    return decision(record_id, reference, contact_name=name, package=package, organisation=where)


def _ended(
    installation: Installation,
    device: Device,
    record_id: str,
    state: LinkState,
    failure: dict[str, str],
    contact: str,
) -> Link:
    """A link that ended otherwise, or not yet; as the row would stand."""
    kind, number = record_id.split("-")
    past = utc_now() - timedelta(minutes=40)
    link = Link(
        connection_id=installation.workspace.connection_id,
        device_id=device.id,
        idempotency_key=new_key(),
        fingerprint="",
        package="xero",
        organisation="!kR4N6",
        kind=kind,
        reference=REFERENCE.format(int(number)),
        contact_name=contact,
        record_number=number,
        record_label=contact,
        target=REFERENCE.format(int(number)),
        state=state,
        failure=failure,
        attempt_id=new_id() if state is not LinkState.INTENDED else "",
        created_at=past,
        settled_at=past if state is not LinkState.INTENDED else None,
    )
    with installation.database.writing() as session:
        session.add(link)
    with installation.database.reading() as session:
        return session.get_one(Link, link.id)
