"""Rows of a list: shown in parts, decided one by one, reviewed by several users."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.batches.control import retry_failed
from crmlink.batches.positions import next_position, parse_ranges
from crmlink.batches.progress import overview
from crmlink.batches.review import ShownRow, accept, choose_none, claim, release_claims, reopen
from crmlink.batches.rows import ReviewRow, RowFilter, find_row, list_rows_at
from crmlink.linking.errors import BatchNotFound, LinkingError
from crmlink.linking.listed_details import kind_of
from crmlink.linking.overrides import Overrides
from crmlink.linking.suggest import search
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import flash_message
from crmlink.pages.lists.overview import FIRST_ROWS, list_context
from crmlink.store import Choice
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.problems import problem_from_error

FOUND = 9  # records of a search
PART = "Crmlink-Part"  # header of htmx requests for part of a page

Reply = str | Response | tuple[str, int]


@dataclass
class DecisionResult:
    """Outcome of a decision: its sentence, and the override to ask for, if any.

    ``question`` is the code of the override needed to repeat the decision with the chosen record;
    ``overrides`` are those given so far, and this one.
    """

    said: str = ""
    tone: str = "good"
    question: str = ""
    record_id: str = ""
    overrides: Overrides = field(default_factory=Overrides)


@blueprint.get("/lists/<batch_id>/rows")
@require_permission("collect")
def list_rows_part(batch_id: str) -> str:
    """Return some rows for a long list's page; ``at`` gives their positions."""
    wanted = parse_ranges(request.args.get("at", ""), FIRST_ROWS)
    rows = list_rows_at(current_workspace(), batch_id, wanted, current_actor().device.id)
    return render_template(
        "lists/rows.html", **list_context(overview(current_workspace(), batch_id)), rows=rows
    )


@blueprint.get("/lists/<batch_id>/rows/<position>")
@require_permission("batch")
def list_row(batch_id: str, position: str) -> str:
    """Show one row on its own page, with a search for any record."""
    place = _place(position)
    row = find_row(current_workspace(), batch_id, place, current_actor().device.id)
    text = request.args.get("q", "").strip()[:200]
    asked_kind = kind_of(row.row)
    return render_template(
        "lists/row_page.html",
        **list_context(overview(current_workspace(), batch_id)),
        row=row,
        answer=DecisionResult(),
        q=text,
        found=search(current_workspace(), text, asked_kind, FOUND) if text else [],
        next=next_position(current_workspace(), batch_id, RowFilter(choice=Choice.OPEN), place),
    )


@blueprint.post("/lists/<batch_id>/rows/<position>")
@require_permission("batch")
def decide_row(batch_id: str, position: str) -> Reply:
    """Accept a record or none, or reset; asks for an override if needed."""
    place = _place(position)
    try:
        row, answer = _decided(batch_id, place)
        status = 200
    except LinkingError as failure:
        if isinstance(failure, BatchNotFound):
            raise
        found = problem_from_error(failure)
        row, answer, status = (
            find_row(current_workspace(), batch_id, place),
            _needs_override(failure),
            found.status,
        )
        answer.said = found.detail
    if request.headers.get(PART):
        return _row_part(batch_id, row, answer), status
    if answer.question:
        return _row_page(batch_id, row, answer), status
    flash_message(answer.said, answer.tone)
    return redirect_to("pages.list_row", batch_id=batch_id, position=place)


@blueprint.post("/lists/<batch_id>/rows/<position>/claim")
@require_permission("batch")
def claim_row(batch_id: str, position: str) -> str:
    """Show others that a user looks at a row; returns who was first."""
    row = claim(current_workspace(), current_actor().device.id, batch_id, _place(position))
    return _row_part(batch_id, row, DecisionResult())


@blueprint.post("/lists/<batch_id>/leave")
@require_permission("batch")
def release_row_claims(batch_id: str) -> tuple[str, int]:
    """Release this device's claims on the list."""
    release_claims(current_workspace(), current_actor().device.id, batch_id)
    return "", 204


def _decided(batch_id: str, place: int) -> tuple[ReviewRow, DecisionResult]:
    device = current_actor().device.id
    version = request.form.get("version", "")
    shown = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else -1
    match request.form.get("do"):
        case "accept":
            record_id = request.form.get("record", "")
            row = accept(
                current_workspace(),
                device,
                ShownRow(batch_id, place, shown),
                record_id,
                _overrides(),
            )
            chosen = row.chosen.label if row.chosen else ""
            return row, DecisionResult(f"Accepted: {row.row.label} is {chosen}.")
        case "none":
            row = choose_none(current_workspace(), device, ShownRow(batch_id, place, shown))
            return row, DecisionResult(f"{row.row.label} marked as not in Commusoft.")
        case "again":
            retry_failed(current_workspace(), device, batch_id, place)
            return find_row(current_workspace(), batch_id, place), DecisionResult("Trying again.")
        case _:
            row = reopen(current_workspace(), device, ShownRow(batch_id, place, shown))
            return row, DecisionResult(f"{row.row.label} reopened.")


def _overrides() -> Overrides:
    return Overrides(
        replaces=request.form.get("replaces") or None,
        also_on=frozenset(request.form.getlist("also_on")),
        checked_empty="checked_empty" in request.form,
        accepts_kind="accepts_kind" in request.form,
    )


def _needs_override(failure: LinkingError) -> DecisionResult:
    """Return the question of a failure that an override can resolve."""
    answer = DecisionResult(tone="caution", record_id=request.form.get("record", ""))
    before, facts = _overrides(), failure.facts
    match failure.code:
        case "kind-differs":
            answer.overrides = replace(before, accepts_kind=True)
        case "record-has-reference":
            answer.overrides = replace(before, replaces=facts["current_reference"])
        case "reference-taken":
            holders = {holder.public_id for holder in facts["holders"]}
            answer.overrides = replace(before, also_on=before.also_on | holders)
        case _:
            return answer
    answer.question = failure.code
    return answer


def _row_part(batch_id: str, row: ReviewRow, answer: DecisionResult) -> str:
    facts = list_context(overview(current_workspace(), batch_id))
    return render_template("lists/rows.html", **facts, rows=[row], answer=answer)


def _row_page(batch_id: str, row: ReviewRow, answer: DecisionResult) -> str:
    facts = list_context(overview(current_workspace(), batch_id))
    return render_template(
        "lists/row_page.html", **facts, row=row, answer=answer, q="", found=[], next=None
    )


def _place(position: str) -> int:
    """Return a position. Raises BatchNotFound if it is invalid."""
    if not (position.isascii() and position.isdigit() and len(position) < 10):
        raise BatchNotFound
    return int(position)
