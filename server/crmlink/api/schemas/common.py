"""Schemas of records, contacts, suggestions and links."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from crmlink.kinds import KINDS
from crmlink.linking.on_page import SeenOnPage
from crmlink.linking.overrides import Overrides
from crmlink.store import LinkMethod, LinkState
from crmlink.web.strict_parsing import QueryInteger, StrictBoolean

KIND = validate.OneOf(KINDS)


def text(length: int, **kwargs: Any) -> fields.String:
    """Return a field for text of at most ``length`` characters."""
    return fields.String(validate=validate.Length(max=length), **kwargs)


class AddressSchema(Schema):
    """One further postal address."""

    address = text(500, load_default="", metadata={"description": "Its lines, but for these."})
    town = text(200, load_default="")
    postcode = text(60, load_default="")


class RecordSchema(Schema):
    """One Commusoft customer or supplier."""

    id = fields.String()
    kind = fields.String()
    label = fields.String(metadata={"description": "The company, or else the person."})
    name = fields.String()
    company = fields.String()
    email = fields.String()
    phones = fields.List(fields.String())
    address = fields.String()
    town = fields.String()
    postcode = fields.String()
    account_number = fields.String()
    other_emails = fields.List(fields.String())
    other_addresses = fields.List(fields.Nested(AddressSchema))
    reference = fields.String(allow_none=True)
    page_url = fields.String(metadata={"description": "Its page in Commusoft."})


CONNECTION = "Which Commusoft its records are of: a decision about one of them has to name it."
CONNECTION_NEEDED = (
    "Name the Commusoft account this was decided for, as in GET /workspace and suggestions. An "
    "extension that does not is too old: update it."
)


def shown_connection() -> fields.String:
    """Return the field for the connection of a response's records."""
    return fields.String(metadata={"description": CONNECTION})


class SeenOnPageSchema(Schema):
    """What the record's page showed just before."""

    reference = text(200, required=True, allow_none=True)


def shown_on_page() -> fields.Nested:
    """Return the field for what the record's page showed, of a workspace that writes there."""
    return fields.Nested(SeenOnPageSchema, allow_none=True, load_default=None)


class RecordsSchema(Schema):
    """Records."""

    connection_id = shown_connection()
    records = fields.List(fields.Nested(RecordSchema))


class RecordQuerySchema(Schema):
    """Search of records."""

    q = text(200, required=True)
    kind = fields.String(validate=KIND)
    limit = QueryInteger(load_default=20, validate=validate.Range(1, 100))


class ContactIdentitySchema(Schema):
    """Identity of a contact; the reference may have any spelling."""

    package = text(40, required=True)
    reference = text(200, required=True)
    organisation = text(200, allow_none=True, load_default=None)


class EnteredDetailsSchema(Schema):
    """What a page, a list or a file says of a contact or a record, kind apart."""

    name = text(300, load_default="")
    company = text(300, load_default="")
    person = text(300, load_default="")
    email = text(320, load_default="")
    phones = fields.List(text(200), validate=validate.Length(max=10), load_default=list)
    address = text(500, load_default="")
    town = text(200, load_default="")
    postcode = text(60, load_default="")
    other_emails = fields.List(text(320), validate=validate.Length(max=10), load_default=list)
    other_addresses = fields.List(
        fields.Nested(AddressSchema), validate=validate.Length(max=5), load_default=list
    )


class ContactDetailsSchema(EnteredDetailsSchema):
    """What a page, a list or a file says of a contact; see `ContactDetails`."""

    kind = fields.String(validate=KIND, allow_none=True, load_default=None)
    retired = StrictBoolean(
        load_default=False,
        metadata={"description": "The package marks the contact as no longer in use."},
    )


class ShownContactSchema(Schema):
    """One contact of a list, as shown."""

    reference = fields.String()
    kind = fields.String(allow_none=True)
    label = fields.String()
    name = fields.String()
    company = fields.String()
    person = fields.String()
    email = fields.String()
    phones = fields.List(fields.String())
    address = fields.String()
    town = fields.String()
    postcode = fields.String()
    other_emails = fields.List(fields.String())
    other_addresses = fields.List(fields.Nested(AddressSchema))
    retired = fields.Boolean(
        metadata={"description": "The package marks the contact as no longer in use."}
    )


class ContactSchema(ContactIdentitySchema, ContactDetailsSchema):
    """A contact as read from its page; only its identity is required."""

    postcode = text(20, load_default="")


class ReasonSchema(Schema):
    """One reason for a suggestion."""

    code = fields.String()
    text = fields.String()
    agrees = fields.Boolean(allow_none=True)  # null for a note about the other records


class SuggestionSchema(Schema):
    """One suggested record."""

    record = fields.Nested(RecordSchema)
    probability = fields.Float()
    sure = fields.Boolean()
    reasons = fields.List(fields.Nested(ReasonSchema))


class ContactEchoSchema(Schema):
    """The contact as understood by the server."""

    package = fields.String()
    package_name = fields.String()
    kind = fields.String(allow_none=True)
    reference = fields.String()
    organisation = fields.String(allow_none=True)


class FailureSchema(Schema):
    """Reason of a failure."""

    type = fields.String()
    detail = fields.String()


class LinkSchema(Schema):
    """One decision to write a reference to a record, and its state."""

    id = fields.String()
    state = fields.String(validate=validate.OneOf([state.value for state in LinkState]))
    kind = fields.String(metadata={"description": "The record's."})
    contact_kind = fields.String()
    package = fields.String()
    organisation = fields.String(allow_none=True)
    reference = fields.String(
        allow_none=True,
        metadata={"description": "The reference to put on the record; null clears it."},
    )
    contact_reference = fields.String()
    contact_name = fields.String()
    record = fields.Nested(RecordSchema)
    record_version = fields.Integer(
        metadata={"description": "Grows with what is learnt of the record; for observations."}
    )
    prior_reference = fields.String(allow_none=True)
    differences = fields.List(fields.Nested("DifferenceSchema"))
    created_at = fields.AwareDateTime()
    settled_at = fields.AwareDateTime(allow_none=True)
    by = fields.String()
    failure = fields.Nested(FailureSchema, allow_none=True)
    undoes = fields.String(allow_none=True)
    undone_by = fields.String(allow_none=True)
    can_undo = fields.Boolean()
    method = fields.String(
        validate=validate.OneOf([method.value for method in LinkMethod]),
        metadata={"description": "By Commusoft's API, or on its own pages, where a person saves."},
    )


class ParkedContactSchema(Schema):
    """A contact for which there is no record yet."""

    id = fields.String()
    package = fields.String()
    kind = fields.String(allow_none=True)
    reference = fields.String()
    organisation = fields.String(allow_none=True)
    name = fields.String()
    company = fields.String()
    email = fields.String()
    phones = fields.List(fields.String())
    address = fields.String()
    town = fields.String()
    postcode = fields.String()
    by = fields.String()
    created_at = fields.AwareDateTime()


class ParkedContactsSchema(Schema):
    """Parked contacts."""

    contacts = fields.List(fields.Nested(ParkedContactSchema))


class SuggestionResultSchema(Schema):
    """Suggestions for a contact."""

    connection_id = shown_connection()
    contact = fields.Nested(ContactEchoSchema)
    likely_kind = fields.String()
    suggestions = fields.List(fields.Nested(SuggestionSchema))
    none = fields.Float(metadata={"description": "The probability that no record fits."})
    holders = fields.List(fields.Nested(RecordSchema))
    holder_links = fields.List(
        fields.Nested(LinkSchema),
        metadata={"description": "What put the reference on the holders, where crmlink did."},
    )
    link = fields.Nested(LinkSchema, allow_none=True)
    parked = fields.Nested(
        ParkedContactSchema,
        allow_none=True,
        metadata={"description": "The contact's entry in the list of those without a record."},
    )


class DifferenceSchema(Schema):
    """A field that differs between contact and record, as shown to the user."""

    field = text(20, required=True)
    contact = text(500, required=True)
    record = text(500, required=True)


class OverridesSchema(Schema):
    """Explicit overrides of a user; none is ever assumed."""

    replaces = text(200, allow_none=True, load_default=None)
    also_on = fields.List(text(100), validate=validate.Length(max=50), load_default=list)
    checked_empty = StrictBoolean(load_default=False)
    accepts_kind = StrictBoolean(
        load_default=False,
        metadata={"description": "The record is a customer, the contact a supplier, or reversed."},
    )


def seen_of(body: dict[str, Any]) -> SeenOnPage | None:
    """Return what a decision's body says that the record's page showed."""
    seen = body["seen"]
    return SeenOnPage.of(seen["reference"]) if seen else None


def overrides_of(body: dict[str, Any]) -> Overrides:
    """Return the overrides of a decision's body (`OverridesSchema`)."""
    return Overrides(
        replaces=body["replaces"],
        also_on=frozenset(body["also_on"]),
        checked_empty=body["checked_empty"],
        accepts_kind=body["accepts_kind"],
    )


class DecisionSchema(ContactIdentitySchema, OverridesSchema):
    """A user's decision, with the differences they saw and accepted."""

    kind = fields.String(
        required=True, validate=KIND, metadata={"description": "What the contact is."}
    )
    contact_name = text(300, load_default="")
    connection_id = text(
        100,
        required=True,
        error_messages={"required": CONNECTION_NEEDED},
        metadata={"description": "The connection that the record was shown of."},
    )
    record_id = text(100, required=True)
    differences = fields.List(
        fields.Nested(DifferenceSchema), validate=validate.Length(max=10), load_default=list
    )
    seen = shown_on_page()


class UndoSchema(Schema):
    """An undo."""

    connection_id = text(
        100,
        load_default=None,
        metadata={"description": "The connection that the link was shown of, where it is known."},
    )
    also_on = fields.List(text(100), validate=validate.Length(max=50), load_default=list)
    seen = shown_on_page()


class LinkQuerySchema(Schema):
    """Query of links."""

    state = fields.Enum(LinkState, by_value=True)
    method = fields.Enum(LinkMethod, by_value=True)
    record_id = text(100)
    limit = QueryInteger(load_default=50, validate=validate.Range(1, 200))
    cursor = text(64)


class LinksSchema(Schema):
    """Links."""

    links = fields.List(fields.Nested(LinkSchema))
    next = fields.String(allow_none=True)
