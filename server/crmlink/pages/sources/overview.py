"""/sources: connected companies, their state, reading again, lists, and disconnecting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from flask import render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from crmlink.accounting.exports.errors import ExportError
from crmlink.batches.source_list import list_from_source
from crmlink.pages.blueprint import Confirmation, blueprint, confirmation_page, redirect_to
from crmlink.pages.forms import flash_message
from crmlink.pages.sources.steps import STEPS
from crmlink.sources.connecting import (
    disconnect,
    find_source,
    list_sources,
    request_sync,
    take_over,
)
from crmlink.sources.context import SourceContext
from crmlink.sources.leases import is_read
from crmlink.sources.quickbooks_desktop.connectors import is_being_read
from crmlink.sources.webhooks import SIGNATURE_HEADERS
from crmlink.store import ContactSource, ContactState, SourceContact, WebConnector
from crmlink.store.base import utc_now
from crmlink.values.moments import format_moment
from crmlink.web.auth import (
    current_actor,
    current_installation,
    current_open_workspace,
    current_workspace,
    require_permission,
)
from crmlink.web.problems import Problem, trouble

# How contacts come: crmlink reads them by itself, or with a sign-in that it asks for, or the Web
# Connector or an agent brings them.
Way = Literal["reads", "asks", "connector", "agent"]
BROUGHT: Mapping[str, Way] = {"quickbooks_desktop": "connector", "sage_50": "agent"}
ACTIVE_WITHIN = timedelta(minutes=2)  # of a reading that another computer brings
LATE_AFTER = timedelta(days=3)  # a weekend may lie between
STARTS_WITHIN = timedelta(minutes=1)  # a reading that is due and does not begin has ended


@dataclass(frozen=True, slots=True)
class ShownSource:
    """One source as its card shows it; ``counts`` are its contacts by state."""

    source: ContactSource
    counts: Mapping[ContactState, int]
    reading: bool
    problem: Problem | None
    way: Way = "reads"

    @property
    def asks(self) -> bool:
        """Whether its sign-in is asked for each time."""
        return self.way == "asks"

    @property
    def stopped(self) -> bool:
        """Whether a reading with a session ended before the list was complete."""
        source = self.source
        due = source.resume_at or source.requested_at
        begun = source.is_begun or source.requested_at is not None
        return (
            self.asks
            and not self.reading
            and (begun or source.account.needs_sign_in)
            and (due is None or due < utc_now() - STARTS_WITHIN)
        )

    @property
    def late(self) -> bool:
        """Whether another computer should have brought contacts, and has not."""
        last = self.source.synced_at or self.source.connected_at
        return self.way in ("connector", "agent") and last < utc_now() - LATE_AFTER

    @property
    def waits(self) -> bool:
        """Whether it goes on at a known time without a problem, or is about to be read."""
        return (
            not self.reading
            and self.way in ("reads", "asks")
            and not self.stopped
            and not self.problem
            and (self.source.requested_at is not None or self.source.is_begun)
        )


@blueprint.get("/sources")
@require_permission("admin")
def sources() -> str:
    """Show the connected companies."""
    return render_template(
        "sources/overview.html",
        sources=_shown(current_open_workspace().sources),
        packages=[each for each in current_open_workspace().sources.registry if each in STEPS],
        every=current_installation().settings.sync_minutes,
        hooked=SIGNATURE_HEADERS,
    )


@blueprint.post("/sources/<source_id>/sync")
@require_permission("admin")
def read_source(source_id: str) -> Response:
    """Ask for a source to be read now."""
    here = current_open_workspace().sources
    with here.database.reading() as session:
        package = find_source(session, here.workspace_id, source_id).package
    if _way(here, package) == "asks":
        return redirect_to("pages.connect_source_form", package=package, source=source_id)
    if request.form.get("here"):
        take_over(here, current_actor().device, source_id)
    request_sync(here, source_id)
    current_installation().wake_workers()
    return redirect_to("pages.sources")


@blueprint.post("/sources/<source_id>/list")
@require_permission("batch")
def list_source(source_id: str) -> Response:
    """Make a list of a source's contacts."""
    here = current_open_workspace().sources
    with here.database.reading() as session:
        source = find_source(session, here.workspace_id, source_id)
    name = f"{source.name or source.package}, {format_moment(source.synced_at)}" if (
        source.synced_at
    ) else source.name  # fmt: skip
    try:
        done = list_from_source(current_workspace(), current_actor().device.id, source_id, name)
    except ExportError:
        flash_message("There are no contacts yet. Wait until they are read.", "caution")
        return redirect_to("pages.lists")
    flash_message(f"{done.contacts:,} contact{'s' if done.contacts != 1 else ''} saved as a draft.")
    return redirect_to("pages.list_detail", batch_id=done.batch.id)


@blueprint.get("/sources/<source_id>/disconnect")
@require_permission("admin")
def ask_disconnect_source(source_id: str) -> str:
    """Show what disconnecting means."""
    here = current_open_workspace().sources
    with here.database.reading() as session:
        source = find_source(session, here.workspace_id, source_id)
    sign_in = (
        "crmlink has stored no sign-in of it."
        if source.account.credentials is None
        else "crmlink deletes its sign-in, and ends it at the accounting software too."
    )
    return confirmation_page(
        Confirmation(
            title=f"Disconnect {source.name}?",
            consequences=(
                sign_in,
                "The contacts read from there are deleted here.",
                "Links and lists stay as they are.",
            ),
            button="Disconnect",
            back=url_for("pages.sources"),
        )
    )


@blueprint.post("/sources/<source_id>/disconnect")
@require_permission("admin")
def disconnect_source(source_id: str) -> Response:
    """Disconnect a source and forget its contacts."""
    ended = disconnect(current_open_workspace().sources, current_actor().device, source_id)
    if ended:
        flash_message("Disconnected. The sign-in and the contacts are deleted.")
    else:
        flash_message(
            "Deleted here, but the accounting software didn't confirm it. Remove crmlink there "
            "too, among its connected apps.",
            "caution",
        )
    return redirect_to("pages.sources")


def _shown(ctx: SourceContext) -> list[ShownSource]:
    with ctx.database.reading() as session:
        found = list_sources(session, ctx.workspace_id)
        query = (
            select(SourceContact.source_id, SourceContact.state, func.count())
            .where(SourceContact.source_id.in_([source.id for source in found]))
            .group_by(SourceContact.source_id, SourceContact.state)
        )
        counts: dict[int, dict[ContactState, int]] = {source.id: {} for source in found}
        for source_id, state, number in session.execute(query):
            counts[source_id][state] = number
        active = _active_connectors(session, [source.id for source in found])
        return [
            ShownSource(
                source,
                counts[source.id],
                source.id in active or is_read(session, ctx, source.account),
                trouble(source.problem) if source.problem else None,
                _way(ctx, source.package),
            )
            for source in found
        ]


def _active_connectors(session: Session, source_ids: list[int]) -> set[int]:
    """Return the sources of which a Web Connector is bringing contacts."""
    query = select(WebConnector).where(WebConnector.source_id.in_(source_ids))
    return {
        connector.source_id
        for connector in session.scalars(query)
        if is_being_read(connector, ACTIVE_WITHIN)
    }


def _way(ctx: SourceContext, package_id: str) -> Way:
    package = ctx.registry.get(package_id)
    if package is None:
        return BROUGHT.get(package_id, "reads")
    return "asks" if package.asks_each_time else "reads"
