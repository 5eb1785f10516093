"""Overview: share linked, recent links, and pending tasks."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, url_for

from crmlink.access.api_tokens import list_tokens
from crmlink.access.audit.seals import last_check_was_sound
from crmlink.access.devices import DeviceStatus, device_status, list_devices, was_copied
from crmlink.access.pairing import list_awaiting_admin
from crmlink.batches.drafts import list_batches
from crmlink.pages.blueprint import blueprint, has_permission
from crmlink.reports.link_health import MirrorState, mirror_state, recent_links, shares, unfinished
from crmlink.store import BatchState, Link
from crmlink.web.auth import (
    current_access,
    current_installation,
    current_workspace,
    require_permission,
)
from crmlink.web.problems import problem


@dataclass(frozen=True, slots=True)
class PendingTask:
    """A pending task: its code, which the template renders, a number, and a link."""

    code: str
    count: int
    url: str
    detail: str = ""


@blueprint.get("/")
@require_permission("read")
def overview() -> str:
    """Show the overview."""
    mirror = mirror_state(current_workspace(), current_installation().settings.sync_minutes)
    return render_template(
        "overview.html",
        shares=shares(current_workspace()),
        recent=recent_links(current_workspace()),
        mirror=mirror,
        tasks=[*_of_links(), *_of_devices(), *_of_commusoft(mirror), *_of_updates()],
    )


def _of_links() -> list[PendingTask]:
    waiting, lists = unfinished(current_workspace()), url_for("pages.lists")
    found = [
        PendingTask("conflict", len(waiting.conflicts), _where(waiting.conflicts, "conflict")),
        PendingTask("failed", len(waiting.failed), _where(waiting.failed, "failed")),
        PendingTask("unseen", len(waiting.unseen), _where(waiting.unseen, "failed")),
        PendingTask("stalled", len(waiting.stalled), _where(waiting.stalled, "intended")),
        PendingTask("drafts", len(list_batches(current_workspace())), lists),
        PendingTask(
            "reviews",
            len(list_batches(current_workspace(), BatchState.REVIEW, BatchState.PAUSED)),
            lists,
        ),
    ]
    return [task for task in found if task.count]


def _where(links: tuple[Link, ...], state: str) -> str:
    if len(links) == 1:
        return url_for("pages.link", link_id=links[0].id)
    return url_for("pages.links", state=state)


def _of_devices() -> list[PendingTask]:
    if not has_permission("admin"):
        return []
    access = current_access()
    found = [
        PendingTask(
            "audit",
            not last_check_was_sound(access.database, access.workspace_id),
            url_for("pages.audit"),
        ),
        PendingTask("pairings", len(list_awaiting_admin(access)), url_for("pages.devices")),
        PendingTask("copies", sum(map(was_copied, list_devices(access))), url_for("pages.devices")),
        PendingTask(
            "tokens",
            sum(device_status(token) is DeviceStatus.EXPIRING for token in list_tokens(access)),
            url_for("pages.devices", _anchor="tokens"),
        ),
    ]
    return [task for task in found if task.count]


def _of_updates() -> list[PendingTask]:
    newer = current_installation().newer_version
    if not newer or not has_permission("admin") or current_installation().has_several:
        return []
    return [PendingTask("update", 1, "", f"crmlink {newer} is there")]


def _of_commusoft(mirror: MirrorState) -> list[PendingTask]:
    where = url_for("pages.commusoft") if has_permission("admin") else ""
    unread = "unread" if mirror.has_api else "import"
    if not mirror.has_api:
        where = url_for("pages.new_record_import") if has_permission("batch") else ""
    found = []
    if trouble := current_workspace().commusoft.last_error_code:
        found.append(PendingTask("commusoft", 1, where, problem(trouble).title))
    if mirror.is_stale and not mirror.syncing:
        found.append(PendingTask("mirror" if mirror.since else unread, 1, where))
    return found
