"""Schemas of the workspace: who asks, the Commusoft account, its hosts and its mirror."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from crmlink.api.schemas.common import shown_connection, text
from crmlink.store import ImportSource, Writes


class CurrentDeviceSchema(Schema):
    """The acting device."""

    id = fields.String()
    name = fields.String()
    scopes = fields.List(fields.String(), metadata={"description": "What it may do now."})
    expires_at = fields.AwareDateTime(
        metadata={"description": "A paired browser's moves on with use, a token's does not."}
    )


class ActingPersonSchema(Schema):
    """The acting person."""

    name = fields.String()
    role = fields.String()


class CommusoftSchema(Schema):
    """The Commusoft account."""

    sandbox = fields.Boolean()
    web_url = fields.String()


class ImportedKindSchema(Schema):
    """When, and from where, the records of a kind were imported last."""

    kind = fields.String()
    source = fields.String(validate=validate.OneOf([source.value for source in ImportSource]))
    read_at = fields.AwareDateTime()


class MirrorSchema(Schema):
    """State of the mirror."""

    customers = fields.Integer()
    suppliers = fields.Integer()
    synced_at = fields.AwareDateTime(allow_none=True)
    syncing = fields.Boolean()
    imports = fields.List(
        fields.Nested(ImportedKindSchema),
        metadata={"description": "Of an account without an API; empty where there is one."},
    )


class WorkspaceSchema(Schema):
    """The caller's device, the Commusoft account and the state of the mirror."""

    name = fields.String()
    connection_id = shown_connection()
    device = fields.Nested(CurrentDeviceSchema)
    person = fields.Nested(ActingPersonSchema, allow_none=True)
    commusoft = fields.Nested(CommusoftSchema)
    mirror = fields.Nested(MirrorSchema)
    writes = fields.String(validate=validate.OneOf([way.value for way in Writes]))
    commusoft_origin = fields.String(
        metadata={"description": "The web application to open; a firm may have its own host."}
    )
    commusoft_hosts = fields.List(
        fields.String(), metadata={"description": "Every host on which records have their pages."}
    )
    record_fields = fields.List(fields.Nested("RecordFieldSchema"))


class HostSchema(Schema):
    """One host."""

    host = text(260, required=True)


class HostsSchema(Schema):
    """Hosts."""

    hosts = fields.List(fields.String())
