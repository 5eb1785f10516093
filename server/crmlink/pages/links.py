"""/links: list, detail and undo."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import uuid4

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.roles import may_undo, require_may_undo
from crmlink.commusoft.errors import CommusoftError
from crmlink.kinds import kind_named
from crmlink.linking.decisions import UndoDecision, find_link, undo
from crmlink.linking.errors import LinkingError, ReferenceTaken
from crmlink.pages.blueprint import blueprint
from crmlink.pages.forms import flash_message, number_in
from crmlink.pages.tables import csv_reply, parse_order
from crmlink.reports.link_health import mirror_state
from crmlink.reports.links import (
    ORDERS,
    LinkFilter,
    LinkHistory,
    all_links,
    link_history,
    list_links,
    people_who_linked,
)
from crmlink.store import Link, LinkState, MirroredRecord
from crmlink.values.moments import format_for_table, parse_day
from crmlink.web.auth import (
    current_actor,
    current_installation,
    current_workspace,
    require_permission,
)
from crmlink.web.problem_texts.links import UNDO_OBSTACLES
from crmlink.web.problems import Problem, problem_from_error, problem_from_link

FIELDS = ("q", "state", "kind", "package", "person", "since", "until")
STATES = {
    LinkState.INTENDED: "In progress",
    LinkState.LINKED: "Linked",
    LinkState.FAILED: "Failed",
    LinkState.CONFLICT: "Conflict",
    LinkState.UNDONE: "Undone",
}
CSV_HEADINGS = (
    "When", "Who", "Contact", "Accounting software", "Commusoft name", "Commusoft number",
    "Reference before", "Reference after", "Status",
)  # fmt: skip
FARTHEST = 10_000  # pages; what lies behind is found by a filter


@blueprint.get("/links")
@require_permission("read")
def links() -> str:
    """Show matching links, in pages."""
    query = {name: request.args.get(name, "").strip() for name in FIELDS}
    order = parse_order(ORDERS, "-when")
    return render_template(
        "links.html",
        leaf=list_links(
            current_workspace(),
            _filter(query),
            page_number(),
            order.column,
            descending=order.descending,
        ),
        order=order,
        query={name: value for name, value in (query | {"sort": order.text}).items() if value},
        values=query,
        people=people_who_linked(current_workspace()),
        packages=current_workspace().packages["packages"],
        wrong_days=[name for name in ("since", "until") if query[name] and not _day(query[name])],
    )


@blueprint.get("/links.csv")
@require_permission("read")
def links_csv() -> Response:
    """Return matching links as CSV, newest first."""
    query = {name: request.args.get(name, "").strip() for name in FIELDS}
    found = all_links(current_workspace(), _filter(query))
    return csv_reply("crmlink links.csv", CSV_HEADINGS, map(_csv_row, found))


@blueprint.get("/links/<link_id>")
@require_permission("read")
def link(link_id: str) -> str:
    """Show one link with its history."""
    history = link_history(current_workspace(), link_id)
    return render_template(
        "link.html",
        history=history,
        link=history.link,
        failure=_failure(history.link),
        allowed=may_undo(current_actor(), history.link.device),
        can_undo=history.obstacle is None,
        obstacle=_obstacle(history),
        page_url=_page_url(history.link),
        mirror=mirror_state(current_workspace(), current_installation().settings.sync_minutes),
    )


@blueprint.get("/links/<link_id>/undo")
@require_permission("link")
def ask_undo(link_id: str) -> str:
    """Show what an undo would do."""
    return _undo_page(link_history(current_workspace(), link_id))


@blueprint.post("/links/<link_id>/undo")
@require_permission("link")
def do_undo(link_id: str) -> Response | tuple[str, int]:
    """Undo a link, or show why that is impossible."""
    require_may_undo(current_actor(), find_link(current_workspace(), link_id).device)
    also_on = frozenset(request.form.getlist("also_on"))
    key = request.form.get("key", "")[:100] or uuid4().hex
    try:
        done = undo(
            current_workspace(), UndoDecision(link_id, also_on), key, current_actor().device.id
        )
    except (LinkingError, CommusoftError) as error:
        found = problem_from_error(error)
        holders = error.facts["holders"] if isinstance(error, ReferenceTaken) else []
        page = _undo_page(link_history(current_workspace(), link_id), found, holders)
        return page, found.status
    _flash_outcome(done)
    return redirect(url_for("pages.link", link_id=done.id), 303)


def _csv_row(link: Link) -> tuple[str, ...]:
    rules = current_workspace().packages["packages"].get(link.package)
    return (
        format_for_table(link.created_at), link.device.actor_name, link.contact_name,
        rules["name"] if rules else link.package, link.record_label,
        f"{link.kind} {link.record_number}", link.prior or "", link.target or "",
        "Restored" if link.undoes_id and link.state is LinkState.LINKED else STATES[link.state],
    )  # fmt: skip


def page_number() -> int:
    """Return the requested page; the first for an invalid number."""
    return min(number_in(request.args.get("page", "")) or 1, FARTHEST)


def _undo_page(
    history: LinkHistory, refused: Problem | None = None, holders: Sequence[MirroredRecord] = ()
) -> str:
    return render_template(
        "undo.html",
        history=history,
        link=history.link,
        allowed=may_undo(current_actor(), history.link.device),
        can_undo=history.obstacle is None,
        obstacle=_obstacle(history),
        refused=refused,
        holders=holders,
        key=uuid4().hex,
    )


def _flash_outcome(link: Link) -> None:
    if link.state is LinkState.LINKED:
        flash_message("Undone. Commusoft shows the earlier reference again.")
    elif link.state is not LinkState.INTENDED:  # its page shows the progress
        failure = _failure(link)
        flash_message(failure.detail if failure else "", "stop")


def _failure(link: Link) -> Problem | None:
    return problem_from_link(link)


def _obstacle(history: LinkHistory) -> str:
    return UNDO_OBSTACLES.get(history.obstacle or "", "")


def _page_url(link: Link) -> str:
    return current_workspace().commusoft.page_url(link.kind, link.record_number)


def _filter(query: dict[str, str]) -> LinkFilter:
    return LinkFilter(
        search=query["q"][:200],
        state=LinkState(query["state"]) if query["state"] in set(LinkState) else None,
        kind=kind_named(query["kind"]),
        package=query["package"],
        person=query["person"],
        since=_day(query["since"]),
        until=_day(query["until"]),
    )


def _day(text: str) -> date | None:
    return parse_day(text)
