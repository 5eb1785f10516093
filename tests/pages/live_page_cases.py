"""Pages of live contacts with something on them: for pictures, and for axe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crmlink.access.devices import command_line_actor
from crmlink.installation import Installation
from crmlink.sources.quickbooks_desktop.connectors import add_connector
from crmlink.store import ContactSource, ContactState, SourceAccount, SourceContact
from crmlink.store.base import utc_now
from pages.page_cases import Who
from support.live_server import LiveServer
from support.sandbox import HOLLOWAY, OTHER

PRYCE, ASHDOWN, SMITH = "4417", "186204511", "7c2f61d0-5b0e-4a83-9f64-1d20a3b10005"
NORTHGATE = "7c2f61d0-5b0e-4a83-9f64-1d20a3b10501"
HOME = {"address": "12 Mill Lane", "town": "Otley", "postcode": "LS21 1AB"}
AWAY = {"address": "3 Quay Street\nHarbour Terrace", "town": "Whitby", "postcode": "YO21 1AA"}


@dataclass(frozen=True)
class LivePageCase:
    """A page: its name, its address, what is on it when it is the right one, who looks."""

    name: str
    path: str
    shows: str
    who: Who = "admin"


def populate_sources(live: LiveServer) -> tuple[LivePageCase, ...]:
    """Put a source in each state into an installation, and findings; return the pages."""
    here, now = live.installation, utc_now()
    xero = _source(here, "xero", "Whitcombe Heating Ltd", fully_synced_at=now, synced_at=now)
    sage = _source(here, "sage_business_cloud", "Whitcombe Services", fully_synced_at=now,
                   synced_at=now)  # fmt: skip
    _source(here, "freeagent", "Bryn Heating", problem="source-limited", read=12_400,
            resume_at=now + timedelta(hours=2), position={"full": True, "at": {}})  # fmt: skip
    ended = _source(here, "quickbooks_online", "Northgate", problem="source-refused", synced_at=now)
    with here.database.writing() as session:
        session.get_one(SourceAccount, ended.account_id).needs_sign_in = True
    _source(here, "kashflow", "Van Hire", requested_at=now - timedelta(hours=1), read=300)
    late = now - timedelta(days=9)
    _source(here, "sage_50", "Depot", synced_at=late, fully_synced_at=late,
            left_out={"count": 12, "names": ["Hill & Sons", "Kerr Ltd"]})  # fmt: skip
    made = add_connector(here.sources, command_line_actor(here.access).device, "Office file")
    first = _contact(here, xero, HOLLOWAY, "M. Holloway", state=ContactState.MERGED,
                     merged_into=OTHER)  # fmt: skip
    _contact(here, xero, OTHER, "Holloway & Sons Plumbing and Heating")
    _contact(here, xero, SMITH, "John Smith", moved_from=HOME, moved_at=_tomorrow(now), **AWAY)
    _contact(here, xero, NORTHGATE, "Northgate Plumbing Supplies", kind="supplier")
    _contact(here, sage, ASHDOWN, "Ashdown and Sons", email="office@ashdown.example", **HOME)
    new = _contact(here, xero, "33333333-3333-4333-8333-333333333333", "Siân O'Connor",
                   first_seen_at=now, phones=["07700 900606"], **HOME)  # fmt: skip
    _contact(here, xero, "44444444-4444-4444-8444-444444444444",
             "A company with a name that is longer than most of those that people have",
             code="LONG")  # fmt: skip
    return (
        LivePageCase("sources-all", "/sources", "Nothing has arrived for days"),
        LivePageCase("source-disconnect", f"/sources/{xero.public_id}/disconnect", "What happens"),
        LivePageCase("connector-disconnect", f"/sources/{made.connector.source.public_id}"
                     "/disconnect", "What happens"),
        LivePageCase("source-webhook", f"/sources/{xero.public_id}/webhook", "Changes from Xero"),
        LivePageCase("live-contacts", "/left/contacts", "New this week", "clerk"),
        LivePageCase("live-contact", f"/left/contacts/{new}", "In Commusoft", "clerk"),
        LivePageCase("live-links", "/left/live", "Not the same in both", "clerk"),
        LivePageCase("live-move", f"/left/live/{first}/customer-1001", "Merged into", "clerk"),
        LivePageCase("left-live-figures", "/left", "contacts without a record", "clerk"),
    )  # fmt: skip


def _source(here: Installation, package: str, name: str, **more: Any) -> ContactSource:
    with here.database.writing() as session:
        account = SourceAccount(
            workspace_id=here.access.workspace_id, package=package,
            credentials=None if package in ("kashflow", "sage_50") else "sealed",
        )  # fmt: skip
        source = ContactSource(
            workspace_id=here.access.workspace_id, package=package, tenant=name, name=name,
            account=account, **more,
        )  # fmt: skip
        session.add_all([account, source])
    return source


def _contact(
    here: Installation, source: ContactSource, reference: str, name: str, **more: Any
) -> int:
    values = {"name": name, "kind": "customer", "reference": reference} | more
    contact = SourceContact(source_id=source.id, key=reference, **values)
    with here.database.writing() as session:
        session.add(contact)
        session.flush()
        return contact.id


def _tomorrow(now: datetime) -> datetime:
    """After every link, however long the pages took to be made."""
    return now + timedelta(days=1)
