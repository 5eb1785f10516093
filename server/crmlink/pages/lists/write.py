"""Linking a whole list: the sample, the summary, the work itself, its results, and its undo."""

from __future__ import annotations

import io
from collections.abc import Callable
from tempfile import TemporaryFile

from flask import render_template, request, send_file, url_for
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
from crmlink.batches.progress import overview, summary, write_results
from crmlink.batches.rows import RowFilter, list_rows
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import BatchUnknown, LinkingFailure, SampleNeeded
from crmlink.pages.blueprint import Confirmation, blueprint, confirmation_page, redirect_to
from crmlink.pages.forms import flash_message
from crmlink.pages.lists.overview import back_to_list, list_context, name_of
from crmlink.store import BatchState, RowState
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.problems import problem_kept, problem_of

LISTED = 200  # rows that a summary names one by one

Reply = str | Response | tuple[str, int]


@blueprint.get("/lists/<batch_id>/sure")
@require_permission("batch")
def sample_of_sure(batch_id: str) -> str:
    """Sure rows drawn at random, to be looked at before all of them are accepted."""
    sample = draw_sample(current_workspace(), batch_id)
    facts = list_context(overview(current_workspace(), batch_id))
    return render_template("lists/sure.html", **facts, sample=sample)


@blueprint.post("/lists/<batch_id>/sure")
@require_permission("batch")
def accept_all_sure(batch_id: str) -> Response:
    """Accept every sure row that nobody has decided."""
    try:
        done = accept_sure(
            current_workspace(),
            current_actor().device.id,
            batch_id,
            request.form.get("token", "")[:100],
        )
    except SampleNeeded as failure:
        flash_message(problem_of(failure).detail, "caution")
        return redirect_to("pages.sample_of_sure", batch_id=batch_id)
    left = (
        f" {done.left:,} stayed open: their record was chosen for another contact."
        if done.left
        else ""
    )
    flash_message(f"{done.accepted:,} sure matches accepted.{left}")
    return redirect_to("pages.list_detail", batch_id=batch_id)


@blueprint.get("/lists/<batch_id>/link")
@require_permission("batch")
def summary_of_list(batch_id: str) -> str:
    """What linking would write, and what it would leave out."""
    return _summary_page(batch_id)


@blueprint.post("/lists/<batch_id>/link")
@require_permission("batch")
def link_list(batch_id: str) -> Reply:
    """Link as many contacts as the summary said."""
    contacts = request.form.get("contacts", "")
    number = int(contacts) if contacts.isascii() and contacts.isdigit() and len(contacts) < 9 else 0
    try:
        start_writing(current_workspace(), current_actor().device.id, batch_id, number)
    except BatchUnknown:
        raise
    except LinkingFailure as failure:
        found = problem_of(failure)
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
    """Link the contacts that still wait."""
    return _run_and_redirect(batch_id, resume)


@blueprint.get("/lists/<batch_id>/cancel")
@require_permission("batch")
def ask_cancel(batch_id: str) -> str:
    """What cancelling means."""
    found = overview(current_workspace(), batch_id)
    waiting, linked = (
        found.counts.states[state] for state in (RowState.WAITING, RowState.SUCCESSFUL)
    )
    return confirmation_page(
        Confirmation(
            title=f"Cancel “{name_of(found.batch)}”?",
            sentences=(
                f"The {waiting:,} contacts still waiting will not be linked.",
                f"The {linked:,} linked ones stay linked. You can undo them later.",
                "You can link the rest later from this list.",
            ),
            button="Cancel the list",
            back=url_for("pages.list_detail", batch_id=batch_id),
        )
    )


@blueprint.post("/lists/<batch_id>/cancel")
@require_permission("batch")
def cancel_list(batch_id: str) -> Response:
    """Link nothing further of this list."""
    return _run_and_redirect(
        batch_id,
        cancel,
        "Cancelled. What is linked stays linked. You can link the rest from here.",
    )


@blueprint.post("/lists/<batch_id>/rest")
@require_permission("batch")
def link_rest(batch_id: str) -> Response:
    """Open a cancelled list again; what linking the rest would write is shown first."""
    try:
        batch = reopen_cancelled(current_workspace(), current_actor().device.id, batch_id)
    except BatchUnknown:
        raise
    except LinkingFailure as failure:
        flash_message(problem_of(failure).detail, "caution")
        return back_to_list(batch_id)
    if batch.state is BatchState.DRAFT:
        return back_to_list(batch_id)
    return redirect_to("pages.summary_of_list", batch_id=batch_id)


@blueprint.post("/lists/<batch_id>/again")
@require_permission("batch")
def try_list_again(batch_id: str) -> Response:
    """Try every failed row once more."""
    return _run_and_redirect(batch_id, retry_failed)


@blueprint.get("/lists/<batch_id>/undo")
@require_permission("batch")
def ask_undo_list(batch_id: str) -> str:
    """What undoing the whole list would do."""
    found = overview(current_workspace(), batch_id)
    linked = found.counts.states[RowState.SUCCESSFUL]
    return confirmation_page(
        Confirmation(
            title=f"Undo all {linked:,} links of “{name_of(found.batch)}”?",
            sentences=(
                "Each record in Commusoft gets its earlier reference back.",
                "If a record has been changed since, we leave it and list it.",
            ),
            button=f"Undo {linked:,} link{'s' if linked != 1 else ''}",
            back=url_for("pages.list_detail", batch_id=batch_id),
        )
    )


@blueprint.post("/lists/<batch_id>/undo")
@require_permission("batch")
def undo_list(batch_id: str) -> Response:
    """Undo every link of the list that stands."""
    return _run_and_redirect(batch_id, start_undo)


@blueprint.get("/lists/<batch_id>/results.csv")
@require_permission("collect")
def list_results(batch_id: str) -> Response:
    """Every row with what happened, for a spreadsheet."""
    name = name_of(overview(current_workspace(), batch_id).batch)
    table = TemporaryFile()  # noqa: SIM115 - closed with the answer
    text = io.TextIOWrapper(table, encoding="utf-8-sig", newline="")
    write_results(current_workspace(), batch_id, text, lambda failure: problem_kept(failure).detail)
    text.flush()
    text.detach()
    table.seek(0)
    return send_file(
        table, "text/csv", as_attachment=True, download_name=f"{name} results.csv",
        conditional=False, etag=False,
    )  # fmt: skip


@blueprint.get("/lists/<batch_id>/summary")
@require_permission("collect")
def list_summary(batch_id: str) -> str:
    """A list in figures, with what a person still has to look at: to be read or printed."""
    found = overview(current_workspace(), batch_id)
    failed = list_rows(
        current_workspace(), batch_id, RowFilter(state=RowState.FAILED), limit=LISTED
    )
    kept = list_rows(
        current_workspace(), batch_id, RowFilter(state=RowState.SUCCESSFUL), limit=LISTED
    )
    return render_template(
        "lists/summary.html",
        **list_context(found),
        what=summary(current_workspace(), batch_id),
        failed=failed,
        not_undone=[row for row in kept if row.row.failure],
        listed=LISTED,
    )


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
    """Back to the list, which may have gone on since its page was shown; then it is said."""
    try:
        work(current_workspace(), current_actor().device.id, batch_id)
    except BatchUnknown:
        raise
    except LinkingFailure as failure:
        flash_message(problem_of(failure).detail, "caution")
    else:
        if done:
            flash_message(done)
    return back_to_list(batch_id)
