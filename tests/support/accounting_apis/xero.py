"""Xero, imitated: every request and every answer is held against Xero's published documents."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from flask import Flask, Response, jsonify, request

from support.accounting_apis.oauth_server import OAuthState, needs_token
from support.accounting_apis.servers import PackageServer, running
from support.accounting_apis.specification import check_answer, check_request

CONTACTS, IDENTITY = "xero/contacts.yaml", "xero/identity.yaml"
OFFICE, SHOP = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakeXero:
    """Its contacts by tenant, and its server."""

    contacts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    connections: dict[str, str] = field(default_factory=dict)  # tenant by connection
    day_calls_left: int = 1000
    page_size: int | None = None  # smaller than asked for
    server: PackageServer = field(init=False)

    def add(self, name: str, tenant: str = OFFICE, **more: Any) -> dict[str, Any]:
        """Add a contact; returns its entry, which a test may change."""
        contact = {
            "ContactID": str(uuid.uuid4()), "ContactStatus": "ACTIVE", "Name": name,
            "IsCustomer": True, "IsSupplier": False, "UpdatedDateUTC": ms_date(START),
        } | more  # fmt: skip
        self.contacts.setdefault(tenant, []).append(contact)
        return contact


def ms_date(moment: datetime) -> str:
    """A time as Xero writes it."""
    return f"/Date({int(moment.timestamp() * 1000)}+0000)/"


def full_contact() -> dict[str, Any]:
    """Everything that a contact may have."""
    return {
        "FirstName": "Margaret", "LastName": "Holloway",
        "EmailAddress": "m.holloway@home.example", "AccountNumber": "A-17",
        "ContactPersons": [{"FirstName": "Jo", "EmailAddress": "jo@home.example"}],
        "Addresses": [
            {"AddressType": "POBOX", "AddressLine1": "PO Box 5", "City": "Leeds",
             "PostalCode": "LS1 1AA"},
            {"AddressType": "STREET", "AddressLine1": "12 Mill Lane", "AddressLine2": "Flat 2",
             "City": "Otley", "PostalCode": "LS21 1AB"},
        ],
        "Phones": [
            {"PhoneType": "DEFAULT", "PhoneNumber": "496 0018", "PhoneAreaCode": "0113",
             "PhoneCountryCode": "44"},
            {"PhoneType": "FAX", "PhoneNumber": "496 0019"},
        ],
    }  # fmt: skip


@contextmanager
def fake_xero() -> Iterator[FakeXero]:
    """Xero while it runs."""
    app, oauth, xero = Flask(__name__), OAuthState(auth="none"), FakeXero()
    xero.connections = {str(uuid.uuid4()): OFFICE, str(uuid.uuid4()): SHOP}

    @app.get("/connections")
    @needs_token(oauth)
    def connections() -> Any:
        check_request(IDENTITY, "/Connections", request)
        found = [
            {"id": each, "tenantId": tenant, "tenantType": "ORGANISATION",
             "tenantName": {OFFICE: "Office Ltd", SHOP: "Shop Ltd"}[tenant]}
            for each, tenant in xero.connections.items()
        ]  # fmt: skip
        found.append({"id": str(uuid.uuid4()), "tenantId": str(uuid.uuid4()),
                      "tenantType": "PRACTICE", "tenantName": "An accountant"})  # fmt: skip
        for each in found:
            check_answer(IDENTITY, "Connection", each)
        return jsonify(found)

    @app.delete("/connections/<connection_id>")
    @needs_token(oauth)
    def disconnect(connection_id: str) -> Any:
        check_request(IDENTITY, "/Connections/{id}", request)
        return "", 204 if xero.connections.pop(connection_id, None) else 404

    @app.get("/api.xro/2.0/Contacts")
    @needs_token(oauth)
    def contacts() -> Any:
        check_request(CONTACTS, "/Contacts", request)
        tenant = request.headers["xero-tenant-id"]
        if tenant not in xero.connections.values():
            return Response("no", 403)
        found = xero.contacts.get(tenant, [])
        if request.args.get("includeArchived") != "true":
            found = [each for each in found if each["ContactStatus"] == "ACTIVE"]
        if since := request.headers.get("If-Modified-Since"):
            begin = int(parsedate_to_datetime(since).timestamp() * 1000)
            found = [each for each in found if int(each["UpdatedDateUTC"][6:19]) >= begin]
        if request.args.get("order") == "ContactID ASC":
            found = sorted(found, key=lambda each: str(each["ContactID"]))
        size = min(int(request.args["pageSize"]), xero.page_size or 1000)
        page = int(request.args["page"])
        answer = {
            "pagination": {"page": page, "pageSize": size, "itemCount": len(found),
                           "pageCount": -(-len(found) // size)},
            "Contacts": found[(page - 1) * size : page * size],
        }  # fmt: skip
        check_answer(CONTACTS, "Contacts", answer)
        xero.day_calls_left -= 1
        reply = jsonify(answer)
        reply.headers["X-DayLimit-Remaining"] = str(xero.day_calls_left)
        return reply

    with running(app, oauth) as server:
        xero.server = server
        yield xero
