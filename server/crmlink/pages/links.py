"""The links: looked through, looked at, undone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from uuid import uuid4

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.roles import may_undo, require_may_undo
from crmlink.commusoft.errors import CommusoftError
from crmlink.kinds import KINDS, Kind
from crmlink.linking.decisions import find_link, undo
from crmlink.linking.errors import LinkingFailure, ReferenceTaken
from crmlink.pages.blueprint import blueprint
from crmlink.pages.forms import flash_message
from crmlink.reports.links import (
    LinkFilter,
    LinkHistory,
    link_history,
    list_links,
    people_who_linked,
)
from crmlink.store import Link, LinkState, MirroredRecord
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.problems import UNDO_OBSTACLES, Problem, problem_of, problem_of_link

FIELDS = ("q", "state", "kind", "package", "person", "since", "until")
FARTHEST = 10_000  # pages; what lies behind is found by a filter


@blueprint.get("/links")
@require_permission("read")
def links() -> str:
    """Links that fit, page by page."""
    query = {name: request.args.get(name, "").strip() for name in FIELDS}
    return render_template(
        "links.html",
        leaf=list_links(current_workspace(), _filter(query), page_number()),
        query={name: value for name, value in query.items() if value},
        values=query,
        people=people_who_linked(current_workspace()),
        packages=current_workspace().packages["packages"],
        wrong_days=[name for name in ("since", "until") if query[name] and not _day(query[name])],
    )


@blueprint.get("/links/<link_id>")
@require_permission("read")
def link(link_id: str) -> str:
    """One link with its history."""
    story = link_history(current_workspace(), link_id)
    return render_template(
        "link.html",
        story=story,
        link=story.link,
        failure=_failure(story.link),
        allowed=may_undo(current_actor(), story.link.device),
        can_undo=story.obstacle is None,
        obstacle=_obstacle(story),
        page_url=_page_url(story.link),
    )


@blueprint.get("/links/<link_id>/undo")
@require_permission("link")
def ask_undo(link_id: str) -> str:
    """What an undo would do, before it is done."""
    return _undo_page(link_history(current_workspace(), link_id))


@blueprint.post("/links/<link_id>/undo")
@require_permission("link")
def do_undo(link_id: str) -> Response | tuple[str, int]:
    """Put back what stood there before; says why where that cannot be."""
    require_may_undo(current_actor(), find_link(current_workspace(), link_id).device)
    also_on = frozenset(request.form.getlist("also_on"))
    key = request.form.get("key", "")[:100] or uuid4().hex
    try:
        done = undo(current_workspace(), link_id, key, current_actor().device.id, also_on)
    except (LinkingFailure, CommusoftError) as error:
        found = problem_of(error)
        holders = error.facts["holders"] if isinstance(error, ReferenceTaken) else []
        page = _undo_page(link_history(current_workspace(), link_id), found, holders)
        return page, found.status
    _tell_end(done)
    return redirect(url_for("pages.link", link_id=done.id), 303)


def page_number() -> int:
    """The page of a list that is asked for; the first for anything that is no page."""
    asked = request.args.get("page", "1")
    return min(max(int(asked), 1), FARTHEST) if asked.isascii() and asked.isdigit() else 1


def kind_of(text: str) -> Kind | None:
    """A kind, or None for anything else."""
    return text if text in KINDS else None


def _undo_page(
    story: LinkHistory, refused: Problem | None = None, holders: Sequence[MirroredRecord] = ()
) -> str:
    return render_template(
        "undo.html",
        story=story,
        link=story.link,
        allowed=may_undo(current_actor(), story.link.device),
        can_undo=story.obstacle is None,
        obstacle=_obstacle(story),
        refused=refused,
        holders=holders,
        key=uuid4().hex,
    )


def _tell_end(link: Link) -> None:
    if link.state is LinkState.LINKED:
        flash_message(
            "Undone: Commusoft was read again and shows the reference that it had before."
        )
    elif link.state is not LinkState.INTENDED:  # its page says how far that is, as long as it is
        failure = _failure(link)
        flash_message(failure.detail if failure else "", "stop")


def _failure(link: Link) -> Problem | None:
    return problem_of_link(link)


def _obstacle(story: LinkHistory) -> str:
    return UNDO_OBSTACLES.get(story.obstacle or "", "")


def _page_url(link: Link) -> str:
    return current_workspace().commusoft.page_url(link.kind, link.record_number)


def _filter(query: dict[str, str]) -> LinkFilter:
    return LinkFilter(
        search=query["q"][:200],
        state=LinkState(query["state"]) if query["state"] in set(LinkState) else None,
        kind=kind_of(query["kind"]),
        package=query["package"],
        person=query["person"],
        since=_day(query["since"]),
        until=_day(query["until"]),
    )


def _day(text: str) -> date | None:
    """A day as people here write it: 31/01/2026."""
    with suppress(ValueError):
        return datetime.strptime(text, "%d/%m/%Y").date()
    return None
