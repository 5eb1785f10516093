"""/batches: whole lists from draft to done."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any

from flask import Response, request
from flask.views import MethodView

from crmlink.access.preferences import read_preferences
from crmlink.accounting.exports.reader import BadRow, say
from crmlink.api.schemas.batches import (
    AcceptedSchema,
    AfterSchema,
    BadRowsSchema,
    BatchesSchema,
    BatchQuerySchema,
    NewBatchSchema,
    SampleSchema,
    StartedSchema,
    SummarySchema,
    SureSchema,
    TakenBatchSchema,
    WholeBatchSchema,
    WriteSchema,
)
from crmlink.api.serializers.batches import batch_shape, row_shape, whole_batch_shape
from crmlink.batches.accept_sure import accept_sure, draw_sample
from crmlink.batches.control import (
    cancel,
    pause,
    resume,
    start_undo,
    start_writing,
    try_again,
)
from crmlink.batches.drafts import (
    ListedContact,
    collect,
    discard_batch,
    find_batch,
    joinable_batches,
    list_batches,
)
from crmlink.batches.match_job import start_matching, stop_matching
from crmlink.batches.progress import bad_rows, overview, summary, write_results
from crmlink.matching import Address
from crmlink.store import BatchSource, BatchState, DeviceSort
from crmlink.web.auth import ScopeMissing, actor, desk, needs, office
from crmlink.web.error_handlers import IdempotencyKeyMissing
from crmlink.web.problems import problem_kept
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("batches", __name__, url_prefix="/api/v1", description="Whole lists")

BAD_ROWS = 200
KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes a repeated request the same page, and its answer the same.",
    "schema": {"type": "string", "minLength": 8, "maxLength": 100},
}


@blueprint.route("/batches")
class BatchesView(MethodView):
    @needs("collect")
    @blueprint.arguments(BatchQuerySchema, location="query")
    @blueprint.response(200, BatchesSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """The lists, the newest first"""
        state = query.get("state")
        if state is None:
            found = joinable_batches(desk())
        elif state == "all":
            found = list_batches(desk(), *(set(BatchState) - {BatchState.IMPORTING}))
        else:
            found = list_batches(desk(), BatchState(state))
        return {"batches": [batch_shape(draft.batch, draft.contacts) for draft in found]}

    @needs("collect")
    @blueprint.doc(parameters=[KEY_HEADER])
    @blueprint.arguments(NewBatchSchema)
    @blueprint.response(201, TakenBatchSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Keep contacts as a draft, or add them to one"""
        contacts = [_contact(contact) for contact in body["contacts"]]
        by_script = actor().device.sort is DeviceSort.SCRIPT
        taken = collect(
            desk(),
            actor().device.id,
            body["package"],
            body["organisation"] or "",
            body["kind"],
            contacts,
            body["batch"],
            key=_key(),
            source=BatchSource.API if by_script else BatchSource.LIST_PAGE,
            name=body["name"],
        )
        shape = batch_shape(taken.batch, taken.contacts)
        return shape | {"added": taken.added, "completed": taken.completed}


def _contact(body: dict[str, Any]) -> ListedContact:
    addresses = tuple(Address(**address) for address in body["other_addresses"])
    lists = {name: tuple(body[name]) for name in ("phones", "other_emails")}
    return ListedContact(**body | lists | {"other_addresses": addresses})


@blueprint.route("/batches/<batch_id>")
class BatchView(MethodView):
    @needs("collect")
    @blueprint.response(200, WholeBatchSchema)
    def get(self, batch_id: str) -> dict[str, Any]:
        """One list, with its counts and how far it is"""
        return whole_batch_shape(overview(desk(), batch_id))

    @needs("collect")
    @blueprint.response(204)
    def delete(self, batch_id: str) -> None:
        """Throw a list away of which nothing was linked; what was decided for it needs *batch*"""
        draft = find_batch(desk(), batch_id).state is BatchState.DRAFT
        if not draft and "batch" not in actor().permissions:
            raise ScopeMissing("batch")
        discard_batch(desk(), batch_id, actor().device.id)


@blueprint.route("/batches/<batch_id>/bad-rows")
class BadRowsView(MethodView):
    @needs("collect")
    @blueprint.arguments(AfterSchema, location="query")
    @blueprint.response(200, BadRowsSchema)
    def get(self, query: dict[str, Any], batch_id: str) -> dict[str, Any]:
        """The lines of a file that are no contacts, and why"""
        rows = bad_rows(desk(), batch_id, query["after"], BAD_ROWS + 1)
        shown = rows[:BAD_ROWS]
        return {
            "rows": [
                {
                    "line": row.line,
                    "code": row.code,
                    "detail": say(BadRow(row.line, row.code, row.args)),
                }
                for row in shown
            ],
            "next": shown[-1].line if len(rows) > len(shown) else None,
        }


@blueprint.route("/batches/<batch_id>/match")
class MatchView(MethodView):
    @needs("batch")
    @blueprint.response(202, WholeBatchSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Match the whole list; decisions that were made stay"""
        bound = read_preferences(office()).sure_bound
        start_matching(desk(), actor().device.id, batch_id, bound)
        return whole_batch_shape(overview(desk(), batch_id))

    @needs("batch")
    @blueprint.response(200, WholeBatchSchema)
    def delete(self, batch_id: str) -> dict[str, Any]:
        """Stop matching"""
        stop_matching(desk(), actor().device.id, batch_id)
        return whole_batch_shape(overview(desk(), batch_id))


@blueprint.route("/batches/<batch_id>/sample")
class SampleView(MethodView):
    @needs("batch")
    @blueprint.response(201, SampleSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Draw sure rows at random, to be looked at before all are accepted"""
        sample = draw_sample(desk(), batch_id)
        rows = [row_shape(row) for row in sample.rows]
        return {"token": sample.token, "of": sample.of, "rows": rows}


@blueprint.route("/batches/<batch_id>/sure")
class SureView(MethodView):
    @needs("batch")
    @blueprint.arguments(SureSchema)
    @blueprint.response(200, AcceptedSchema)
    def post(self, body: dict[str, Any], batch_id: str) -> dict[str, Any]:
        """Accept every sure row, by the sample's token"""
        return asdict(accept_sure(desk(), actor().device.id, batch_id, body["token"]))


@blueprint.route("/batches/<batch_id>/summary")
class SummaryView(MethodView):
    @needs("collect")
    @blueprint.response(200, SummarySchema)
    def get(self, batch_id: str) -> dict[str, Any]:
        """What linking this list would do now"""
        return asdict(summary(desk(), batch_id))


@blueprint.route("/batches/<batch_id>/write")
class WriteView(MethodView):
    @needs("batch")
    @blueprint.arguments(WriteSchema)
    @blueprint.response(202, WholeBatchSchema)
    def post(self, body: dict[str, Any], batch_id: str) -> dict[str, Any]:
        """Link every accepted contact, as many as the summary said"""
        start_writing(desk(), actor().device.id, batch_id, body["contacts"])
        return whole_batch_shape(overview(desk(), batch_id))


@blueprint.route("/batches/<batch_id>/pause")
class PauseView(MethodView):
    @needs("batch")
    @blueprint.response(200, WholeBatchSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Begin no further link"""
        pause(desk(), actor().device.id, batch_id)
        return whole_batch_shape(overview(desk(), batch_id))


@blueprint.route("/batches/<batch_id>/resume")
class ResumeView(MethodView):
    @needs("batch")
    @blueprint.response(202, WholeBatchSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Go on"""
        resume(desk(), actor().device.id, batch_id)
        return whole_batch_shape(overview(desk(), batch_id))


@blueprint.route("/batches/<batch_id>/cancel")
class CancelView(MethodView):
    @needs("batch")
    @blueprint.response(200, WholeBatchSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Link nothing further of it; what is linked stays"""
        cancel(desk(), actor().device.id, batch_id)
        return whole_batch_shape(overview(desk(), batch_id))


@blueprint.route("/batches/<batch_id>/retry")
class RetryView(MethodView):
    @needs("batch")
    @blueprint.response(202, StartedSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Try every failed contact again"""
        return {"contacts": try_again(desk(), actor().device.id, batch_id)}


@blueprint.route("/batches/<batch_id>/undo")
class UndoView(MethodView):
    @needs("batch")
    @blueprint.response(202, StartedSchema)
    def post(self, batch_id: str) -> dict[str, Any]:
        """Undo every link of this list that stands; a token only where it made them all"""
        own_only = "undo_any" not in actor().permissions
        undone = start_undo(desk(), actor().device.id, batch_id, own_only=own_only)
        return {"contacts": undone}


@blueprint.route("/batches/<batch_id>/results")
class ResultsView(MethodView):
    @needs("collect")
    @blueprint.response(200, {"type": "string"}, content_type="text/csv")
    def get(self, batch_id: str) -> Response:
        """Every row with what happened, as a table"""
        table = io.StringIO()
        write_results(desk(), batch_id, table, lambda failure: problem_kept(failure).detail)
        reply = Response("\ufeff" + table.getvalue(), mimetype="text/csv")
        reply.headers["Content-Disposition"] = 'attachment; filename="results.csv"'
        return reply


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key", "").strip()
    if key and not 8 <= len(key) <= 100:
        raise IdempotencyKeyMissing
    return key or None
