"""Schemas of what is written and seen on Commusoft's own pages."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from crmlink.api.schemas.common import (
    CONNECTION,
    FailureSchema,
    LinkSchema,
    RecordSchema,
    shown_connection,
    text,
)
from crmlink.store import LinkState, Writes
from crmlink.web.strict_parsing import QueryInteger, StrictBoolean, StrictInteger

MAX_ROWS = 500  # of a table, in one request
STAGE = validate.OneOf(["before", "after"])


VERSION = "As the server had it when the page was opened: from the link, or the answer before."


class ObservationSchema(Schema):
    """What a record's page showed, before it was filled or after the person saved."""

    connection_id = text(100, required=True, metadata={"description": CONNECTION})
    stage = fields.String(required=True, validate=STAGE)
    value = text(200, required=True, allow_none=True)
    replaces = text(
        200,
        allow_none=True,
        load_default=None,
        metadata={"description": "The other reference that the person has agreed to replace."},
    )
    record_version = StrictInteger(
        allow_none=True, load_default=None, metadata={"description": VERSION}
    )


class ObservedSchema(LinkSchema):
    """The link after an observation."""

    fill = fields.Boolean(metadata={"description": "The page may be filled with it now."})


class WithdrawalSchema(Schema):
    """The end of a link that waits on a page; `value` is what the page shows, if it was read."""

    connection_id = text(100, required=True, metadata={"description": CONNECTION})
    value = text(200, allow_none=True)


class WritesSchema(Schema):
    """How the workspace writes references."""

    writes = fields.Enum(Writes, by_value=True, required=True)


class ShownFieldSchema(Schema):
    """The field of the reference on the pages of one kind of record."""

    host = text(260, required=True)
    selector = text(300, required=True)
    label = text(100, required=True, metadata={"description": "It names no record's person."})
    section = text(100, load_only=True, metadata={"description": "Ignored: it may name a person."})


class RecordFieldSchema(Schema):
    """Such a field as an admin showed it."""

    host = fields.String()
    selector = fields.String()
    label = fields.String()
    kind = fields.String()
    by = fields.String()
    created_at = fields.AwareDateTime()


class RecordFieldsSchema(Schema):
    """Such fields, at most one of each kind of record."""

    record_fields = fields.List(fields.Nested(RecordFieldSchema))


class TableQuerySchema(Schema):
    """A page of a list's rows that wait to be filled in."""

    after = QueryInteger(load_default=0, validate=validate.Range(0, 2**31 - 1))
    limit = QueryInteger(load_default=MAX_ROWS, validate=validate.Range(1, MAX_ROWS))


class TableRowSchema(Schema):
    """A row that waits to be filled in, in the table or on its record's page."""

    link_id = fields.String()
    position = fields.Integer()
    record = fields.Nested(RecordSchema)
    record_version = fields.Integer()
    number = fields.String(metadata={"description": "The record's, as in its page's address."})
    alone = StrictBoolean(
        metadata={"description": "No other record of the kind has this name and address."}
    )
    prior = fields.String(allow_none=True)
    target = fields.String(allow_none=True)
    undoes = fields.String(allow_none=True)


class TableSchema(Schema):
    """Rows that wait to be filled in."""

    connection_id = shown_connection()
    rows = fields.List(fields.Nested(TableRowSchema))
    next = fields.Integer(allow_none=True)


class SeenRowSchema(Schema):
    """What the table shows of one link's record."""

    link_id = text(64, required=True)
    value = text(200, required=True, allow_none=True)
    replaces = text(200, allow_none=True, load_default=None)
    record_version = StrictInteger(
        allow_none=True, load_default=None, metadata={"description": VERSION}
    )


class SeenRowsSchema(Schema):
    """What the table shows, before it was filled or after the person saved."""

    connection_id = text(100, required=True, metadata={"description": CONNECTION})
    stage = fields.String(required=True, validate=STAGE)
    rows = fields.List(
        fields.Nested(SeenRowSchema), required=True, validate=validate.Length(1, MAX_ROWS)
    )

    @validates_schema
    def require_distinct(self, data: dict[str, Any], **_: Any) -> None:
        """Raise ValidationError for a link that is there twice: a table shows one value of it."""
        if len({row["link_id"] for row in data["rows"]}) < len(data["rows"]):
            raise ValidationError("A link is there twice.", "rows")


class SeenRowResultSchema(Schema):
    """The link after that; `failure` is why nothing may be filled, or how the link ended."""

    link_id = fields.String()
    state = fields.String(
        allow_none=True, validate=validate.OneOf([state.value for state in LinkState])
    )
    fill = fields.Boolean()
    record_version = fields.Integer(allow_none=True)
    failure = fields.Nested(FailureSchema, allow_none=True)
    current_reference = fields.String(allow_none=True)


class SeenRowResultsSchema(Schema):
    """The links after that, in the order of the request."""

    rows = fields.List(fields.Nested(SeenRowResultSchema))
