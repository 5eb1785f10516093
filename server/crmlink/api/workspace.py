"""/workspace: the caller, the remote system, and how references are written there."""

from __future__ import annotations

from typing import Any

from flask import abort
from flask.views import MethodView

from crmlink.api.schemas.on_pages import RecordFieldsSchema, ShownFieldSchema, WritesSchema
from crmlink.api.schemas.workspace import WorkspaceSchema
from crmlink.commusoft.mirror import is_syncing
from crmlink.kinds import KINDS, Kind
from crmlink.linking.records.fields import ShownField, record_fields, remove_field, show_field
from crmlink.linking.records.imports import latest_imports
from crmlink.linking.ways import choose_writes, how_it_writes
from crmlink.linking.workspace_rules import commusoft_hosts
from crmlink.store.shared_reads import sharing_reads
from crmlink.web.auth import (
    current_actor,
    current_connection,
    current_workspace,
    require_permission,
)
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("workspace", __name__, url_prefix="/api/v1", description="Workspace")


@blueprint.route("/workspace")
class WorkspaceView(MethodView):
    """The workspace of the token."""

    @blueprint.response(200, WorkspaceSchema)
    def get(self) -> dict[str, Any]:
        """Read the workspace that the token belongs to"""
        with sharing_reads():
            return _workspace()


@blueprint.route("/workspace/writes")
class WritesView(MethodView):
    """How the workspace writes."""

    @require_permission("admin")
    @blueprint.arguments(WritesSchema)
    @blueprint.response(200, WritesSchema)
    def put(self, body: dict[str, Any]) -> dict[str, Any]:
        """Choose how references are written: by the API, on Commusoft's pages, or both"""
        choose_writes(current_workspace(), body["writes"], current_actor().device.id)
        return {"writes": how_it_writes(current_workspace())}


@blueprint.route("/workspace/record-fields/<kind>")
class RecordFieldView(MethodView):
    """The field of the reference on the pages of one kind of record."""

    @require_permission("admin")
    @blueprint.arguments(ShownFieldSchema)
    @blueprint.response(200, RecordFieldsSchema)
    def put(self, body: dict[str, Any], kind: str) -> dict[str, Any]:
        """Show crmlink the field, for every browser of the workspace"""
        shown = ShownField(_known(kind), body["host"], body["selector"], body["label"])
        show_field(current_workspace(), shown, current_actor().device.id)
        return _fields()

    @require_permission("admin")
    @blueprint.response(200, RecordFieldsSchema)
    def delete(self, kind: str) -> dict[str, Any]:
        """Forget the field: it is found by its label again"""
        remove_field(current_workspace(), _known(kind), current_actor().device.id)
        return _fields()


def _known(kind: str) -> Kind:
    """Return the kind of records in a path; another is not found."""
    found = next((known for known in KINDS if known == kind), None)
    return found or abort(404)


def _fields() -> dict[str, Any]:
    shown = [
        {
            "kind": field.kind,
            "host": field.host,
            "selector": field.selector,
            "label": field.label,
            "by": field.device.actor_name,
            "created_at": field.created_at,
        }
        for field in record_fields(current_workspace())
    ]
    return {"record_fields": shown}


def _workspace() -> dict[str, Any]:
    here = current_workspace()
    connection = current_connection()
    with here.database.reading() as session:
        syncing = is_syncing(session, connection, here.ownership)
        counts = here.counts.by_kind(session, connection)
    device, person = current_actor().device, current_actor().person
    return {
        "name": connection.name,
        "connection_id": here.public_connection_id,
        "device": {
            "id": device.public_id,
            "name": device.name,
            "scopes": sorted(current_actor().permissions),
            "expires_at": device.expires_at,
        },
        "person": {"name": person.name, "role": person.role} if person else None,
        "commusoft": {
            "sandbox": here.uses_sandbox,
            "web_url": here.commusoft.web_url,
        },
        "mirror": {
            "customers": counts.get("customer", 0),
            "suppliers": counts.get("supplier", 0),
            "synced_at": connection.synced_at,
            "syncing": syncing,
            "imports": [
                {"kind": kind, "source": latest.source, "read_at": latest.read_at}
                for kind, latest in latest_imports(here).items()
            ],
        },
        "writes": how_it_writes(here).value,
        "commusoft_origin": here.commusoft.web_url,
        "commusoft_hosts": commusoft_hosts(here),
        **_fields(),
    }
