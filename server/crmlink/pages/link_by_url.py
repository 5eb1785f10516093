"""/left/link: links a record by the URL of its contact's page."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.accounting.locate import Location, cautions, locate
from crmlink.linking.decisions import Decision, require_connection
from crmlink.linking.known_kinds import known_kind
from crmlink.linking.workspace_rules import workspace_rules
from crmlink.pages.blueprint import blueprint
from crmlink.pages.link_form import confirm_form
from crmlink.reports.records import record_with_links
from crmlink.store import MirroredRecord
from crmlink.web.auth import current_workspace, require_permission

MAX_URL_LENGTH = 2_000

Reply = str | Response | tuple[str, int]


@blueprint.get("/left/link/<record_id>")
@require_permission("link")
def link_by_address(record_id: str) -> str:
    """Show the form for the URL; with one, what it identifies, to confirm."""
    return _page(record_with_links(current_workspace(), record_id)[0], _address())


@blueprint.post("/left/link/<record_id>")
@require_permission("link")
def do_link_by_address(record_id: str) -> Reply:
    """Link the contact of the shown URL to the shown record."""
    require_connection(current_workspace(), request.form.get("connection_id", ""))
    record, _ = record_with_links(current_workspace(), record_id)
    address = _address()
    location = _located(address)
    if not _fits(location, record):
        return _page(record, address), 422
    decision = Decision(
        package=location.package or "",
        kind=record.kind,
        reference=location.reference or "",
        record_id=record.public_id,
        organisation=location.organisation or "",
        contact_name=record.label,
    )
    return confirm_form(decision, lambda refused: _page(record, address, refused))


def _address() -> str:
    return request.values.get("url", "").strip()[:MAX_URL_LENGTH]


def _located(address: str) -> Location:
    """Return what a URL shows, with the contact's kind if crmlink knows it from elsewhere."""
    ctx = current_workspace()
    found = locate(address, workspace_rules(ctx))
    if found.kind or not (found.package and found.reference):
        return found
    kind = known_kind(ctx, found.package, found.organisation or "", found.reference)
    return replace(found, kind=kind)


def _fits(location: Location, record: MirroredRecord) -> bool:
    """Return whether the URL's contact is of the record's kind, or its kind is unknown."""
    shows = location.page == "contact" and bool(location.reference)
    return shows and location.kind in (None, record.kind)


def _page(record: MirroredRecord, address: str, refused: str = "") -> str:
    packages = workspace_rules(current_workspace())
    location = _located(address)
    return render_template(
        "reports/link_by_url.html",
        record=record,
        address=address,
        location=location,
        fits=_fits(location, record),
        cautions=cautions(location, packages),
        refused=refused,
        key=uuid4().hex,
        connection_id=current_workspace().public_connection_id,
    )
