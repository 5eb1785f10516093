"""Schemas of whole lists."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from crmlink.api.schemas.common import (
    KIND,
    ContactDetailsSchema,
    FailureSchema,
    OverridesSchema,
    ReasonSchema,
    RecordSchema,
    ShownContactSchema,
    text,
)
from crmlink.store import BatchState, Choice, RowState, Verdict
from crmlink.web.strict_parsing import QueryInteger, StrictInteger

MAX_CONTACTS = 1000  # in one request
SHOWN_STATES = [state.value for state in BatchState if state is not BatchState.IMPORTING]
POSITION = validate.Range(0, 2**31 - 1)


def enum_field(kind: type[Verdict | Choice | RowState]) -> validate.OneOf:
    """Return the validator for the values of an enumeration."""
    return validate.OneOf([member.value for member in kind])


class ListedContactSchema(ContactDetailsSchema):
    """One contact of a list; a later list page may add a missing reference."""

    reference = text(200, load_default="")
    account_number = text(100, load_default="")


class NewBatchSchema(Schema):
    """A page of a contact list; with ``batch`` it is appended to an earlier draft."""

    package = text(40, required=True)
    organisation = text(200, allow_none=True, load_default=None)
    kind = fields.String(validate=KIND, allow_none=True, load_default=None)
    contacts = fields.List(
        fields.Nested(ListedContactSchema),
        required=True,
        validate=validate.Length(1, MAX_CONTACTS),
    )
    batch = text(64, allow_none=True, load_default=None)
    name = text(200, load_default="")


class BatchQuerySchema(Schema):
    """Query of lists; without a state drafts, and lists under review that lack references."""

    state = fields.String(validate=validate.OneOf([*SHOWN_STATES, "all"]))


class BatchSchema(Schema):
    """One list."""

    id = fields.String()
    name = fields.String()
    source = fields.String()
    state = fields.String(validate=validate.OneOf(SHOWN_STATES))
    package = fields.String(metadata={"description": "Empty while no one has said which."})
    organisation = fields.String(allow_none=True)
    kind = fields.String(allow_none=True)
    contacts = fields.Integer()
    version = fields.Integer(metadata={"description": "Grows with every change."})
    created_at = fields.AwareDateTime()
    by = fields.String()


class AppendedBatchSchema(BatchSchema):
    """A list with the result of appending."""

    added = fields.Integer(metadata={"description": "Contacts that were not in the list yet."})
    completed = fields.Integer(
        metadata={"description": "Contacts of the list that got their reference by this page."}
    )


class BatchesSchema(Schema):
    """Lists."""

    batches = fields.List(fields.Nested(BatchSchema))


class CountsSchema(Schema):
    """Numbers of rows by state; missing ones are 0."""

    verdicts = fields.Dict(keys=fields.String(), values=fields.Integer())
    choices = fields.Dict(keys=fields.String(), values=fields.Integer())
    states = fields.Dict(keys=fields.String(), values=fields.Integer())
    undecided = fields.Dict(keys=fields.String(), values=fields.Integer())
    without_reference = fields.Integer()
    bad_rows = fields.Integer()


class ProgressSchema(Schema):
    """Progress of matching, writing or undoing."""

    done = fields.Integer()
    of = fields.Integer()
    rate = fields.Float(allow_none=True, metadata={"description": "Rows a second."})
    seconds_left = fields.Float(allow_none=True)
    trouble = fields.Nested(FailureSchema, allow_none=True)


class BatchDetailSchema(BatchSchema):
    """One list with counts and progress."""

    counts = fields.Nested(CountsSchema)
    progress = fields.Nested(ProgressSchema)
    sure_bound = fields.Float(allow_none=True)
    matched_at = fields.AwareDateTime(allow_none=True)
    started_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)


class SummarySchema(Schema):
    """What writing would link and what it would omit."""

    to_link = fields.Integer()
    customers = fields.Integer()
    suppliers = fields.Integer()
    replaces = fields.Integer()
    also_on = fields.Integer()
    other_kind = fields.Integer()
    without_reference = fields.Integer()
    none = fields.Integer()
    undecided = fields.Integer()
    undecided_sure = fields.Integer()
    linked_already = fields.Integer()
    conflicts = fields.Integer()
    package_missing = fields.Boolean()
    seconds = fields.Float(metadata={"description": "An estimate."})


class RowQuerySchema(Schema):
    """Query of rows.

    ``after`` is a position; ``q`` part of a name, email, town, postcode or reference.
    """

    verdict = fields.String(validate=enum_field(Verdict))
    choice = fields.String(validate=enum_field(Choice))
    state = fields.String(validate=enum_field(RowState))
    kind = fields.String(validate=KIND)
    q = text(200, load_default="")
    after = QueryInteger(load_default=0, validate=POSITION)
    limit = QueryInteger(load_default=100, validate=validate.Range(1, 500))


class RowConflictSchema(Schema):
    """Reason why a user has to decide."""

    code = fields.String()
    records = fields.List(fields.Nested(RecordSchema))
    rows = fields.List(fields.Integer())
    current_reference = fields.String(allow_none=True)


class RowOfferSchema(Schema):
    """One suggestion of a row."""

    record = fields.Nested(RecordSchema)
    probability = fields.Float(allow_none=True)
    reasons = fields.List(fields.Nested(ReasonSchema))
    held_by_row = fields.Integer(
        allow_none=True, metadata={"description": "The row that has this record already."}
    )


class RowTwinSchema(Schema):
    """The row of the same list for the same contact, in use."""

    position = fields.Integer()
    label = fields.String()
    reference = fields.String()


class RowSchema(ShownContactSchema):
    """One contact of a list with suggestions, decision and outcome."""

    position = fields.Integer()
    line = fields.Integer(allow_none=True)
    live_twin = fields.Nested(
        "RowTwinSchema",
        allow_none=True,
        metadata={"description": "Of a retired contact: the row of the one that is in use."},
    )
    verdict = fields.String(validate=enum_field(Verdict))
    conflict = fields.Nested(RowConflictSchema, allow_none=True)
    offers = fields.List(fields.Nested(RowOfferSchema))
    none = fields.Float(allow_none=True)
    choice = fields.String(validate=enum_field(Choice))
    record = fields.Nested(RecordSchema, allow_none=True)
    decided_by = fields.String(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    looked_at_by = fields.String(allow_none=True)
    version = fields.Integer()
    state = fields.String(validate=enum_field(RowState))
    failure = fields.Nested(FailureSchema, allow_none=True)
    link = fields.String(allow_none=True)


class RowsSchema(Schema):
    """Contacts of a list."""

    rows = fields.List(fields.Nested(RowSchema))
    next = fields.Integer(allow_none=True, metadata={"description": "To be asked for as after."})


class RowDecisionSchema(OverridesSchema):
    """A user's decision; ``version`` is the row's as shown."""

    version = StrictInteger(required=True)
    choice = fields.String(required=True, validate=enum_field(Choice))
    record_id = text(100, allow_none=True, load_default=None)


class BadRowSchema(Schema):
    """One line that is no contact."""

    line = fields.Integer()
    code = fields.String()
    detail = fields.String()


class BadRowsSchema(Schema):
    """Lines that are no contacts."""

    rows = fields.List(fields.Nested(BadRowSchema))
    next = fields.Integer(allow_none=True)


class AfterSchema(Schema):
    """Query of the lines after one."""

    after = QueryInteger(load_default=0, validate=POSITION)


class SampleSchema(Schema):
    """Sure rows drawn at random, to show before all are accepted."""

    token = fields.String()
    of = fields.Integer()
    rows = fields.List(fields.Nested(RowSchema))


class AcceptSureSchema(Schema):
    """Acceptance of all sure rows."""

    token = text(64, required=True)


class AcceptedSchema(Schema):
    """How many rows were accepted."""

    accepted = fields.Integer()
    left = fields.Integer()


class WriteSchema(Schema):
    """Request to write; ``contacts`` is the number in the summary."""

    contacts = StrictInteger(required=True, validate=POSITION)


class StartedSchema(Schema):
    """How many rows were started."""

    contacts = fields.Integer()
