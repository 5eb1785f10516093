"""What the API takes and gives, all in one place."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from crmlink.kinds import KINDS
from crmlink.store import LinkState
from crmlink.web.strict_parsing import WholeText, YesNo

KIND = validate.OneOf(KINDS)


def text(length: int, **kwargs: Any) -> fields.String:
    """A text of up to ``length`` characters."""
    return fields.String(validate=validate.Length(max=length), **kwargs)


class ProblemSchema(Schema):
    """RFC 9457 problem details; the members after the first five belong to some types only."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.String(), metadata={"description": "One for each wrong field."})
    error = fields.String(metadata={"description": "RFC 6749's word, where tokens are asked for."})
    record = fields.Nested("RecordSchema")
    holders = fields.List(fields.Nested("RecordSchema"))
    current_reference = fields.String(allow_none=True)
    link = fields.Nested("LinkSchema")
    by = fields.String(allow_none=True)
    since = fields.AwareDateTime(allow_none=True)
    retry_after = fields.Float(allow_none=True, metadata={"description": "Seconds."})
    state = fields.String(metadata={"description": "In which a list or its row is now."})
    choice = fields.String(allow_none=True)
    contact = fields.String(allow_none=True)
    contacts = fields.Integer()
    position = fields.Integer(allow_none=True)


class AddressSchema(Schema):
    """One postal address beside the first."""

    address = text(500, load_default="", metadata={"description": "Its lines, but for these:"})
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


class RecordsSchema(Schema):
    records = fields.List(fields.Nested(RecordSchema))


class RecordQuerySchema(Schema):
    q = text(200, required=True)
    kind = fields.String(validate=KIND)
    limit = WholeText(load_default=20, validate=validate.Range(1, 100))


class ContactIdentitySchema(Schema):
    """Which contact it is; the reference in whatever spelling, it is made canonical."""

    package = text(40, required=True)
    reference = text(200, required=True)
    organisation = text(200, allow_none=True, load_default=None)


class ContactSchema(ContactIdentitySchema):
    """A contact as it was read from its page; all but its identity may be missing."""

    kind = fields.String(validate=KIND, allow_none=True, load_default=None)
    name = text(300, load_default="")
    company = text(300, load_default="")
    person = text(300, load_default="")
    email = text(320, load_default="")
    phones = fields.List(text(200), validate=validate.Length(max=10), load_default=list)
    address = text(500, load_default="")
    town = text(200, load_default="")
    postcode = text(20, load_default="")
    other_emails = fields.List(text(320), validate=validate.Length(max=10), load_default=list)
    other_addresses = fields.List(
        fields.Nested(AddressSchema), validate=validate.Length(max=5), load_default=list
    )
    retired = YesNo(
        load_default=False,
        metadata={"description": "The package marks the contact as no longer in use."},
    )


class ReasonSchema(Schema):
    code = fields.String()
    text = fields.String()
    agrees = fields.Boolean(allow_none=True)  # null for a note about the other records


class SuggestionSchema(Schema):
    record = fields.Nested(RecordSchema)
    probability = fields.Float()
    sure = fields.Boolean()
    reasons = fields.List(fields.Nested(ReasonSchema))


class KnownContactSchema(Schema):
    package = fields.String()
    package_name = fields.String()
    kind = fields.String(allow_none=True)
    reference = fields.String()
    organisation = fields.String(allow_none=True)


class FailureSchema(Schema):
    type = fields.String()
    detail = fields.String()


class LinkSchema(Schema):
    """One decision to put a reference on a record, and how far it has come."""

    id = fields.String()
    state = fields.String(validate=validate.OneOf([state.value for state in LinkState]))
    kind = fields.String()
    package = fields.String()
    organisation = fields.String(allow_none=True)
    reference = fields.String(
        allow_none=True, metadata={"description": "What is to stand on the record; null clears it."}
    )
    contact_reference = fields.String()
    contact_name = fields.String()
    record = fields.Nested(RecordSchema)
    prior_reference = fields.String(allow_none=True)
    differences = fields.List(fields.Nested("DifferenceSchema"))
    created_at = fields.AwareDateTime()
    settled_at = fields.AwareDateTime(allow_none=True)
    by = fields.String()
    failure = fields.Nested(FailureSchema, allow_none=True)
    undoes = fields.String(allow_none=True)
    undone_by = fields.String(allow_none=True)
    can_undo = fields.Boolean()


class OfferSchema(Schema):
    contact = fields.Nested(KnownContactSchema)
    likely_kind = fields.String()
    suggestions = fields.List(fields.Nested(SuggestionSchema))
    none = fields.Float(metadata={"description": "The probability that no record fits."})
    holders = fields.List(fields.Nested(RecordSchema))
    link = fields.Nested(LinkSchema, allow_none=True)


class DifferenceSchema(Schema):
    """A field that differs between contact and record, as the person saw it."""

    field = text(20, required=True)
    contact = text(500, required=True)
    record = text(500, required=True)


class DecisionSchema(ContactIdentitySchema):
    """A person's decision; the last four are what they saw and agreed to, if anything."""

    kind = fields.String(required=True, validate=KIND)
    contact_name = text(300, load_default="")
    record_id = text(100, required=True)
    replaces = text(200, allow_none=True, load_default=None)
    also_on = fields.List(text(100), validate=validate.Length(max=50), load_default=list)
    checked_empty = YesNo(load_default=False)
    differences = fields.List(
        fields.Nested(DifferenceSchema), validate=validate.Length(max=10), load_default=list
    )


class UndoSchema(Schema):
    also_on = fields.List(text(100), validate=validate.Length(max=50), load_default=list)


class LinkQuerySchema(Schema):
    state = fields.Enum(LinkState, by_value=True)
    limit = WholeText(load_default=50, validate=validate.Range(1, 200))
    cursor = text(64)


class LinksSchema(Schema):
    links = fields.List(fields.Nested(LinkSchema))
    next = fields.String(allow_none=True)


class ActingDeviceSchema(Schema):
    id = fields.String()
    name = fields.String()
    scopes = fields.List(fields.String(), metadata={"description": "What it may do now."})
    expires_at = fields.AwareDateTime(
        metadata={"description": "A paired browser's moves on with use, a token's does not."}
    )


class ActingPersonSchema(Schema):
    name = fields.String()
    role = fields.String()


class CommusoftSchema(Schema):
    sandbox = fields.Boolean()
    web_url = fields.String()


class MirrorSchema(Schema):
    customers = fields.Integer()
    suppliers = fields.Integer()
    synced_at = fields.AwareDateTime(allow_none=True)
    syncing = fields.Boolean()


class WorkspaceSchema(Schema):
    """Where the caller is: its device, the Commusoft account and how fresh the mirror is."""

    name = fields.String()
    device = fields.Nested(ActingDeviceSchema)
    person = fields.Nested(ActingPersonSchema, allow_none=True)
    commusoft = fields.Nested(CommusoftSchema)
    mirror = fields.Nested(MirrorSchema)


class HostSchema(Schema):
    host = text(260, required=True)


class HostsSchema(Schema):
    hosts = fields.List(fields.String())
