"""Schemas of imports of records from Commusoft's list pages."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from crmlink.api.schemas.common import CONNECTION, KIND, EnteredDetailsSchema, text
from crmlink.web.strict_parsing import StrictBoolean, StrictInteger

MAX_ROWS = 5_000  # in one part
MAX_PARTS = 1_000
PART = validate.Range(1, MAX_PARTS)
EARLIEST_TIME = datetime(
    2000, 1, 1, tzinfo=UTC
)  # no page is older; the first years are no times in UTC


class ImportedRecordSchema(EnteredDetailsSchema):
    """One record as a list page shows it; a missing ``reference`` is one that it does not show."""

    kind = fields.String(required=True, validate=KIND)
    number = fields.String(required=True, validate=validate.Regexp(r"[1-9][0-9]{0,17}\Z"))
    account_number = text(100, load_default="")
    reference = text(200, allow_none=True, metadata={"description": "Empty or null: it has none."})

    @validates_schema
    def require_name(self, data: dict[str, Any], **_: Any) -> None:
        """Raise ValidationError for a record without a name."""
        if not any(data[field].strip() for field in ("name", "company", "person")):
            raise ValidationError("It has no name.", "name")


class RecordImportSchema(Schema):
    """One part of an import; with the last part ``complete`` says that no record is missing."""

    connection_id = text(100, required=True, metadata={"description": CONNECTION})
    import_id = fields.String(
        required=True,
        validate=validate.Regexp(r"[A-Za-z0-9_-]{8,64}\Z"),
        metadata={"description": "Chosen by the client, the same for all parts."},
    )
    part = StrictInteger(load_default=1, validate=PART)
    parts = StrictInteger(
        load_default=None,
        allow_none=True,
        validate=PART,
        metadata={"description": "How many parts there are, once it is known."},
    )
    complete = StrictBoolean(
        load_default=False,
        metadata={"description": "All parts together are every record of their kinds."},
    )
    removes = StrictInteger(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0),
        metadata={"description": "The `would_remove` that the person has agreed to."},
    )
    read_at = fields.AwareDateTime(
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=EARLIEST_TIME),
        metadata={"description": "When the page was read; now, if missing."},
    )
    rows = fields.List(
        fields.Nested(ImportedRecordSchema), required=True, validate=validate.Length(max=MAX_ROWS)
    )

    @validates_schema
    def require_distinct(self, data: dict[str, Any], **_: Any) -> None:
        """Raise ValidationError for a record that is there twice."""
        seen = Counter((row["kind"], row["number"]) for row in data["rows"])
        if twice := next((f"{kind} {number}" for (kind, number), n in seen.items() if n > 1), ""):
            raise ValidationError(f"The {twice} is there twice.", "rows")


class RecordImportResultSchema(Schema):
    """What a part did; a repeated one gets the same counts."""

    import_id = fields.String()
    new = fields.Integer()
    changed = fields.Integer()
    unchanged = fields.Integer()
    older = fields.Integer(
        metadata={"description": "Records that crmlink has read later than this import."}
    )
    gone = fields.Integer(metadata={"description": "Removed: a complete import lacked them."})
    would_remove = fields.Integer(
        metadata={"description": "More than a tenth: removed once `removes` is this number."}
    )
    missing_parts = fields.List(fields.Integer())
    finished = fields.Boolean()
