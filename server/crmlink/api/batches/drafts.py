"""/batches: whole lists from draft to done."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any

from flask import Response
from flask.views import MethodView

from crmlink.access.preferences import read_preferences
from crmlink.access.roles import require_may_discard
from crmlink.accounting.exports.reader import RejectedRow, rejected_row_text
from crmlink.api.idempotency import key_header, optional_key
from crmlink.api.schemas.batches import (
    AcceptedSchema,
    AcceptSureSchema,
    AfterSchema,
    AppendedBatchSchema,
    BadRowsSchema,
    BatchDetailSchema,
    BatchesSchema,
    BatchQuerySchema,
    NewBatchSchema,
    SampleSchema,
    StartedSchema,
    SummarySchema,
    WriteSchema,
)
from crmlink.api.serializers.batches import serialize_batch, serialize_batch_detail, serialize_row
from crmlink.batches.accept_sure import accept_sure, draw_sample
from crmlink.batches.contacts import ListedContact
from crmlink.batches.control import (
    cancel,
    pause,
    resume,
    retry_failed,
    start_undo,
    start_writing,
)
from crmlink.batches.drafts import (
    ListPage,
    append_contacts,
    batches_open_to_append,
    discard_batch,
    list_batches,
)
from crmlink.batches.match_job import start_matching, stop_matching
from crmlink.batches.progress import bad_rows, overview, summary, write_results
from crmlink.batches.state import find_batch
from crmlink.store import BatchSource, BatchState, DeviceType
from crmlink.values.contact_details import details_fields
from crmlink.web.auth import (
    MissingPermission,
    current_access,
    current_actor,
    current_workspace,
    require_permission,
)
from crmlink.web.problems import problem_from_stored
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("batches", __name__, url_prefix="/api/v1", description="Whole lists")

BAD_ROWS = 200
KEY_HEADER = key_header(
    "Makes a repeated request the same page, and its answer the same.", required=False
)


@blueprint.route("/batches")
class BatchesView(MethodView):
    """All lists."""

    @require_permission("collect")
    @blueprint.arguments(BatchQuerySchema, location="query")
    @blueprint.response(200, BatchesSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Read all lists, newest first"""
        state = query.get("state")
        if state is None:
            found = batches_open_to_append(current_workspace())
        elif state == "all":
            found = list_batches(current_workspace(), *(set(BatchState) - {BatchState.IMPORTING}))
        else:
            found = list_batches(current_workspace(), BatchState(state))
        return {"batches": [serialize_batch(draft.batch, draft.contacts) for draft in found]}

    @require_permission("collect")
    @blueprint.doc(parameters=[KEY_HEADER])
    @blueprint.arguments(NewBatchSchema)
    @blueprint.response(201, AppendedBatchSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Save contacts as a draft list, or add them to one"""
        contacts = [_contact(contact) for contact in body["contacts"]]
        by_script = current_actor().device.sort is DeviceType.SCRIPT
        taken = append_contacts(
            current_workspace(),
            current_actor().device.id,
            ListPage(
                body["package"],
                body["organisation"] or "",
                body["kind"],
                contacts,
                source=BatchSource.API if by_script else BatchSource.LIST_PAGE,
                name=body["name"],
            ),
            body["batch"],
            key=optional_key(),
        )
        shape = serialize_batch(taken.batch, taken.contacts)
        return shape | {"added": taken.added, "completed": taken.completed}


def _contact(body: dict[str, Any]) -> ListedContact:
    return ListedContact(body["reference"], **details_fields(body))


@blueprint.route("/batches/<batch_id>")
class BatchView(MethodView):
    """One list."""

    @require_permission("collect")
    @blueprint.response(200, BatchDetailSchema)
    def get(self, batch_id: str) -> dict[str, Any]:
        """Read one list, with its counts and progress"""
        return serialize_batch_detail(overview(current_workspace(), batch_id))

    @require_permission("collect")
    @blueprint.response(204)
    def delete(self, batch_id: str) -> None:
        """Delete a list without links; deleting decisions needs *batch*

        A script can only delete what it collected.
        """
        batch = find_batch(current_workspace(), batch_id)
        require_may_discard(current_actor(), batch.device)
        if batch.state is not BatchState.DRAFT and "batch" not in current_actor().permissions:
            raise MissingPermission("batch")
        discard_batch(current_workspace(), batch_id, current_actor().device.id)


@blueprint.route("/batches/<batch_id>/bad-rows")
class BadRowsView(MethodView):
    """Lines of a file that are no contacts."""

    @require_permission("collect")
    @blueprint.arguments(AfterSchema, location="query")
    @blueprint.response(200, BadRowsSchema)
    def get(self, query: dict[str, Any], batch_id: str) -> dict[str, Any]:
        """Read the lines of a file that were left out, and why"""
        rows = bad_rows(current_workspace(), batch_id, query["after"], BAD_ROWS + 1)
        shown = rows[:BAD_ROWS]
        return {
            "rows": [
                {
                    "line": row.line,
                    "code": row.code,
                    "detail": rejected_row_text(RejectedRow(row.line, row.code, row.args)),
                }
                for row in shown
            ],
            "next": shown[-1].line if len(rows) > len(shown) else None,
        }


@blueprint.route("/batches/<batch_id>/match")
class MatchView(MethodView):
    """Matching of a list."""

    @require_permission("batch")
    @blueprint.response(202, BatchDetailSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Match a list; decisions already made stay"""
        bound = read_preferences(current_access()).sure_bound
        start_matching(current_workspace(), current_actor().device.id, batch_id, bound)
        return serialize_batch_detail(overview(current_workspace(), batch_id))

    @require_permission("batch")
    @blueprint.response(200, BatchDetailSchema)
    def delete(self, batch_id: str) -> dict[str, Any]:
        """Stop matching"""
        stop_matching(current_workspace(), current_actor().device.id, batch_id)
        return serialize_batch_detail(overview(current_workspace(), batch_id))


@blueprint.route("/batches/<batch_id>/sample")
class SampleView(MethodView):
    """Samples of sure rows."""

    @require_permission("batch")
    @blueprint.response(201, SampleSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Draw a random sample of sure matches, to check before accepting them all"""
        sample = draw_sample(current_workspace(), batch_id)
        rows = [serialize_row(row) for row in sample.rows]
        return {"token": sample.token, "of": sample.of, "rows": rows}


@blueprint.route("/batches/<batch_id>/sure")
class SureView(MethodView):
    """Acceptance of all sure rows."""

    @require_permission("batch")
    @blueprint.arguments(AcceptSureSchema)
    @blueprint.response(200, AcceptedSchema)
    def post(self, body: dict[str, Any], batch_id: str) -> dict[str, Any]:
        """Accept every sure match, with the sample's token"""
        return asdict(
            accept_sure(current_workspace(), current_actor().device.id, batch_id, body["token"])
        )


@blueprint.route("/batches/<batch_id>/summary")
class SummaryView(MethodView):
    """Summary before writing."""

    @require_permission("collect")
    @blueprint.response(200, SummarySchema)
    def get(self, batch_id: str) -> dict[str, Any]:
        """Read what linking this list would do now"""
        return asdict(summary(current_workspace(), batch_id))


@blueprint.route("/batches/<batch_id>/write")
class WriteView(MethodView):
    """Writing of a list."""

    @require_permission("batch")
    @blueprint.arguments(WriteSchema)
    @blueprint.response(202, BatchDetailSchema)
    def post(self, body: dict[str, Any], batch_id: str) -> dict[str, Any]:
        """Link every accepted contact, as many as the summary said"""
        start_writing(current_workspace(), current_actor().device.id, batch_id, body["contacts"])
        return serialize_batch_detail(overview(current_workspace(), batch_id))


@blueprint.route("/batches/<batch_id>/pause")
class PauseView(MethodView):
    """Pausing of a list."""

    @require_permission("batch")
    @blueprint.response(200, BatchDetailSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Pause linking; no further links are started"""
        pause(current_workspace(), current_actor().device.id, batch_id)
        return serialize_batch_detail(overview(current_workspace(), batch_id))


@blueprint.route("/batches/<batch_id>/resume")
class ResumeView(MethodView):
    """Resumption of a list."""

    @require_permission("batch")
    @blueprint.response(202, BatchDetailSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Resume linking"""
        resume(current_workspace(), current_actor().device.id, batch_id)
        return serialize_batch_detail(overview(current_workspace(), batch_id))


@blueprint.route("/batches/<batch_id>/cancel")
class CancelView(MethodView):
    """Cancellation of a list."""

    @require_permission("batch")
    @blueprint.response(200, BatchDetailSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Cancel linking; contacts already linked stay linked"""
        cancel(current_workspace(), current_actor().device.id, batch_id)
        return serialize_batch_detail(overview(current_workspace(), batch_id))


@blueprint.route("/batches/<batch_id>/retry")
class RetryView(MethodView):
    """Repetition of failed rows."""

    @require_permission("batch")
    @blueprint.response(202, StartedSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Retry every failed contact"""
        return {"contacts": retry_failed(current_workspace(), current_actor().device.id, batch_id)}


@blueprint.route("/batches/<batch_id>/undo")
class UndoView(MethodView):
    """Undo of a list."""

    @require_permission("batch")
    @blueprint.response(202, StartedSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Undo every link of this list; a token only if it made them all"""
        own_only = "undo_any" not in current_actor().permissions
        undone = start_undo(
            current_workspace(), current_actor().device.id, batch_id, own_only=own_only
        )
        return {"contacts": undone}


@blueprint.route("/batches/<batch_id>/results")
class ResultsView(MethodView):
    """Results of a list."""

    @require_permission("collect")
    @blueprint.response(200, {"type": "string"}, content_type="text/csv")
    def get(self, batch_id: str) -> Response:
        """Read every contact with its result, as a table"""
        table = io.StringIO()
        write_results(
            current_workspace(),
            batch_id,
            table,
            lambda failure: problem_from_stored(failure).detail,
        )
        reply = Response("\ufeff" + table.getvalue(), mimetype="text/csv")
        reply.headers["Content-Disposition"] = 'attachment; filename="results.csv"'
        return reply
