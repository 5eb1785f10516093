"""The overview: how much is linked, what happened lately, what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, url_for

from crmlink.access.api_tokens import list_tokens
from crmlink.access.devices import Standing, list_devices, standing, was_copied
from crmlink.access.pairing import waiting_for_admin
from crmlink.batches.drafts import list_batches
from crmlink.pages.blueprint import blueprint, may
from crmlink.reports.link_health import MirrorState, mirror_state, recent_links, shares, unfinished
from crmlink.store import BatchState, Link
from crmlink.web.auth import desk, house, needs
from crmlink.web.problems import problem


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits: what (a code that the template puts into words), how much, where."""

    code: str
    count: int
    url: str
    detail: str = ""


@blueprint.get("/")
@needs("read")
def overview() -> str:
    """How things stand."""
    mirror = mirror_state(desk(), house().settings.sync_minutes)
    return render_template(
        "overview.html",
        shares=shares(desk()),
        recent=recent_links(desk()),
        mirror=mirror,
        tasks=[*_of_links(), *_of_devices(), *_of_commusoft(mirror)],
    )


def _of_links() -> list[Task]:
    waiting, lists = unfinished(desk()), url_for("pages.lists")
    found = [
        Task("conflict", len(waiting.conflicts), _where(waiting.conflicts, "conflict")),
        Task("failed", len(waiting.failed), _where(waiting.failed, "failed")),
        Task("hanging", len(waiting.hanging), _where(waiting.hanging, "intended")),
        Task("drafts", len(list_batches(desk())), lists),
        Task("reviews", len(list_batches(desk(), BatchState.REVIEW, BatchState.PAUSED)), lists),
    ]
    return [task for task in found if task.count]


def _where(links: tuple[Link, ...], state: str) -> str:
    if len(links) == 1:
        return url_for("pages.link", link_id=links[0].id)
    return url_for("pages.links", state=state)


def _of_devices() -> list[Task]:
    if not may("admin"):
        return []
    office = house().office
    found = [
        Task("pairings", len(waiting_for_admin(office)), url_for("pages.devices")),
        Task("copies", sum(map(was_copied, list_devices(office))), url_for("pages.devices")),
        Task(
            "tokens",
            sum(standing(token) is Standing.EXPIRING for token in list_tokens(office)),
            url_for("pages.devices", _anchor="tokens"),
        ),
    ]
    return [task for task in found if task.count]


def _of_commusoft(mirror: MirrorState) -> list[Task]:
    where = url_for("pages.commusoft") if may("admin") else ""
    found = []
    if trouble := desk().commusoft.trouble:
        found.append(Task("commusoft", 1, where, problem(trouble).title))
    if mirror.old and not mirror.syncing:
        found.append(Task("mirror", 1, where))
    return found
