"""/parked: contacts without a record, to be linked once their record exists."""

from __future__ import annotations

from uuid import uuid4

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.kinds import Kind, kind_named
from crmlink.linking.decisions import Decision, require_connection
from crmlink.linking.parked import count_parked, find_parked, parked_contacts, unpark
from crmlink.linking.suggest import search
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import flash_message
from crmlink.pages.link_form import confirm_form
from crmlink.store import ParkedContact
from crmlink.web.auth import current_actor, current_workspace, require_permission

MAX_SEARCH_LENGTH = 200
MAX_RESULTS = 20

Reply = str | Response | tuple[str, int]


@blueprint.get("/parked")
@require_permission("read")
def parked() -> str:
    """Show the contacts without a record."""
    ctx = current_workspace()
    return render_template("parked.html", contacts=parked_contacts(ctx), total=count_parked(ctx))


@blueprint.get("/parked/<parked_id>")
@require_permission("link")
def parked_contact(parked_id: str) -> str:
    """Show one contact, with a search for its record."""
    contact = find_parked(current_workspace(), parked_id)
    return _page(contact, request.args.get("q", contact.name or contact.company))


@blueprint.post("/parked/<parked_id>/link")
@require_permission("link")
def link_parked(parked_id: str) -> Reply:
    """Link it to the chosen record; a reference already on the record is never overwritten."""
    ctx = current_workspace()
    require_connection(ctx, request.form.get("connection_id", ""))
    contact = find_parked(ctx, parked_id)
    record_id = request.form.get("record_id", "")[:100]
    decision = Decision(
        package=contact.package,
        kind=kind_named(contact.kind) or kind_of_record(record_id),
        reference=contact.reference,
        record_id=record_id,
        organisation=contact.organisation,
        contact_name=contact.label,
    )
    return confirm_form(
        decision, lambda refused: _page(contact, request.form.get("q", ""), refused)
    )


@blueprint.post("/parked/<parked_id>/remove")
@require_permission("link")
def remove_parked(parked_id: str) -> Response:
    """Remove it without linking."""
    unpark(current_workspace(), parked_id, current_actor().device.id)
    flash_message("Removed from the parked contacts.")
    return redirect_to("pages.parked")


def kind_of_record(record_id: str) -> Kind:
    """Return the record's kind, which the user chose if the contact's URL gives none."""
    return kind_named(record_id.partition("-")[0]) or "customer"


def _page(contact: ParkedContact, words: str, refused: str = "") -> str:
    ctx = current_workspace()
    typed = words.strip()[:MAX_SEARCH_LENGTH]
    found = search(ctx, typed, kind_named(contact.kind), MAX_RESULTS) if typed else []
    return render_template(
        "parked_contact.html",
        contact=contact,
        typed=typed,
        found=found,
        refused=refused,
        key=uuid4().hex,
        connection_id=ctx.public_connection_id,
    )
