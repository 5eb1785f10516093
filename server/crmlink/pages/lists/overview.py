"""/lists: all lists, and one list with its progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.access.preferences import read_preferences
from crmlink.accounting.exports.reader import RejectedRow, rejected_row_text
from crmlink.accounting.package_facts import has_list_page
from crmlink.accounting.package_rules import package_name
from crmlink.batches.drafts import list_batches
from crmlink.batches.match_job import start_matching, stop_matching
from crmlink.batches.notices import OwnBatches, note_seen, own_batches
from crmlink.batches.positions import (
    MAX_POSITIONS,
    ROW_ORDERS,
    first_to_check,
    format_ranges,
    row_positions,
)
from crmlink.batches.progress import Overview, bad_rows, overview
from crmlink.batches.rows import RowFilter, count_rows, list_rows_at
from crmlink.batches.state import DECIDABLE
from crmlink.commusoft.vault import VaultKeyMissing
from crmlink.kinds import KINDS
from crmlink.linking.errors import LinkingError
from crmlink.matching.reason_texts import confidence
from crmlink.pages.blueprint import blueprint, has_permission, redirect_to
from crmlink.pages.forms import flash_message
from crmlink.pages.labels import PACE_REASONS
from crmlink.pages.lists.labels import (
    FIELDS,
    GROUP_DECISIONS,
    QUESTIONS,
    ROW_ORDER_LABELS,
    SOURCES,
    STATE_FILTERS,
    STATES,
    VERDICTS,
    conflict_text,
    file_type_label,
    reason_lines,
)
from crmlink.store import (
    Batch,
    BatchState,
    Choice,
    Link,
    LinkState,
    RejectedBatchRow,
    RowState,
    Verdict,
)
from crmlink.values.moments import format_day
from crmlink.web.auth import (
    current_access,
    current_actor,
    current_installation,
    current_workspace,
    require_permission,
)
from crmlink.web.problems import Problem, problem_from_link, problem_from_stored
from crmlink.web.problems import trouble as trouble_of

VISIBLE_STATES = tuple(state for state in BatchState if state is not BatchState.IMPORTING)
MAX_LISTS = 100  # lists, the newest
FIRST_ROWS = 50  # rows in the page, and per request
MAX_BAD_ROWS = 20
WRITTEN = (BatchState.WRITING, BatchState.UNDOING)
MOVING = (BatchState.MATCHING, *WRITTEN)
BEFORE = (BatchState.DRAFT, BatchState.MATCHING)
ON_PAGES = (BatchState.FILLING, BatchState.REVERTING)
UNWRITTEN = (BatchState.DRAFT, BatchState.REVIEW, BatchState.CANCELLED)


@dataclass(frozen=True, slots=True)
class RowQuery:
    """The requested rows, as in the URL and as a filter."""

    query: Mapping[str, str]
    rows: RowFilter
    order: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether some rows may be left out."""
        return self.rows != RowFilter()


@blueprint.get("/lists")
@require_permission("collect")
def lists() -> str:
    """Show all lists, newest first."""
    found = list_batches(current_workspace(), *VISIBLE_STATES)
    views = [(draft, overview(current_workspace(), draft.batch.id)) for draft in found[:MAX_LISTS]]
    return render_template(
        "lists/overview.html",
        lists=[(draft, view, count_ready(view)) for draft, view in views],
        more=max(0, len(found) - MAX_LISTS),
    )


@blueprint.get("/lists/mark")
@require_permission("batch")
def lists_mark() -> str:
    """Return the navigation part with the person's lists that ended."""
    return render_template("lists/mark.html")


@blueprint.get("/lists/<batch_id>")
@require_permission("collect")
def list_detail(batch_id: str) -> str:
    """Show one list: progress, next steps, and its rows."""
    note_seen(current_workspace(), _own_id(), batch_id)
    found = overview(current_workspace(), batch_id)
    wanted = parse_row_filter()
    here_ = start_of_page()
    positions = row_positions(
        current_workspace(), batch_id, wanted.rows, order=wanted.order, offset=here_
    )
    first = list_rows_at(
        current_workspace(), batch_id, positions[:FIRST_ROWS], current_actor().device.id
    )
    return render_template(
        "lists/detail.html",
        **list_context(found),
        wanted=wanted,
        rows=first,
        total=count_rows(current_workspace(), batch_id, wanted.rows),
        start=here_,
        places=format_ranges(positions),
        at_once=FIRST_ROWS,
        orders=ROW_ORDER_LABELS,
        most=MAX_POSITIONS,
        bad=[_bad(row) for row in bad_rows(current_workspace(), batch_id, limit=MAX_BAD_ROWS)],
    )


@blueprint.get("/lists/<batch_id>/state")
@require_permission("collect")
def list_state(batch_id: str) -> str:
    """Return the changing parts of a list's page: progress, figures, number of rows.

    ``total`` is the number when the page was loaded; rows are fetched separately.
    """
    note_seen(current_workspace(), _own_id(), batch_id)
    wanted = parse_row_filter()
    total = count_rows(current_workspace(), batch_id, wanted.rows)
    text = request.args.get("total", "")
    return render_template(
        "lists/state.html",
        **list_context(overview(current_workspace(), batch_id)),
        wanted=wanted,
        total=int(text) if text.isascii() and text.isdigit() and len(text) < 10 else total,
        now_total=total,
        again=True,
    )


@blueprint.get("/lists/<batch_id>/bad")
@require_permission("collect")
def list_bad_rows(batch_id: str) -> str:
    """Show all lines of the file that were skipped."""
    found = overview(current_workspace(), batch_id)
    after = request.args.get("after", "0")
    line = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
    rows = bad_rows(current_workspace(), batch_id, line)
    return render_template("lists/bad.html", **list_context(found), bad=[_bad(row) for row in rows])


@blueprint.post("/lists/<batch_id>/match")
@require_permission("batch")
def match_list(batch_id: str) -> Response:
    """Start matching the list."""
    bound = read_preferences(current_access()).sure_bound
    start_matching(current_workspace(), current_actor().device.id, batch_id, bound)
    return back_to_list(batch_id)


@blueprint.post("/lists/<batch_id>/match/stop")
@require_permission("batch")
def stop_matching_list(batch_id: str) -> Response:
    """Stop matching."""
    stop_matching(current_workspace(), current_actor().device.id, batch_id)
    flash_message("Matching was stopped.")
    return back_to_list(batch_id)


def list_context(found: Overview) -> dict[str, object]:
    """Return the template values that every page of a list needs."""
    batch = found.batch
    problem = found.progress.problem
    return {
        "overview": found,
        "batch": batch,
        "counts": found.counts,
        "progress": found.progress,
        "title": name_of(batch),
        "trouble": trouble_of(problem) if problem else None,
        "moving": batch.state in MOVING,
        "phase": phase_of(batch),
        "has_list_page": not batch.package
        or has_list_page(current_workspace().packages, batch.package),
        "unwritten": batch.state in UNWRITTEN,
        "ready": count_ready(found),
        "first_open": first_to_check(current_workspace(), batch.id),
        "next_seconds": _seconds_until(found.progress.next_try),
        "table_url": _table_url(batch) if batch.state in ON_PAGES else None,
        **_pace(batch),
    }


def _pace(batch: Batch) -> dict[str, object]:
    """Return how often Commusoft is asked, for a list that is written or undone."""
    if batch.state not in WRITTEN:
        return {"pace": None, "most_calls": None}
    return {
        "pace": current_workspace().commusoft.pace,
        "pace_reasons": PACE_REASONS,
        "most_calls": current_installation().settings.max_calls_per_second,
    }


def _table_url(batch: Batch) -> str | None:
    """Return where the way to Commusoft's table begins; None if no connection opens.

    The address of the table itself is known only of the sandbox.
    """
    try:
        here = current_workspace()
        table = _practice_table(batch.kind) if here.uses_sandbox else ""
        return here.commusoft.web_url + table
    except (LinkingError, VaultKeyMissing):
        return None


def phase_of(batch: Batch) -> str:
    """Return the page of a list: before matching, open to decisions, or closed."""
    if batch.state in BEFORE:
        return "before"
    return "open" if batch.state in DECIDABLE else "closed"


def count_ready(found: Overview) -> int:
    """Return the number of accepted rows not written yet, those without a reference included."""
    counts = found.counts
    busy = sum(number for state, number in counts.states.items() if state in BUSY)
    return max(0, counts.choices[Choice.RECORD] - busy)


BUSY = (
    RowState.WAITING, RowState.PROCESSING, RowState.FAILED, RowState.SUCCESSFUL, RowState.UNDOING,
    RowState.WRITTEN, RowState.FILLING,
)  # fmt: skip


def name_of(batch: Batch) -> str:
    """Return a list's display name."""
    if batch.name or batch.file_name:
        return batch.name or batch.file_name
    known = batch.package in current_workspace().packages["packages"]
    package = package_name(current_workspace().packages, batch.package) if known else "Contacts"
    return f"{package}, {format_day(batch.created_at)}"


def parse_row_filter() -> RowQuery:
    """Return the filter in the URL, without invalid parts."""
    asked = {name: request.args.get(name, "").strip() for name in ("show", "choice", "q")}
    sort = request.args.get("sort", "")
    order = sort if sort.removeprefix("-") in ROW_ORDERS else ""
    show, choice = asked["show"], asked["choice"]
    query = {name: value for name, value in (asked | {"sort": order}).items() if value}
    return RowQuery(
        query,
        RowFilter(
            verdict=Verdict(show) if show in set(Verdict) else None,
            state=RowState(show) if show in set(RowState) else None,
            choice=Choice(choice) if choice in set(Choice) else None,
            search=asked["q"][:200],
        ),
        order,
    )


def back_to_list(batch_id: str) -> Response:
    """Return a redirect to the list, with the filter in the form's URL."""
    return redirect_to("pages.list_detail", batch_id=batch_id, **parse_row_filter().query)


def start_of_page() -> int:
    """Return the number of rows before this page, which has few without JavaScript."""
    text = request.args.get("from", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def _seconds_until(moment: datetime | None) -> int | None:
    return max(1, round((moment - datetime.now(UTC)).total_seconds())) if moment else None


def _own_id() -> int:
    person = current_actor().person
    return person.id if person else 0


def _own_lists() -> OwnBatches:
    """Return the notices of a person's own lists; none without permission."""
    if not has_permission("batch"):
        return OwnBatches((), False)
    try:
        return own_batches(current_workspace(), _own_id())
    except (LinkingError, VaultKeyMissing):  # no connection opens; the page shows that
        return OwnBatches((), False)


def _bad(row: RejectedBatchRow) -> RejectedRow:
    return RejectedRow(row.line, row.code, row.args)


def _open_reason(link: Link | None) -> str:
    """Return why a row is in progress: its link's last obstacle, or an awaited response."""
    found = problem_from_link(link) if link and link.state is LinkState.INTENDED else None
    return found.detail if found else "Waiting for an answer from Commusoft."


def _failure(row_failure: Mapping[str, object] | None) -> Problem | None:
    return problem_from_stored(row_failure) if row_failure else None


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "list_states": STATES,
        "list_sources": SOURCES,
        "verdicts": VERDICTS,
        "questions": QUESTIONS,
        "group_decisions": GROUP_DECISIONS,
        "own_lists": _own_lists,
        "boxes": STATE_FILTERS,
        "fields": FIELDS,
        "kinds": KINDS,
        "row_failure": _failure,
        "open_reason": _open_reason,
    }


blueprint.add_app_template_filter(rejected_row_text, "why_bad")
blueprint.add_app_template_filter(reason_lines, "reasons")
blueprint.add_app_template_filter(confidence, "confidence")
blueprint.add_app_template_filter(conflict_text, "conflict")
blueprint.add_app_template_filter(file_type_label, "file_kind")
blueprint.add_app_template_filter(name_of, "list_name")


@blueprint.app_template_filter("duration")
def _duration(seconds: float) -> str:
    """Return a duration as text."""
    if seconds < 50:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} minute{'s' if minutes != 1 else ''}"
    hours = seconds / 3600
    return f"{hours:.1f} hours".replace(".0", "")


def _practice_table(kind: str | None) -> str:
    """Return the path of the practice data's table of references."""
    from crmlink.commusoft.sandbox.web.addresses import TABLE  # other servers have no sandbox

    return f"{TABLE}/link/{kind or 'customer'}s"
