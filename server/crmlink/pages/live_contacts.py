"""/left/contacts: live contacts without a record, and linking one."""

from __future__ import annotations

from uuid import uuid4

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.kinds import kind_named
from crmlink.linking.decisions import Decision, require_connection
from crmlink.linking.suggest import Contact, search, suggest
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import flash_message, number_in
from crmlink.pages.link_form import confirm_form
from crmlink.pages.links import page_number
from crmlink.pages.parked import MAX_RESULTS, MAX_SEARCH_LENGTH, kind_of_record
from crmlink.reports.live_links import (
    UnlinkedContact,
    find_unlinked,
    sources_read,
    unlinked_contacts,
)
from crmlink.store import MirroredRecord
from crmlink.values.contact_details import ContactDetails, stored_fields
from crmlink.web.auth import current_workspace, require_permission

Reply = str | Response | tuple[str, int]


@blueprint.get("/left/contacts")
@require_permission("read")
def left_contacts() -> str:
    """Show live contacts without a record, new ones first."""
    ctx = current_workspace()
    return render_template(
        "reports/live_contacts.html",
        leaf=unlinked_contacts(ctx, page_number()),
        sources=sources_read(ctx),
    )


@blueprint.get("/left/contacts/<contact_id>")
@require_permission("link")
def live_contact(contact_id: str) -> Reply:
    """Show one contact, with the records that may be its own, and a search."""
    found = find_unlinked(current_workspace(), number_in(contact_id) or 0)
    return _page(found, request.args.get("q", "")) if found else _changed()


@blueprint.post("/left/contacts/<contact_id>")
@require_permission("link")
def link_live_contact(contact_id: str) -> Reply:
    """Link it to the chosen record; a reference already on the record is never overwritten."""
    ctx = current_workspace()
    require_connection(ctx, request.form.get("connection_id", ""))
    found = find_unlinked(ctx, number_in(contact_id) or 0)
    if found is None or request.form.get("reference", "") != found.contact.reference:
        return _changed()
    record_id = request.form.get("record_id", "")[:100]
    decision = Decision(
        package=found.source.package,
        kind=kind_named(found.contact.kind) or kind_of_record(record_id),
        reference=found.contact.reference,
        record_id=record_id,
        organisation=found.source.organisation,
        contact_name=found.contact.label,
    )
    return confirm_form(decision, lambda refused: _page(found, request.form.get("q", ""), refused))


def _changed() -> Response:
    flash_message("That has changed in the meantime. Nothing was changed.", "caution")
    return redirect_to("pages.left_contacts")


def _page(found: UnlinkedContact, words: str, refused: str = "") -> str:
    ctx = current_workspace()
    typed = words.strip()[:MAX_SEARCH_LENGTH]
    return render_template(
        "reports/live_contact.html",
        contact=found.contact,
        source=found.source,
        typed=typed,
        found=_records(found, typed),
        refused=refused,
        key=uuid4().hex,
        connection_id=ctx.public_connection_id,
    )


def _records(found: UnlinkedContact, typed: str) -> list[MirroredRecord]:
    """Return the records that fit the typed text, or the likeliest for the contact."""
    ctx, kind = current_workspace(), kind_named(found.contact.kind)
    if typed:
        return search(ctx, typed, kind, MAX_RESULTS)
    details = ContactDetails(**stored_fields(found.contact, kind=kind, retired=False))
    contact = Contact(
        found.source.package, found.contact.reference, kind, found.source.organisation, details
    )
    likeliest = suggest(ctx, contact).suggestions
    return [record for record, _ in likeliest if kind in (None, record.kind)]
