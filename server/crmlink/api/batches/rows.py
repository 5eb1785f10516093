"""/batches/.../rows: a list's contacts, and the decisions on them."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.api.schemas.batches import (
    RowDecisionSchema,
    RowQuerySchema,
    RowSchema,
    RowsSchema,
    StartedSchema,
)
from crmlink.api.schemas.common import overrides_of
from crmlink.api.serializers.batches import serialize_row
from crmlink.batches.control import retry_failed
from crmlink.batches.review import ShownRow, accept, choose_none, claim, reopen
from crmlink.batches.rows import RowFilter, RowPage, find_row, list_rows
from crmlink.linking.errors import BatchNotFound, RecordUnknown
from crmlink.store import Choice, RowState, Verdict
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("batch_rows", __name__, url_prefix="/api/v1", description="Whole lists")
MAX_POSITION = 2**31 - 1


@blueprint.route("/batches/<batch_id>/rows")
class RowsView(MethodView):
    """Contacts of a list."""

    @require_permission("collect")
    @blueprint.arguments(RowQuerySchema, location="query")
    @blueprint.response(200, RowsSchema)
    def get(self, query: dict[str, Any], batch_id: str) -> dict[str, Any]:
        """Read the contacts of a list, in order"""
        wanted = RowFilter(
            verdict=Verdict(query["verdict"]) if "verdict" in query else None,
            choice=Choice(query["choice"]) if "choice" in query else None,
            state=RowState(query["state"]) if "state" in query else None,
            kind=query.get("kind"),
            search=query["q"],
        )
        limit = query["limit"]
        rows = list_rows(
            current_workspace(),
            batch_id,
            wanted,
            RowPage(after=query["after"], limit=limit),
            device_id=current_actor().device.id,
        )
        return {
            "rows": [serialize_row(row) for row in rows],
            "next": rows[-1].row.position if len(rows) == limit else None,
        }


@blueprint.route("/batches/<batch_id>/rows/<int:position>")
class RowView(MethodView):
    """One contact of a list."""

    @require_permission("collect")
    @blueprint.response(200, RowSchema)
    def get(self, batch_id: str, position: int) -> dict[str, Any]:
        """Read one contact"""
        return serialize_row(
            find_row(
                current_workspace(),
                batch_id,
                _validate_position(position),
                current_actor().device.id,
            )
        )

    @require_permission("batch")
    @blueprint.arguments(RowDecisionSchema)
    @blueprint.response(200, RowSchema)
    def put(self, body: dict[str, Any], batch_id: str, position: int) -> dict[str, Any]:
        """Choose the record of a contact, mark it as not in Commusoft, or undo that"""
        ctx, device_id = current_workspace(), current_actor().device.id
        shown = ShownRow(batch_id, _validate_position(position), body["version"])
        match Choice(body["choice"]):
            case Choice.RECORD:
                if not body["record_id"]:
                    raise RecordUnknown(record_id="")
                return serialize_row(
                    accept(ctx, device_id, shown, body["record_id"], overrides_of(body))
                )
            case Choice.NONE:
                return serialize_row(choose_none(ctx, device_id, shown))
        return serialize_row(reopen(ctx, device_id, shown))


@blueprint.route("/batches/<batch_id>/rows/<int:position>/claim")
class ClaimView(MethodView):
    """Claims of a contact."""

    @require_permission("batch")
    @blueprint.response(200, RowSchema)
    def post(self, batch_id: str, position: int) -> dict[str, Any]:
        """Show others for a minute and a half that someone is looking at this contact"""
        return serialize_row(
            claim(
                current_workspace(),
                current_actor().device.id,
                batch_id,
                _validate_position(position),
            )
        )


@blueprint.route("/batches/<batch_id>/rows/<int:position>/retry")
class RetryRowView(MethodView):
    """Repetition of one failed contact."""

    @require_permission("batch")
    @blueprint.response(202, StartedSchema)
    def post(self, batch_id: str, position: int) -> dict[str, Any]:
        """Retry a failed contact"""
        return {
            "contacts": retry_failed(
                current_workspace(),
                current_actor().device.id,
                batch_id,
                _validate_position(position),
            )
        }


def _validate_position(position: int) -> int:
    """Return the position if a database can store it; raises a problem otherwise."""
    if position > MAX_POSITION:
        raise BatchNotFound
    return position
