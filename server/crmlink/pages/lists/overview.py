"""/lists: whole lists of contacts, and one of them by how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.preferences import read_preferences
from crmlink.accounting.exports.reader import BadRow, say
from crmlink.accounting.package_facts import has_list_page
from crmlink.accounting.package_rules import package_name
from crmlink.batches.drafts import discard_batch, list_batches
from crmlink.batches.match_job import start_matching, stop_matching
from crmlink.batches.positions import MOST_PLACES, in_ranges, places
from crmlink.batches.progress import Overview, bad_rows, overview
from crmlink.batches.row_details import label
from crmlink.batches.rows import RowFilter, count_rows, list_rows_at
from crmlink.kinds import KINDS
from crmlink.pages.blueprint import Ask, ask, blueprint, here, may
from crmlink.pages.forms import tell
from crmlink.pages.lists.labels import (
    BOXES,
    FIELDS,
    QUESTIONS,
    SOURCES,
    STATES,
    VERDICTS,
    conflict_in_words,
    file_in_words,
    reasons_in_words,
)
from crmlink.store import BadBatchRow, Batch, BatchState, Choice, RowState, Verdict
from crmlink.web.auth import actor, desk, needs, office
from crmlink.web.problems import Problem, problem_kept
from crmlink.web.problems import trouble as trouble_of

SHOWN = tuple(state for state in BatchState if state is not BatchState.IMPORTING)
MOST_SHOWN = 100  # lists, the newest
FIRST_ROWS = 50  # that a page brings along; also as many as are fetched at once
BAD_SHOWN = 20
MOVING = (BatchState.MATCHING, BatchState.WRITING, BatchState.UNDOING)
BEFORE = (BatchState.DRAFT, BatchState.MATCHING)
DECIDABLE = (BatchState.REVIEW, BatchState.WRITING, BatchState.PAUSED, BatchState.DONE)
UNWRITTEN = (BatchState.DRAFT, BatchState.REVIEW, BatchState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows somebody wants to see, as the address says it, and as the rows are asked for."""

    query: Mapping[str, str]
    rows: RowFilter


@blueprint.get("/lists")
@needs("collect")
def lists() -> str:
    """All of them, the newest first."""
    found = list_batches(desk(), *SHOWN)
    views = [(draft, overview(desk(), draft.batch.id)) for draft in found[:MOST_SHOWN]]
    return render_template(
        "lists/overview.html",
        lists=[(draft, view, ready(view)) for draft, view in views],
        more=max(0, len(found) - MOST_SHOWN),
    )


@blueprint.get("/lists/<batch_id>")
@needs("collect")
def one_list(batch_id: str) -> str:
    """One list: how far it is, what to do next, and its rows."""
    found = overview(desk(), batch_id)
    wanted = wanted_rows()
    here_ = start_of_page()
    positions = places(desk(), batch_id, wanted.rows, offset=here_)
    first = list_rows_at(desk(), batch_id, positions[:FIRST_ROWS], actor().device.id)
    return render_template(
        "lists/detail.html",
        **list_facts(found),
        wanted=wanted,
        rows=first,
        total=count_rows(desk(), batch_id, wanted.rows),
        start=here_,
        places=in_ranges(positions),
        at_once=FIRST_ROWS,
        most=MOST_PLACES,
        bad=[_bad(row) for row in bad_rows(desk(), batch_id, limit=BAD_SHOWN)],
    )


@blueprint.get("/lists/<batch_id>/state")
@needs("collect")
def list_state(batch_id: str) -> str:
    """The parts of a list's page that change: how far it is, its figures, how many rows fit.

    ``total`` is how many fitted when the page was loaded; the rows are fetched by themselves.
    """
    wanted = wanted_rows()
    total = count_rows(desk(), batch_id, wanted.rows)
    text = request.args.get("total", "")
    return render_template(
        "lists/state.html",
        **list_facts(overview(desk(), batch_id)),
        wanted=wanted,
        total=int(text) if text.isascii() and text.isdigit() and len(text) < 10 else total,
        now_total=total,
        again=True,
    )


@blueprint.get("/lists/<batch_id>/bad")
@needs("collect")
def list_bad_rows(batch_id: str) -> str:
    """Lines of the file that were left out, all of them."""
    found = overview(desk(), batch_id)
    after = request.args.get("after", "0")
    line = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
    rows = bad_rows(desk(), batch_id, line)
    return render_template("lists/bad.html", **list_facts(found), bad=[_bad(row) for row in rows])


@blueprint.post("/lists/<batch_id>/match")
@needs("batch")
def match_list(batch_id: str) -> Response:
    """Have the whole list matched."""
    bound = read_preferences(office()).sure_bound
    start_matching(desk(), actor().device.id, batch_id, bound)
    return here("pages.one_list", batch_id=batch_id)


@blueprint.post("/lists/<batch_id>/match/stop")
@needs("batch")
def stop_matching_list(batch_id: str) -> Response:
    """Match no further."""
    stop_matching(desk(), actor().device.id, batch_id)
    tell("Matching was stopped.")
    return here("pages.one_list", batch_id=batch_id)


@blueprint.get("/lists/<batch_id>/discard")
@needs("collect")
def ask_discard(batch_id: str) -> str:
    """What throwing a list away means."""
    found = overview(desk(), batch_id)
    return ask(
        Ask(
            title=f"Throw “{name_of(found.batch)}” away?",
            sentences=(
                f"crmlink forgets the {found.counts.rows:,} contacts on it and what was decided "
                "for them.",
                "Nothing of it was written to Commusoft, and nothing is now.",
            ),
            button="Throw it away",
            back=url_for("pages.one_list", batch_id=batch_id),
        )
    )


@blueprint.post("/lists/<batch_id>/discard")
@needs("collect")
def discard_list(batch_id: str) -> Response:
    """Throw a list away that nothing was written of."""
    batch = overview(desk(), batch_id).batch
    if batch.state is not BatchState.DRAFT:
        _only_with("batch")
    discard_batch(desk(), batch_id, actor().device.id)
    tell(f"“{name_of(batch)}” was thrown away.")
    return here("pages.lists")


def list_facts(found: Overview) -> dict[str, object]:
    """What every page of a list says of it."""
    batch = found.batch
    trouble = found.progress.trouble
    return {
        "overview": found,
        "batch": batch,
        "counts": found.counts,
        "progress": found.progress,
        "title": name_of(batch),
        "trouble": trouble_of(trouble) if trouble else None,
        "moving": batch.state in MOVING,
        "phase": phase_of(batch),
        "has_list_page": not batch.package or has_list_page(desk().packages, batch.package),
        "unwritten": batch.state in UNWRITTEN,
        "ready": ready(found),
    }


def phase_of(batch: Batch) -> str:
    """Which of its pages a list has: before it is matched, open to decisions, or closed."""
    if batch.state in BEFORE:
        return "before"
    return "open" if batch.state in DECIDABLE else "closed"


def ready(found: Overview) -> int:
    """How many rows a person has accepted that are not written yet, those without one included."""
    counts = found.counts
    busy = sum(number for state, number in counts.states.items() if state in BUSY)
    return max(0, counts.choices[Choice.RECORD] - busy)


BUSY = (
    RowState.WAITING, RowState.PROCESSING, RowState.FAILED, RowState.SUCCESSFUL, RowState.UNDOING,
)  # fmt: skip


def name_of(batch: Batch) -> str:
    """What to call a list."""
    if batch.name or batch.file_name:
        return batch.name or batch.file_name
    known = batch.package in desk().packages["packages"]
    package = package_name(desk().packages, batch.package) if known else "Contacts"
    return f"{package}, {batch.created_at.astimezone():%d/%m/%Y}"


def wanted_rows() -> Wanted:
    """The filter that the address asks for; what it cannot mean is left out."""
    asked = {name: request.args.get(name, "").strip() for name in ("show", "choice", "q")}
    show, choice = asked["show"], asked["choice"]
    query = {name: value for name, value in asked.items() if value}
    return Wanted(
        query,
        RowFilter(
            verdict=Verdict(show) if show in set(Verdict) else None,
            state=RowState(show) if show in set(RowState) else None,
            choice=Choice(choice) if choice in set(Choice) else None,
            search=asked["q"][:200],
        ),
    )


def start_of_page() -> int:
    """How many rows come before this page's first; without JavaScript a page is a few rows."""
    text = request.args.get("from", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def _only_with(permission: str) -> None:
    from crmlink.web.auth import ScopeMissing

    if not may(permission):
        raise ScopeMissing(permission)


def _bad(row: BadBatchRow) -> BadRow:
    return BadRow(row.line, row.code, row.args)


def _failure(row_failure: Mapping[str, object] | None) -> Problem | None:
    return problem_kept(row_failure) if row_failure else None


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "list_states": STATES,
        "list_sources": SOURCES,
        "verdicts": VERDICTS,
        "questions": QUESTIONS,
        "boxes": BOXES,
        "fields": FIELDS,
        "kinds": KINDS,
        "row_failure": _failure,
    }


blueprint.add_app_template_filter(say, "why_bad")
blueprint.add_app_template_filter(label, "contact_label")
blueprint.add_app_template_filter(reasons_in_words, "reasons")
blueprint.add_app_template_filter(conflict_in_words, "conflict")
blueprint.add_app_template_filter(file_in_words, "file_kind")
blueprint.add_app_template_filter(name_of, "list_name")


@blueprint.app_template_filter("duration")
def _duration(seconds: float) -> str:
    """How long something takes, as people say it."""
    if seconds < 50:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} minute{'s' if minutes != 1 else ''}"
    hours = seconds / 3600
    return f"{hours:.1f} hours".replace(".0", "")
