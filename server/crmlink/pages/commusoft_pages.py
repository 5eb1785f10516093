"""/commusoft: how references are written, an account without an API, and what waits on pages."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.access.roles import require_may_undo
from crmlink.commusoft.connection import DEFAULT_ORIGIN, ConnectionUnsafe, WebApplication
from crmlink.kinds import KINDS
from crmlink.linking.connections import Account, Consent, contents_in_use, save_connection
from crmlink.linking.decisions import find_link
from crmlink.linking.errors import ConnectionNotAgreed
from crmlink.linking.on_page import withdraw
from crmlink.linking.records.fields import record_fields, remove_field
from crmlink.linking.ways import choose_writes, how_it_writes
from crmlink.pages.blueprint import Confirmation, blueprint, confirmation_page, redirect_to
from crmlink.pages.forms import Form, flash_message, is_ticked, sent
from crmlink.reports.link_health import waiting_on_pages
from crmlink.store import LinkState, Writes
from crmlink.web.auth import (
    current_access,
    current_actor,
    current_open_workspace,
    current_workspace,
    require_permission,
)
from crmlink.web.connection_words import replaced_in_words
from crmlink.web.problems import problem_from_error, problem_from_link

Reply = str | Response | tuple[str, int]
MAX_WAITING = 50  # shown on the page
WAYS = {  # of writing: label, what it means
    Writes.API: (
        "By Commusoft's API",
        "crmlink saves each reference itself and reads the record again.",
    ),
    Writes.PAGES: (
        "On Commusoft's pages",
        "crmlink fills the reference in on the record's own page, you press Save there, and "
        "crmlink reads the page again.",
    ),
    Writes.API_THEN_PAGES: (
        "By the API, on the pages where it refuses",
        "What the API does not save, suppliers perhaps, waits to be saved on the record's page.",
    ),
}


def writing_context() -> dict[str, Any]:
    """Return the template values of the sections about writing on pages."""
    here = current_workspace()
    waiting = waiting_on_pages(here, MAX_WAITING + 1)
    return {
        "has_api": here.has_api,
        "ways": {way.value: words for way, words in WAYS.items()},
        "writes": how_it_writes(here).value,
        "shown_fields": record_fields(here),
        "waiting": [
            (
                link,
                here.commusoft.page_url(link.kind, link.record_number),
                problem_from_link(link),
            )
            for link in waiting[:MAX_WAITING]
        ],
        "more_waiting": len(waiting) > MAX_WAITING,
    }


@blueprint.post("/commusoft/writes")
@require_permission("admin")
def save_writes() -> Response:
    """Store how references are written."""
    chosen = request.form.get("writes", "")
    if chosen not in {way.value for way in Writes}:
        flash_message("Choose how references are written.", "stop")
        return redirect_to("pages.commusoft")
    choose_writes(current_workspace(), Writes(chosen), current_actor().device.id)
    flash_message("Saved. What waits on Commusoft's pages already stays there.")
    return redirect_to("pages.commusoft")


@blueprint.post("/commusoft/fields/<kind>/remove")
@require_permission("admin")
def remove_shown_field(kind: str) -> Response:
    """Forget a field that an admin showed."""
    found = next((known for known in KINDS if known == kind), None)
    if found is None:
        abort(404)
    remove_field(current_workspace(), found, current_actor().device.id)
    flash_message("Removed. crmlink finds the field by its label again.")
    return redirect_to("pages.commusoft")


@blueprint.get("/links/<link_id>/withdraw")
@require_permission("link")
def ask_withdraw(link_id: str) -> Reply:
    """Show what withdrawing a link means."""
    link = find_link(current_workspace(), link_id)
    require_may_undo(current_actor(), link.device)
    if link.state is not LinkState.INTENDED:
        return redirect_to("pages.link", link_id=link_id)
    return confirmation_page(
        Confirmation(
            title=f"Withdraw the reference for {link.record_label}?",
            sentences=(
                "crmlink will not fill it in any more, and another decision can be made.",
                "crmlink has not looked at the page now. If you saved it in Commusoft all the "
                "same, open the record there instead: then it counts as linked.",
            ),
            button="Withdraw",
            back=url_for("pages.link", link_id=link_id),
        )
    )


@blueprint.post("/links/<link_id>/withdraw")
@require_permission("link")
def withdraw_link(link_id: str) -> Response:
    """Give up a link that waits on a page."""
    require_may_undo(current_actor(), find_link(current_workspace(), link_id).device)
    link = withdraw(current_workspace(), link_id, None, current_actor().device.id)
    if link.state is LinkState.FAILED:
        flash_message("Withdrawn. Check the record in Commusoft if you are not sure.", "caution")
    return redirect_to("pages.link", link_id=link_id)


@blueprint.get("/commusoft/connect-pages")
@require_permission("admin")
def connect_pages_form() -> str:
    """Show the form for an account without an API."""
    return _connect_page(Form({"origin": DEFAULT_ORIGIN}))


@blueprint.post("/commusoft/connect-pages")
@require_permission("admin")
def connect_pages() -> Reply:
    """Use an account of which only the pages are known.

    The user must agree to what is deleted or put aside, as it is now.
    """
    form = sent("origin", "agreement")
    try:
        account = WebApplication(form.values["origin"])
    except ConnectionUnsafe as error:
        form.errors["origin"] = str(error)
    else:
        check_agreement(form, account)
    if form.errors or current_open_workspace().account_of_environment:
        return _connect_page(form), 422
    try:
        save_connection(
            current_access().database,
            current_access().workspace_id,
            account,
            Consent(by=current_actor().device, agreement=form.values["agreement"]),
        )
    except ConnectionNotAgreed as refused:
        form.errors["agreed"] = problem_from_error(refused).detail
        return _connect_page(form), 422
    flash_message("Connected. Bring your customers and suppliers in next.")
    return redirect_to("pages.commusoft")


def check_agreement(form: Form, account: Account) -> None:
    """Check the agreement to what is replaced; adds an error if that has changed."""
    contents = contents_in_use(current_access().database, current_access().workspace_id, account)
    if contents is None or not contents.has_decisions:
        return
    if not is_ticked("agreed"):
        form.errors["agreed"] = "Tick the box to agree."
    elif form.values["agreement"] != contents.agreement:
        form.errors["agreed"] = "Something was added in the meantime. Check the numbers again."


def _connect_page(form: Form) -> str:
    contents = contents_in_use(current_access().database, current_access().workspace_id)
    return render_template(
        "connect_pages.html",
        contents=contents,
        sentences=replaced_in_words(contents) if contents else [],
        form=form,
        by_environment=current_open_workspace().account_of_environment is not None,
    )
