"""A record's contacts come from live sources too, as far as no list has them."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from crmlink.access.context import AccessContext
from crmlink.installation import Installation
from crmlink.store import (
    BatchRow,
    Choice,
    ContactSource,
    ContactState,
    MirroredRecord,
    SourceAccount,
    SourceContact,
)
from support.access_factories import make_token, with_token
from support.sandbox import HOLLOWAY, OTHER


@pytest.fixture
def script(app: Any, installation: Installation) -> FlaskClient:
    return with_token(app, make_token(installation.access, "suggest", "batch"))


def keep(access: AccessContext, record: MirroredRecord, **more: Any) -> SourceContact:
    """A live contact with a record's own details."""
    with access.database.writing() as session:
        source = session.query(ContactSource).one_or_none()
        if source is None:
            account = SourceAccount(workspace_id=access.workspace_id, package="xero")
            source = ContactSource(
                workspace_id=access.workspace_id, package="xero", tenant="t", name="Office Ltd",
                account=account,
            )  # fmt: skip
            session.add_all([account, source])
            session.flush()
        source.version += 1
        details = {
            "name": record.label, "email": record.email, "phones": record.phones,
            "address": record.address, "town": record.town, "postcode": record.postcode,
        }  # fmt: skip
        values = {"reference": HOLLOWAY, "kind": "customer", "version": source.version} | more
        contact = SourceContact(source_id=source.id, **details | {"key": values["reference"]}
                                | values)  # fmt: skip
        session.add(contact)
    return contact


@pytest.fixture
def record(installation: Installation) -> MirroredRecord:
    with installation.database.reading() as session:
        return session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()


def asked(script: FlaskClient) -> Any:
    reply = script.get("/api/v1/records/customer-1001/contacts")
    assert reply.status_code == 200, reply.get_json()
    return reply.get_json()


@pytest.mark.parametrize("kind", ["supplier", "customer", ""])
def test_the_kind_of_a_live_contact_is_the_likely_one(
    script: FlaskClient, installation: Installation, record: MirroredRecord, kind: str
) -> None:
    keep(installation.access, record, kind=kind)
    contact = {"package": "xero", "reference": HOLLOWAY, "name": record.label,
               "email": record.email}  # fmt: skip
    answer = script.post("/api/v1/suggestions", json=contact).get_json()
    assert answer["suggestions"][0]["record"]["id"] == "customer-1001"
    assert answer["likely_kind"] == (kind or "customer")


def test_a_live_contact_is_suggested_with_its_reference(
    script: FlaskClient, installation: Installation, record: MirroredRecord
) -> None:
    assert asked(script)["known"] == 0
    keep(installation.access, record)
    answer = asked(script)
    assert (answer["known"], answer["compared"]) == (1, 1)
    [best] = answer["suggestions"]
    assert best["contact"]["reference"] == HOLLOWAY
    assert best["contact"]["package"] == "xero"
    assert best["sure"]
    assert best["list"] == {"id": "", "name": "Office Ltd", "position": 0}


@pytest.mark.parametrize("state", [ContactState.ARCHIVED, ContactState.MERGED,
                                   ContactState.DELETED])  # fmt: skip
def test_only_contacts_in_use_are_suggested(
    script: FlaskClient, installation: Installation, record: MirroredRecord, state: ContactState
) -> None:
    contact = keep(installation.access, record)
    assert asked(script)["suggestions"]
    with installation.database.writing() as session:
        changed = update(SourceContact).values(state=state, version=contact.version + 1)
        session.execute(changed)
        session.execute(update(ContactSource).values(version=ContactSource.version + 1))
    assert asked(script)["suggestions"] == []


def test_a_change_and_an_end_are_followed(
    script: FlaskClient, installation: Installation, record: MirroredRecord
) -> None:
    keep(installation.access, record)
    asked(script)
    with installation.database.writing() as session:
        session.execute(update(ContactSource).values(version=9))
        session.execute(update(SourceContact).values(name="Renamed Ltd", version=9))
    assert asked(script)["suggestions"][0]["contact"]["name"] == "Renamed Ltd"
    with installation.database.writing() as session:
        session.execute(delete(SourceContact))
        session.execute(delete(ContactSource))
    assert asked(script)["suggestions"] == []


def test_two_live_contacts_that_fit_alike_are_not_sure(
    script: FlaskClient, installation: Installation, record: MirroredRecord
) -> None:
    keep(installation.access, record)
    keep(installation.access, record, reference=OTHER)
    assert not any(each["sure"] for each in asked(script)["suggestions"])


def test_a_contact_of_a_list_counts_once_and_with_what_was_decided(
    script: FlaskClient, installation: Installation, record: MirroredRecord
) -> None:
    """The list's row may have been given to another record; its live copy must not hide that."""
    keep(installation.access, record, kind="")
    contact = {"reference": HOLLOWAY, "name": record.label, "email": record.email,
               "postcode": record.postcode, "address": record.address}  # fmt: skip
    body = {"package": "xero", "organisation": "!kR4N6", "kind": "customer", "contacts": [contact]}
    assert script.post("/api/v1/batches", json=body).status_code == 201
    with installation.database.writing() as session:
        chosen = {"choice": Choice.RECORD, "record_id": "customer-1002"}
        session.execute(update(BatchRow).values(**chosen))
    answer = asked(script)
    assert answer["known"] == 1
    [best] = answer["suggestions"]
    assert best["list"]["id"]
    assert best["chosen"]["id"] == "customer-1002"
    assert not best["sure"]
