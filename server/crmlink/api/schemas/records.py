"""Schemas of one record, and of the contacts suggested for it."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from crmlink.api.schemas.common import (
    LinkSchema,
    ReasonSchema,
    RecordSchema,
    ShownContactSchema,
    shown_connection,
)
from crmlink.web.strict_parsing import QueryInteger


class ReadRecordQuerySchema(Schema):
    """Query of one record."""

    now = fields.Boolean(
        load_default=False,
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Read it from Commusoft first."},
    )


class ReadRecordSchema(Schema):
    """One record as crmlink has it, and what linked it."""

    connection_id = shown_connection()
    record = fields.Nested(RecordSchema)
    synced_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "When the records were read last."}
    )
    link = fields.Nested(
        LinkSchema,
        allow_none=True,
        metadata={"description": "What put the present reference on it, where crmlink did."},
    )
    open_link = fields.Nested(
        LinkSchema, allow_none=True, metadata={"description": "A link without an outcome yet."}
    )
    url = fields.String(metadata={"description": "Its page in Commusoft."})


class RecordContactsQuerySchema(Schema):
    """Query of the contacts for a record."""

    limit = QueryInteger(load_default=5, validate=validate.Range(1, 20))


class KnownContactSchema(ShownContactSchema):
    """One contact, as its list has it."""

    package = fields.String()
    package_name = fields.String()
    organisation = fields.String(allow_none=True)


class ContactListSchema(Schema):
    """The list that a contact is in; of a live contact its company."""

    id = fields.String(metadata={"description": "Empty for a live contact."})
    name = fields.String()
    position = fields.Integer(metadata={"description": "0 for a live contact."})


class ContactSuggestionSchema(Schema):
    """One contact suggested for a record."""

    contact = fields.Nested(KnownContactSchema)
    probability = fields.Float()
    sure = fields.Boolean()
    reasons = fields.List(fields.Nested(ReasonSchema))
    list = fields.Nested(ContactListSchema)
    holder = fields.Nested(
        RecordSchema,
        allow_none=True,
        metadata={"description": "The record that has the contact's reference already."},
    )
    chosen = fields.Nested(
        RecordSchema,
        allow_none=True,
        metadata={"description": "The record that its list's review has given the contact to."},
    )


class RecordContactsSchema(Schema):
    """Contacts that a record may be of, likeliest first."""

    connection_id = shown_connection()
    record = fields.Nested(RecordSchema)
    known = fields.Integer(
        metadata={"description": "Contacts of all lists that are not linked; 0: none are known."}
    )
    compared = fields.Integer(
        metadata={"description": "Contacts compared with the record, of the newest lists."}
    )
    suggestions = fields.List(fields.Nested(ContactSuggestionSchema))
