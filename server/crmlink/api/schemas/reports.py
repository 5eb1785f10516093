"""What the API takes and gives about what is left to do."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from crmlink.api.schemas.common import KIND, ReasonSchema, RecordSchema
from crmlink.web.strict_parsing import WholeText


class SharesQuerySchema(Schema):
    days = WholeText(load_default=90, validate=validate.Range(1, 3660))


class PointSchema(Schema):
    """One day; not ``exact`` where it was worked out from the links."""

    day = fields.Date()
    kind = fields.String()
    records = fields.Integer()
    linked = fields.Integer()
    exact = fields.Boolean()


class SharesSchema(Schema):
    points = fields.List(fields.Nested(PointSchema))


class LeftQuerySchema(Schema):
    kind = fields.String(load_default="customer", validate=KIND)
    page = WholeText(load_default=1, validate=validate.Range(1, 1_000_000))


class UnlinkedRecordSchema(Schema):
    record = fields.Nested(RecordSchema)
    open_pence = fields.Integer(allow_none=True)
    batch = fields.String(allow_none=True)
    row = fields.Integer(allow_none=True)


class UnlinkedSchema(Schema):
    total = fields.Integer()
    records = fields.List(fields.Nested(UnlinkedRecordSchema))


class MalformedSchema(Schema):
    packages = fields.List(fields.String())
    records = fields.List(fields.Nested(RecordSchema))
    more = fields.Boolean()


class TwiceSchema(Schema):
    reference = fields.String()
    records = fields.List(fields.Nested(RecordSchema))


class OneRecordSchema(Schema):
    record = fields.Nested(RecordSchema)
    contacts = fields.List(fields.String())
    batch = fields.String(allow_none=True)
    rows = fields.List(fields.Integer())


class PairSchema(Schema):
    id = fields.Integer()
    records = fields.List(fields.Nested(RecordSchema))
    reasons = fields.List(fields.Nested(ReasonSchema))


class DuplicatesSchema(Schema):
    references = fields.List(fields.Nested(TwiceSchema))
    contacts = fields.List(fields.Nested(OneRecordSchema))
    lookalikes = fields.List(fields.Nested(PairSchema))
