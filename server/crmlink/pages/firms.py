"""/firms: the firms of the installation, for its operators: figures, and nothing of their data.

With one firm the pages are not there.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from flask import abort, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from crmlink.access.errors import InvalidFields
from crmlink.access.operators import acts_on, list_operators
from crmlink.access.quotas import list_usage, set_limits
from crmlink.access.workspaces import (
    WorkspaceFigures,
    list_deleted,
    list_figures,
    make_workspace,
    note_export,
    rename_workspace,
    suspend_workspace,
)
from crmlink.pages.blueprint import (
    Confirmation,
    blueprint,
    confirmation_page,
    operates_firms,
    redirect_to,
)
from crmlink.pages.forms import Form, flash_message, number_in, sent
from crmlink.pages.labels import action_in_words
from crmlink.pages.tables import parse_order, sorted_rows
from crmlink.store import LinkState, Workspace
from crmlink.store.quotas import Quota
from crmlink.store.sizes import size_of_workspace
from crmlink.store.workspaces import workspace_by_public_id
from crmlink.upkeep.backup import TEMPORARY
from crmlink.upkeep.delete_workspace import FirstWorkspace, NotSuspended, delete_workspace
from crmlink.upkeep.export_workspace import export_workspace
from crmlink.web.auth import (
    MissingPermission,
    current_actor,
    current_installation,
    current_open_workspace,
    sign_in_context,
)
from crmlink.web.hosts import invitation_url, public_address

PAGE_SIZE = 200  # firms on a page; the others are found by name
LONG_AGO = datetime.min.replace(tzinfo=UTC)
SORT_KEYS: dict[str, Callable[[WorkspaceFigures], Any]] = {
    "name": lambda one: one.workspace.name.casefold(),
    "people": lambda one: one.people,
    "records": lambda one: one.records,
    "links": lambda one: one.links,
    "synced": lambda one: one.synced_at or LONG_AGO,
    "used": lambda one: one.last_used_at or LONG_AGO,
}
FIRST = "The first firm can't be deleted: its files are those of the installation."
STATES = {
    LinkState.INTENDED: "in progress",
    LinkState.LINKED: "linked",
    LinkState.UNDONE: "undone",
    LinkState.CONFLICT: "in conflict",
    LinkState.FAILED: "failed",
}
LIMITED = {
    Quota.PEOPLE: ("People", "Invited ones count."),
    Quota.DEVICES: ("Connected browsers and tokens", ""),
    Quota.LISTS: ("Lists", "Those that are done count while they are kept."),
    Quota.ROWS: ("Contacts of a list", ""),
    Quota.SOURCES: ("Companies whose contacts are read live", ""),
    Quota.REQUESTS: ("Requests a minute", "Of everyone in the firm together."),
    Quota.RECORDS: ("Customers and suppliers", "From this number you are warned here. All are "
                    "read: with some missing, duplicates would not be found."),
}  # fmt: skip
OWN = "You are signed in through this firm. Suspend it with the command line instead."
Reply = str | Response | tuple[str, int]
P = ParamSpec("P")
R = TypeVar("R")


def require_operator(view: Callable[P, R]) -> Callable[P, R]:
    """Decorate a view of the installation's firms: 404 with one firm, else for operators only."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not current_installation().has_several:
            abort(404)
        if not operates_firms():
            raise MissingPermission("operator")
        return view(*args, **kwargs)

    return guarded


@blueprint.get("/firms")
@require_operator
def firms() -> str:
    """Show all firms with their figures, and a form to make one."""
    return _page(Form())


@blueprint.post("/firms")
@require_operator
def make_firm() -> Reply:
    """Make a firm; the one-time link of its first admin is shown once."""
    form = sent("name")
    try:
        made, token = make_workspace(sign_in_context(), form.values["name"], current_actor())
    except InvalidFields as refused:
        form.add_error(refused)
        return _page(form), 422
    return render_template(
        "firm_made.html", firm=made, link=invitation_url(public_address(), token)
    )


@blueprint.get("/firms/<firm_id>")
@require_operator
def firm(firm_id: str) -> str:
    """Show one firm's figures, and what operators did with it."""
    found = _find(firm_id)
    return _firm_page(found, Form({"name": found.name}))


@blueprint.post("/firms/<firm_id>")
@require_operator
def rename_firm(firm_id: str) -> Reply:
    """Name a firm."""
    found, form = _find(firm_id), sent("name")
    try:
        rename_workspace(sign_in_context(), found, form.values["name"], current_actor())
    except InvalidFields as refused:
        form.add_error(refused)
        return _firm_page(found, form), 422
    flash_message("Saved.")
    return redirect_to("pages.firm", firm_id=firm_id)


@blueprint.post("/firms/<firm_id>/limits")
@require_operator
def limit_firm(firm_id: str) -> Reply:
    """Set the limits of a firm; an empty one is none."""
    found, form = _find(firm_id), sent(*(quota.value for quota in Quota))
    limits: dict[Quota, int | None] = {}
    for quota in Quota:
        text = form.values[quota].replace(",", "").strip()
        limits[quota] = (number_in(text) or 0) if text else None
    try:
        set_limits(sign_in_context(), found, limits, current_actor())
    except InvalidFields as refused:
        form.add_error(refused)
        return _firm_page(found, Form({"name": found.name}), form), 422
    flash_message("Saved.")
    return redirect_to("pages.firm", firm_id=firm_id)


@blueprint.get("/firms/<firm_id>/suspend")
@require_operator
def ask_suspend_firm(firm_id: str) -> str:
    """Show what stops while a firm is suspended."""
    found = _find(firm_id)
    return confirmation_page(
        Confirmation(
            title=f"Suspend {_name(found)}?",
            consequences=(
                "No one of the firm can use crmlink, and their extension says why.",
                "Lists stop, and nothing is read or written for the firm.",
                "Nothing is deleted, and browsers stay connected.",
            ),
            button="Suspend",
            back=url_for("pages.firm", firm_id=firm_id),
        )
    )


@blueprint.post("/firms/<firm_id>/suspend")
@require_operator
def suspend_firm(firm_id: str) -> Response:
    """Suspend a firm."""
    found = _find(firm_id)
    if found.id == current_open_workspace().id:
        flash_message(OWN, "stop")
    else:
        suspend_workspace(sign_in_context(), found, current_actor(), suspended=True)
        flash_message("Suspended.")
    return redirect_to("pages.firm", firm_id=firm_id)


@blueprint.post("/firms/<firm_id>/resume")
@require_operator
def resume_firm(firm_id: str) -> Response:
    """Let a suspended firm work again."""
    suspend_workspace(sign_in_context(), _find(firm_id), current_actor(), suspended=False)
    current_installation().wake_workers()
    flash_message("The firm can use crmlink again.")
    return redirect_to("pages.firm", firm_id=firm_id)


@blueprint.post("/firms/<firm_id>/export")
@require_operator
def export_firm(firm_id: str) -> Response:
    """Send everything that is kept of a firm, without passwords and tokens."""
    found, here = _find(firm_id), current_installation()
    place = here.settings.data_dir
    content = tempfile.TemporaryFile(dir=place)  # noqa: SIM115 # closed once it is sent
    with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}-", dir=place) as folder:
        file = Path(folder) / "export"
        export_workspace(here.database, found, file)
        with file.open("rb") as written:
            shutil.copyfileobj(written, content)
    note_export(sign_in_context(), found, current_actor())
    content.seek(0)
    return send_file(
        content,
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"crmlink-{found.public_id[:8]}.zip",
        max_age=0,
    )


@blueprint.get("/firms/<firm_id>/delete")
@require_operator
def ask_delete_firm(firm_id: str) -> str:
    """Show what is deleted with a firm, and ask for its name."""
    return _delete_page(_figures(_find(firm_id)), Form())


@blueprint.post("/firms/<firm_id>/delete")
@require_operator
def delete_firm(firm_id: str) -> Reply:
    """Delete a suspended firm for good."""
    found, form, here = _find(firm_id), sent("name"), current_installation()
    if form.values["name"].strip() != found.name or not found.name:
        form.errors["name"] = "That is not its name. Nothing was deleted."
        return _delete_page(_figures(found), form), 422
    try:
        delete_workspace(sign_in_context(), found, here.settings.data_dir, current_actor())
    except NotSuspended:
        form.errors[""] = "The firm works. Suspend it first."
    except FirstWorkspace:
        form.errors[""] = FIRST
    except OSError as error:
        form.errors[""] = f"Its files can't all be deleted ({error.strerror}). Try again."
    if form.errors:
        return _delete_page(_figures(found), form), 422
    flash_message(f"{found.name} is deleted. Backups made before still hold it.")
    return redirect_to("pages.firms")


def _find(firm_id: str) -> Workspace:
    found = workspace_by_public_id(current_installation().database, firm_id)
    if found is None:
        abort(404)
    return found


def _figures(found: Workspace) -> WorkspaceFigures:
    return list_figures(sign_in_context(), found.id)[0]


def _name(found: Workspace) -> str:
    return found.name or found.public_id[:8]


def _page(form: Form) -> str:
    order, text = parse_order(SORT_KEYS, "name"), request.args.get("q", "").strip()[:100]
    everything = list_figures(sign_in_context())
    matching = [one for one in everything if text.casefold() in one.workspace.name.casefold()]
    return render_template(
        "firms.html",
        form=form,
        rows=sorted_rows(matching, order, SORT_KEYS)[:PAGE_SIZE],
        matching=len(matching),
        total=len(everything),
        order=order,
        query={name: value for name, value in (("q", text), ("sort", order.text)) if value},
        operators=list_operators(sign_in_context()),
        deleted=list_deleted(sign_in_context()),
    )


def _firm_page(found: Workspace, form: Form, limits: Form | None = None) -> str:
    context = sign_in_context()
    usage = list_usage(context, found)
    if limits is None:
        limits = Form({each.quota.value: str(each.most or "") for each in usage})
    with context.database.reading() as session:
        size = size_of_workspace(session, found.id)
    return render_template(
        "firm.html",
        figures=_figures(found),
        form=form,
        size=size,
        limits=limits,
        usage=[(each, *LIMITED[each.quota]) for each in usage],
        many_records=any(each.is_reached for each in usage if each.quota is Quota.RECORDS),
        states={str(state): text for state, text in STATES.items()},
        acts=[
            (entry.at, name, action_in_words(entry.action, entry.details))
            for entry, name in acts_on(context.of(found.id))
        ],
    )


def _delete_page(figures: WorkspaceFigures, form: Form) -> str:
    return render_template("firm_delete.html", figures=figures, form=form)
