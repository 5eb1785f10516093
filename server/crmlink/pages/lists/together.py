"""Decisions on many rows at once: ticked ones, or all that a filter shows."""

from __future__ import annotations

from collections.abc import Iterable

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.batches.decide_together import (
    MAX_SELECTED,
    GroupAgreement,
    GroupDecision,
    GroupResult,
    TickedRow,
    decide_group,
    decide_ticked,
    preview_group,
)
from crmlink.batches.progress import overview
from crmlink.linking.errors import CountChanged, SampleRequired
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import flash_message
from crmlink.pages.lists.labels import GROUP_DONE
from crmlink.pages.lists.overview import list_context, parse_row_filter
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.problems import problem_from_error


@blueprint.get("/lists/<batch_id>/together")
@require_permission("batch")
def ask_decide_group(batch_id: str) -> str | Response:
    """Show what deciding all rows of a filter means, with a random sample."""
    decision = _decision(request.args.get("do", ""))
    wanted = parse_row_filter()
    if decision is None:
        return _back(batch_id)
    return render_template(
        "lists/together.html",
        **list_context(overview(current_workspace(), batch_id)),
        wanted=wanted,
        decision=decision,
        preview=preview_group(current_workspace(), batch_id, decision, wanted.rows),
    )


@blueprint.post("/lists/<batch_id>/together")
@require_permission("batch")
def decide_rows(batch_id: str) -> Response:
    """Decide the ticked rows as they were shown."""
    decision = _decision(request.form.get("do", ""))
    ticked = list(_ticked(request.form.getlist("row")))
    if decision is None or not ticked:
        flash_message("Select contacts first.", "caution")
        return _back(batch_id)
    if len(ticked) > MAX_SELECTED:
        flash_message(f"Select up to {MAX_SELECTED:,} contacts at a time.", "caution")
        return _back(batch_id)
    device = current_actor().device.id
    _flash_result(decision, decide_ticked(current_workspace(), device, batch_id, decision, ticked))
    return _back(batch_id)


@blueprint.post("/lists/<batch_id>/together/all")
@require_permission("batch")
def decide_all_rows(batch_id: str) -> Response:
    """Decide all rows of a filter, as many as the previous page said."""
    decision = _decision(request.form.get("do", ""))
    if decision is None:
        return _back(batch_id)
    try:
        done = decide_group(
            current_workspace(),
            current_actor().device.id,
            batch_id,
            decision,
            parse_row_filter().rows,
            GroupAgreement(
                _number(request.form.get("contacts", "")), request.form.get("token", "")[:100]
            ),
        )
    except (CountChanged, SampleRequired) as failure:
        flash_message(problem_from_error(failure).detail, "caution")
        query = parse_row_filter().query
        return redirect_to("pages.ask_decide_group", batch_id=batch_id, do=decision.value, **query)
    _flash_result(decision, done)
    return _back(batch_id)


def _flash_result(decision: GroupDecision, done: GroupResult) -> None:
    contacts = f"{done.decided:,} contact{'s' if done.decided != 1 else ''}"
    left = (
        f" {done.left:,} {'were' if done.left != 1 else 'was'} left as before: "
        "changed in the meantime, or to be checked one by one."
        if done.left
        else ""
    )
    said = GROUP_DONE[decision.value].format(contacts=contacts)
    flash_message(said + left, "good" if done.decided else "caution")


def _ticked(values: Iterable[str]) -> Iterable[TickedRow]:
    """Yield the rows of a form: position, version and record; duplicates once."""
    several = (value for text in values for value in text.split(","))
    for value in dict.fromkeys(several):
        place, _, rest = value.partition(":")
        version, _, record_id = rest.partition(":")
        if _is_number(place) and _is_number(version):
            yield TickedRow(int(place), int(version), record_id)


def _decision(text: str) -> GroupDecision | None:
    return GroupDecision(text) if text in set(GroupDecision) else None


def _number(text: str) -> int:
    return int(text) if _is_number(text) else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _back(batch_id: str) -> Response:
    query = parse_row_filter().query
    return redirect_to("pages.list_detail", batch_id=batch_id, _anchor="rows", **query)
