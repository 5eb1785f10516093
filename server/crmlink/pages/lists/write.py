"""Writing of a list: sample, summary, progress, results and undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.batches.accept_sure import accept_sure, draw_sample
from crmlink.batches.control import (
    cancel,
    pause,
    reopen_cancelled,
    resume,
    retry_failed,
    start_undo,
    start_writing,
)
from crmlink.batches.progress import overview, result_rows, summary
from crmlink.batches.rows import RowFilter, RowPage, list_rows
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import BatchNotFound, LinkingError, SampleRequired
from crmlink.pages.blueprint import Confirmation, blueprint, confirmation_page, redirect_to
from crmlink.pages.forms import flash_message
from crmlink.pages.lists.labels import RESULT_HEADINGS, RESULT_WORDS
from crmlink.pages.lists.overview import back_to_list, list_context, name_of, parse_row_filter
from crmlink.pages.tables import csv_reply
from crmlink.plurals import counted
from crmlink.store import BatchState, RowState
from crmlink.values.moments import format_for_table
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.problems import problem_from_error, problem_from_stored

LISTED = 200  # rows named one by one in a summary

Reply = str | Response | tuple[str, int]


@blueprint.get("/lists/<batch_id>/sure")
@require_permission("batch")
def sample_of_sure(batch_id: str) -> str:
    """Show sure rows drawn at random, before all are accepted."""
    sample = draw_sample(current_workspace(), batch_id)
    facts = list_context(overview(current_workspace(), batch_id))
    return render_template("lists/sure.html", **facts, sample=sample)


@blueprint.post("/lists/<batch_id>/sure")
@require_permission("batch")
def accept_all_sure(batch_id: str) -> Response:
    """Accept every undecided sure row."""
    try:
        done = accept_sure(
            current_workspace(),
            current_actor().device.id,
            batch_id,
            request.form.get("token", "")[:100],
        )
    except SampleRequired as failure:
        flash_message(problem_from_error(failure).detail, "caution")
        return redirect_to("pages.sample_of_sure", batch_id=batch_id)
    left = (
        f" {done.left:,} stayed open: their record was chosen for another contact."
        if done.left
        else ""
    )
    matches = counted(done.accepted, "sure match", "sure matches")
    flash_message(f"{matches} accepted.{left}")
    return redirect_to("pages.list_detail", batch_id=batch_id)


@blueprint.get("/lists/<batch_id>/link")
@require_permission("batch")
def summary_of_list(batch_id: str) -> str:
    """Show what linking would write and omit."""
    return _summary_page(batch_id)


@blueprint.post("/lists/<batch_id>/link")
@require_permission("batch")
def link_list(batch_id: str) -> Reply:
    """Link as many contacts as the summary said."""
    contacts = request.form.get("contacts", "")
    number = int(contacts) if contacts.isascii() and contacts.isdigit() and len(contacts) < 9 else 0
    try:
        start_writing(current_workspace(), current_actor().device.id, batch_id, number)
    except BatchNotFound:
        raise
    except LinkingError as failure:
        found = problem_from_error(failure)
        return _summary_page(batch_id, found.detail), found.status
    return redirect_to("pages.list_detail", batch_id=batch_id)


@blueprint.post("/lists/<batch_id>/pause")
@require_permission("batch")
def pause_list(batch_id: str) -> Response:
    """Start no further link."""
    return _run_and_redirect(batch_id, pause)


@blueprint.post("/lists/<batch_id>/resume")
@require_permission("batch")
def resume_list(batch_id: str) -> Response:
    """Continue a paused list."""
    return _run_and_redirect(batch_id, resume)


@blueprint.get("/lists/<batch_id>/cancel")
@require_permission("batch")
def ask_cancel(batch_id: str) -> str:
    """Show what cancelling means."""
    found = overview(current_workspace(), batch_id)
    waiting, linked, written, filling = (
        found.counts.states[state]
        for state in (RowState.WAITING, RowState.SUCCESSFUL, RowState.WRITTEN, RowState.FILLING)
    )
    left = counted(waiting, "contact")
    kept = counted(linked + written, "contact is", "contacts are")
    return confirmation_page(
        Confirmation(
            title=f"Cancel “{name_of(found.batch)}”?",
            sentences=(
                f"The {left} still waiting will not be linked.",
                *_withdrawn_in_words(filling),
                f"{kept} already linked and will stay linked. You can undo that later.",
                "You can link the rest later from this list.",
            ),
            button="Cancel the list",
            back=url_for("pages.list_detail", batch_id=batch_id),
        )
    )


def _withdrawn_in_words(filling: int) -> list[str]:
    """Return what becomes of contacts that wait on Commusoft's page, if any do."""
    if not filling:
        return []
    waiting = counted(filling, "contact is", "contacts are")
    return [
        f"{waiting} not seen on Commusoft's page yet and will be withdrawn. Check there what was "
        "saved."
    ]


@blueprint.post("/lists/<batch_id>/cancel")
@require_permission("batch")
def cancel_list(batch_id: str) -> Response:
    """Link nothing further of this list."""
    return _run_and_redirect(
        batch_id,
        cancel,
        "Cancelled. Contacts already linked stay linked. You can link the rest from here.",
    )


@blueprint.post("/lists/<batch_id>/rest")
@require_permission("batch")
def link_rest(batch_id: str) -> Response:
    """Reopen a cancelled list, and show the summary."""
    try:
        batch = reopen_cancelled(current_workspace(), current_actor().device.id, batch_id)
    except BatchNotFound:
        raise
    except LinkingError as failure:
        flash_message(problem_from_error(failure).detail, "caution")
        return back_to_list(batch_id)
    if batch.state is BatchState.DRAFT:
        return back_to_list(batch_id)
    return redirect_to("pages.summary_of_list", batch_id=batch_id)


@blueprint.post("/lists/<batch_id>/again")
@require_permission("batch")
def try_list_again(batch_id: str) -> Response:
    """Repeat every failed row."""
    return _run_and_redirect(batch_id, retry_failed)


@blueprint.get("/lists/<batch_id>/undo")
@require_permission("batch")
def ask_undo_list(batch_id: str) -> str:
    """Show what undoing the whole list would do."""
    found = overview(current_workspace(), batch_id)
    linked, written, filling = (
        found.counts.states[state]
        for state in (RowState.SUCCESSFUL, RowState.WRITTEN, RowState.FILLING)
    )
    linked += written  # checked first, then undone
    links = "the link" if linked == 1 else f"all {linked:,} links"
    return confirmation_page(
        Confirmation(
            title=f"Undo {links} of “{name_of(found.batch)}”?",
            sentences=(
                "Each record in Commusoft gets its earlier reference back.",
                "If a record has been changed since, we leave it and list it.",
                *_withdrawn_in_words(filling),
            ),
            button=f"Undo {counted(linked, 'link')}",
            back=url_for("pages.list_detail", batch_id=batch_id),
        )
    )


@blueprint.post("/lists/<batch_id>/undo")
@require_permission("batch")
def undo_list(batch_id: str) -> Response:
    """Undo every link of the list that is in effect."""
    return _run_and_redirect(batch_id, start_undo)


@blueprint.get("/lists/<batch_id>/results.csv")
@require_permission("collect")
def list_results(batch_id: str) -> Response:
    """Return the rows of the filter in the URL, with their outcomes, as CSV."""
    name = name_of(overview(current_workspace(), batch_id).batch)
    rows = result_rows(
        current_workspace(),
        batch_id,
        lambda failure: problem_from_stored(failure).detail,
        parse_row_filter().rows,
    )
    return csv_reply(f"{name} results.csv", tuple(RESULT_HEADINGS.values()), map(_csv_row, rows))


@blueprint.get("/lists/<batch_id>/summary")
@require_permission("collect")
def list_summary(batch_id: str) -> str:
    """Show a list's figures and rows that need attention, also for print."""
    found = overview(current_workspace(), batch_id)
    failed = list_rows(
        current_workspace(), batch_id, RowFilter(state=RowState.FAILED), RowPage(limit=LISTED)
    )
    kept = list_rows(
        current_workspace(), batch_id, RowFilter(state=RowState.SUCCESSFUL), RowPage(limit=LISTED)
    )
    return render_template(
        "lists/summary.html",
        **list_context(found),
        what=summary(current_workspace(), batch_id),
        failed=failed,
        not_undone=[row for row in kept if row.row.failure],
        listed=LISTED,
    )


def _csv_row(values: Mapping[str, Any]) -> list[str]:
    return [_csv_value(name, str(values[name])) for name in RESULT_HEADINGS]


def _csv_value(name: str, value: str) -> str:
    if name in ("decided_at", "when"):
        return format_for_table(datetime.fromisoformat(value)) if value else ""
    if name == "record":
        return value.replace("-", " ")
    return RESULT_WORDS.get(name, {}).get(value, value)


def _summary_page(batch_id: str, refused: str = "") -> str:
    found = overview(current_workspace(), batch_id)
    return render_template(
        "lists/link.html",
        **list_context(found),
        what=summary(current_workspace(), batch_id),
        refused=refused,
    )


def _run_and_redirect(
    batch_id: str, work: Callable[[WorkspaceContext, int, str], object], done: str = ""
) -> Response:
    """Run an action and return to the list; a state that has changed is reported."""
    try:
        work(current_workspace(), current_actor().device.id, batch_id)
    except BatchNotFound:
        raise
    except LinkingError as failure:
        flash_message(problem_from_error(failure).detail, "caution")
    else:
        if done:
            flash_message(done)
    return back_to_list(batch_id)
