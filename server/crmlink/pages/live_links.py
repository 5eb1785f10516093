"""/left/live: links beside live contacts, and what is done about those that are not right."""

from __future__ import annotations

from uuid import uuid4

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.kinds import kind_named
from crmlink.linking.decisions import Decision, require_connection
from crmlink.linking.overrides import Overrides
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import flash_message, number_in
from crmlink.pages.link_form import confirm_form
from crmlink.reports.duplicates import shared_references
from crmlink.reports.live_changes import check_contact, link_changes
from crmlink.reports.live_links import RetiredLink, find_merged, live_findings, sources_read
from crmlink.web.auth import current_actor, current_workspace, require_permission

Reply = str | Response | tuple[str, int]


@blueprint.get("/left/live")
@require_permission("read")
def left_live() -> str:
    """Show links that are no longer right, each with what can be done."""
    ctx = current_workspace()
    return render_template(
        "reports/live_links.html",
        sources=sources_read(ctx),
        found=live_findings(ctx),
        changes=link_changes(ctx),
        twice=shared_references(ctx),
    )


@blueprint.post("/left/live/<contact_id>/checked")
@require_permission("link")
def check_contact_of_link(contact_id: str) -> Response:
    """Note that a linked contact's shown name and address are right."""
    is_noted = check_contact(
        current_workspace(),
        current_actor().device.id,
        number_in(contact_id) or 0,
        request.form.get("name", ""),
        request.form.get("address", ""),
    )
    if is_noted:
        flash_message("Noted. crmlink shows it again when the contact changes again.")
    else:
        flash_message("That has changed in the meantime. Nothing was noted.", "caution")
    return redirect_to("pages.left_live")


@blueprint.get("/left/live/<contact_id>/<record_id>")
@require_permission("link")
def ask_move_link(contact_id: str, record_id: str) -> Reply:
    """Show what moving a link to the surviving contact means."""
    found = find_merged(current_workspace(), record_id, number_in(contact_id) or 0)
    if found is None or found.survivor is None:
        flash_message("That has changed in the meantime. Nothing was changed.", "caution")
        return redirect_to("pages.left_live")
    return _page(found)


@blueprint.post("/left/live/<contact_id>/<record_id>")
@require_permission("link")
def move_link(contact_id: str, record_id: str) -> Reply:
    """Link the record to the surviving contact, in place of the reference that was shown."""
    ctx = current_workspace()
    require_connection(ctx, request.form.get("connection_id", ""))
    found = find_merged(ctx, record_id, number_in(contact_id) or 0)
    shown = (request.form.get("replaces", ""), request.form.get("reference", ""))
    if found is None or found.survivor is None or shown != (
        found.record.reference, found.survivor.reference,
    ):  # fmt: skip
        flash_message("That has changed in the meantime. Nothing was changed.", "caution")
        return redirect_to("pages.left_live")
    decision = Decision(
        package=found.source.package,
        kind=kind_named(found.survivor.kind) or found.record.kind,
        reference=found.survivor.reference,
        record_id=found.record.public_id,
        organisation=found.source.organisation,
        contact_name=found.survivor.label,
        overrides=Overrides(replaces=shown[0]),
    )
    return confirm_form(decision, lambda refused: _page(found, refused))


def _page(found: RetiredLink, refused: str = "") -> str:
    return render_template(
        "reports/move_link.html",
        found=found,
        refused=refused,
        key=uuid4().hex,
        connection_id=current_workspace().public_connection_id,
    )
