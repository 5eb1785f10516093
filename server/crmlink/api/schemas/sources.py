"""Schemas of contacts that an agent brings."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from crmlink.api.schemas.common import KIND, text
from crmlink.store import ContactState
from crmlink.web.strict_parsing import StrictBoolean, StrictInteger

MAX_CONTACTS = 1_000  # in one part
MAX_PARTS = 1_000
STATES = (ContactState.ACTIVE.value, ContactState.ARCHIVED.value, ContactState.DELETED.value)


class BroughtContactSchema(Schema):
    """One contact, as a ledger has it."""

    kind = fields.String(required=True, validate=KIND)
    reference = text(200, required=True)
    name = text(300, load_default="")
    person = text(300, load_default="")
    address = text(500, load_default="")
    town = text(200, load_default="")
    postcode = text(60, load_default="")
    phones = fields.List(text(200), validate=validate.Length(max=10), load_default=list)
    emails = fields.List(text(320), validate=validate.Length(max=10), load_default=list)
    state = fields.String(load_default="active", validate=validate.OneOf(STATES))


class BroughtContactsSchema(Schema):
    """One part of a complete list of a company's contacts."""

    company = fields.String(
        required=True,
        validate=validate.Regexp(r"(?=.*\S).{1,200}\Z"),
        metadata={"description": "Its name, the same each time: another one is another company."},
    )
    reading = fields.String(
        required=True,
        validate=validate.Regexp(r"[A-Za-z0-9_-]{8,64}\Z"),
        metadata={"description": "Chosen by the client, the same for all parts of a list."},
    )
    data = fields.String(
        load_default="",
        validate=validate.Regexp(r"[A-Za-z0-9_-]{0,64}\Z"),
        metadata={"description": "What tells its data from that of another company of its name."},
    )
    moved = StrictBoolean(
        load_default=False,
        metadata={"description": "Its data is at another place now, and has another name there."},
    )
    part = StrictInteger(required=True, validate=validate.Range(1, MAX_PARTS))
    last = StrictBoolean(required=True)
    contacts = fields.List(
        fields.Nested(BroughtContactSchema),
        required=True,
        validate=validate.Length(max=MAX_CONTACTS),
    )


class BroughtResultSchema(Schema):
    """How far the list has come."""

    contacts = fields.Integer(metadata={"description": "Of this list, until now."})
    complete = fields.Boolean()
