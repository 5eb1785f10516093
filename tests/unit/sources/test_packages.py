"""FreeAgent, Sage Accounting and QuickBooks Online: paging, references, kinds, tokens, changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crmlink.installation import Installation
from crmlink.sources import quickbooks_online
from crmlink.sources.connecting import begin_sign_in, disconnect, finish_sign_in
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import SignInDenied
from crmlink.sources.oauth import Credentials
from crmlink.sources.packages import PACKAGES, UnsafeAddress, origin, with_addresses
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource, ContactState, Device
from support.accounting_apis.oauth_server import CLIENT_ID, CLIENT_SECRET, REDIRECT
from support.accounting_apis.others import (
    REALM,
    FakePackage,
    fake_freeagent,
    fake_quickbooks,
    fake_sage,
)
from support.databases import sqlite_database
from support.source_factories import (
    change_source,
    connect,
    contacts_of,
    source_now,
    sources_at,
)

LATER = "2999-01-01T00:00:00+00:00"
EARLIER = "2020-01-01T00:00:00+00:00"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what a reading stores is tried on both kinds in `test_sync.py`."""
    return sqlite_database(tmp_path)


@dataclass
class ConnectedPackage:
    """One connected company."""

    ctx: SourceContext
    device: Device
    fake: FakePackage
    source: ContactSource

    def read(self) -> str | None:
        change_source(self.ctx, self.source, resume_at=None)
        return sync_source(self.ctx, self.source.id).problem


def connected_to(
    installation: Installation, device: Device, package: str, fake: FakePackage
) -> ConnectedPackage:
    ctx = sources_at(installation, fake.server.package(package))
    [source] = connect(ctx, device, fake.server, package, **_extra(package))
    return ConnectedPackage(ctx, device, fake, source)


def _extra(package: str) -> dict[str, Any]:
    return {"answer": {"realmId": REALM}} if package == "quickbooks_online" else {}


def freeagent_entry(number: int, **more: Any) -> dict[str, Any]:
    return {
        "url": f"https://api.freeagent.com/v2/contacts/{number}", "status": "Active",
        "organisation_name": f"Contact {number}", "updated_at": EARLIER,
    } | more  # fmt: skip


def sage_entry(number: int, **more: Any) -> dict[str, Any]:
    page = f"https://accounts-extra.sageone.com/contacts/contacts/{number}"
    return {
        "id": f"{number:032x}", "name": f"Contact {number}", "updated_at": EARLIER,
        "contact_types": [{"id": "CUSTOMER"}], "deleted_at": None,
        "links": [{"href": f"https://api.example/{number}", "rel": "self"},
                  {"href": page, "rel": "alternate", "type": "text/html"}],
    } | more  # fmt: skip


def quickbooks_entry(number: int, entity: str = "Customer", **more: Any) -> dict[str, Any]:
    return {
        "entity": entity, "Id": str(number), "DisplayName": f"{entity} {number}", "Active": True,
        "MetaData": {"LastUpdatedTime": EARLIER},
    } | more  # fmt: skip


Fake = Callable[[], AbstractContextManager[FakePackage]]
PACKAGE_CASES: dict[str, tuple[Fake, Callable[..., dict[str, Any]]]] = {
    "freeagent": (fake_freeagent, freeagent_entry),
    "sage_business_cloud": (fake_sage, sage_entry),
    "quickbooks_online": (fake_quickbooks, quickbooks_entry),
}


@pytest.fixture(params=PACKAGE_CASES)
def package(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def connected(
    installation: Installation, device: Device, package: str
) -> Iterator[ConnectedPackage]:
    with PACKAGE_CASES[package][0]() as fake:
        yield connected_to(installation, device, package, fake)


@pytest.fixture
def freeagent(installation: Installation, device: Device) -> Iterator[ConnectedPackage]:
    with fake_freeagent() as fake:
        yield connected_to(installation, device, "freeagent", fake)


@pytest.fixture
def sage(installation: Installation, device: Device) -> Iterator[ConnectedPackage]:
    with fake_sage() as fake:
        yield connected_to(installation, device, "sage_business_cloud", fake)


@pytest.fixture
def quickbooks(installation: Installation, device: Device) -> Iterator[ConnectedPackage]:
    with fake_quickbooks() as fake:
        yield connected_to(installation, device, "quickbooks_online", fake)


def test_every_page_is_read_and_then_only_changes(
    connected: ConnectedPackage, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickbooks_online, "PAGE_SIZE", 2)
    make = PACKAGE_CASES[package][1]
    connected.fake.entries, connected.fake.page_size = [make(number) for number in range(1, 6)], 2
    assert connected.read() is None
    assert len(contacts_of(connected.ctx, connected.source)) == 5
    assert source_now(connected.ctx, connected.source).read == 5
    newer = {"quickbooks_online": {"MetaData": {"LastUpdatedTime": LATER}}}
    connected.fake.entries[0] |= newer.get(package, {"updated_at": LATER})
    assert connected.read() is None
    assert source_now(connected.ctx, connected.source).read == 1


def test_a_new_token_is_kept_and_none_is_used_twice(
    connected: ConnectedPackage, package: str
) -> None:
    connected.fake.entries = [PACKAGE_CASES[package][1](1)]
    for _ in range(3):
        connected.fake.server.oauth.expire_access()
        assert connected.read() is None
    assert (connected.fake.server.oauth.renewals, connected.fake.server.oauth.reused) == (3, 0)


def test_disconnecting_revokes_where_the_package_can(
    connected: ConnectedPackage, package: str
) -> None:
    oauth = connected.fake.server.oauth
    can = bool(PACKAGES[package].addresses.revoke)
    assert disconnect(connected.ctx, connected.device, connected.source.public_id) is can
    assert oauth.ended == ({1} if can else set())


def test_freeagents_number_is_at_the_end_of_its_address(freeagent: ConnectedPackage) -> None:
    freeagent.fake.entries = [
        freeagent_entry(
            25, first_name="Jo", last_name="Hill", email="jo@hill.example", town="Leeds",
            billing_email="bills@hill.example", address1="1 High St", address2="Annexe",
            postcode="LS1 1AA", phone_number="0113 496 0018", mobile="07700 900123",
        ),
        freeagent_entry(26, status="Hidden"),
        freeagent_entry(27, url="https://api.freeagent.com/v2/contacts/new"),
    ]  # fmt: skip
    freeagent.read()
    found = contacts_of(freeagent.ctx, freeagent.source)
    assert set(found) == {"Contact 25", "Contact 26"}
    one = found["Contact 25"]
    assert (one.reference, one.kind, one.company, one.person) == ("25", "", one.name, "Jo Hill")
    assert (one.email, one.other_emails) == ("jo@hill.example", ["bills@hill.example"])
    assert (one.address, one.town, one.postcode) == ("1 High St\nAnnexe", "Leeds", "LS1 1AA")
    assert one.phones == ["0113 496 0018", "07700 900123"]
    assert found["Contact 26"].state is ContactState.ARCHIVED
    assert freeagent.source.organisation == "office"


@pytest.mark.parametrize(
    "elsewhere",
    ["http://169.254.169.254/latest", "http://127.0.0.1:9/v2/contacts", "file:///etc/passwd",
     "https://api.freeagent.com@evil.example/v2/contacts"],
)  # fmt: skip
def test_a_next_link_to_another_host_is_never_followed(
    freeagent: ConnectedPackage, elsewhere: str
) -> None:
    freeagent.fake.entries = [freeagent_entry(number) for number in range(1, 4)]
    freeagent.fake.page_size, freeagent.fake.next_link = 2, lambda _url: elsewhere
    assert freeagent.read() == "source-unreadable"
    assert len(contacts_of(freeagent.ctx, freeagent.source)) == 2


def test_sages_reference_is_the_number_of_its_page_and_not_its_id(sage: ConnectedPackage) -> None:
    person = {"name": "Jo Hill", "email": "jo@hill.example", "telephone": "0113 496 0018"}
    address = {"address_line_1": "1 High St", "city": "Leeds", "postal_code": "LS1 1AA"}
    sage.fake.entries = [
        sage_entry(4471, main_contact_person=person, main_address=address, reference="HILL"),
        sage_entry(4472, contact_types=[{"id": "VENDOR"}]),
        sage_entry(4473, contact_types=[{"id": "VENDOR"}, {"id": "CUSTOMER"}]),
        sage_entry(4474, links=[{"href": "https://x.example/4474", "rel": "self"}]),
    ]
    sage.read()
    found = contacts_of(sage.ctx, sage.source)
    assert {name: (each.reference, each.kind) for name, each in found.items()} == {
        "Contact 4471": ("4471", "customer"),
        "Contact 4472": ("4472", "supplier"),
        "Contact 4473": ("4473", ""),
    }  # without a page's address there is no reference
    one = found["Contact 4471"]
    assert (one.person, one.email, one.postcode, one.code) == (
        "Jo Hill", "jo@hill.example", "LS1 1AA", "HILL",
    )  # fmt: skip


def test_a_contact_that_was_deleted_in_sage_is_noticed_with_the_changes(
    sage: ConnectedPackage,
) -> None:
    sage.fake.entries = [sage_entry(1), sage_entry(2)]
    sage.read()
    sage.fake.entries[0] |= {"deleted_at": LATER}
    sage.read()
    states = {name: each.state for name, each in contacts_of(sage.ctx, sage.source).items()}
    assert states == {"Contact 1": ContactState.DELETED, "Contact 2": ContactState.ACTIVE}


def test_quickbooks_customer_and_vendor_of_one_number_are_two(quickbooks: ConnectedPackage) -> None:
    quickbooks.fake.entries = [
        quickbooks_entry(12, PrimaryEmailAddr={"Address": "jo@hill.example"},
                         BillAddr={"Line1": "1 High St", "City": "Leeds", "PostalCode": "LS1 1AA"}),
        quickbooks_entry(12, "Vendor", Active=False, AcctNum="V-12"),
    ]  # fmt: skip
    quickbooks.read()
    found = contacts_of(quickbooks.ctx, quickbooks.source)
    assert [(each.reference, each.kind, each.state) for _, each in sorted(found.items())] == [
        ("12", "customer", ContactState.ACTIVE),
        ("12", "supplier", ContactState.ARCHIVED),
    ]
    assert found["Customer 12"].email == "jo@hill.example"
    assert quickbooks.source.organisation == REALM


@pytest.mark.parametrize("realm", ["", "12/../13", "\uff11\uff12"])
def test_a_realm_that_is_no_number_is_refused(
    installation: Installation, device: Device, realm: str
) -> None:
    with fake_quickbooks() as fake:
        ctx = sources_at(installation, fake.server.package("quickbooks_online"))
        client = Credentials(CLIENT_ID, CLIENT_SECRET)
        url = begin_sign_in(ctx, device, "quickbooks_online", client, REDIRECT)
        with pytest.raises(SignInDenied):
            finish_sign_in(ctx, device, fake.server.consent(url) | {"realmId": realm})


def test_a_wrong_secret_connects_nothing(installation: Installation, device: Device) -> None:
    with fake_sage() as fake:
        ctx = sources_at(installation, fake.server.package("sage_business_cloud"))
        client = Credentials(CLIENT_ID, "wrong")
        url = begin_sign_in(ctx, device, "sage_business_cloud", client, REDIRECT)
        with pytest.raises(SignInDenied):
            finish_sign_in(ctx, device, fake.server.consent(url))


def test_addresses_of_an_operator_are_https_or_of_this_computer() -> None:
    changed = with_addresses({"xero": {"api": "https://proxy.firm.example/"}})
    assert changed["xero"].addresses.api == "https://proxy.firm.example"
    assert changed["xero"].addresses.token == PACKAGES["xero"].addresses.token
    for wrong in ({"api": "http://proxy.firm.example"}, {"other": "https://a.example"}):
        with pytest.raises(UnsafeAddress):
            with_addresses({"xero": wrong})
    with pytest.raises(UnsafeAddress):
        with_addresses({"zebra": {}})


def test_an_origin_is_compared_in_one_form() -> None:
    assert origin("https://API.xero.com:443/a") == origin("https://api.xero.com")
    for other in ("https://api.xero.com@evil.example", "http://api.xero.com",
                  "https://api.xero.com:8443", "https://api.xero.com.evil.example"):  # fmt: skip
        assert origin(other) != origin("https://api.xero.com")
