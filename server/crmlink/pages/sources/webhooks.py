"""/hooks: what accounting software sends of changes; /sources/<id>/webhook: its key.

The first is open to strangers. It answers nothing, and only asks for a reading.
"""

from __future__ import annotations

import structlog
from flask import Response as FlaskResponse
from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.access.errors import WorkspaceSuspended
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import Form, flash_message, sent
from crmlink.sources.connecting import find_source
from crmlink.sources.errors import SourceNotFound, WebhookRefused
from crmlink.sources.webhooks import (
    MAX_KEY_LENGTH,
    SIGNATURE_HEADERS,
    receive_webhook,
    set_webhook_key,
)
from crmlink.web.auth import (
    current_actor,
    current_installation,
    current_open_workspace,
    enter_workspace,
    require_permission,
    sign_in_context,
)
from crmlink.web.hosts import external_url
from crmlink.web.source_senders import workspace_of_webhook

log = structlog.get_logger()

Reply = str | Response | tuple[str, int]


@blueprint.post("/hooks/<source_id>")
def accept_webhook(source_id: str) -> FlaskResponse:
    """Ask for a reading, if the accounting software signed what it sent."""
    headers = {name.lower(): value for name, value in request.headers}
    try:
        owner = enter_workspace(workspace_of_webhook(sign_in_context(), source_id))
        is_new = receive_webhook(owner.sources, source_id, headers, request.get_data())
    except (WebhookRefused, WorkspaceSuspended) as error:
        log.info("webhook refused", problem=error.code)
        return FlaskResponse(status=401)
    if is_new:
        current_installation().wake_workers()
    return FlaskResponse(status=200)


@blueprint.get("/sources/<source_id>/webhook")
@require_permission("admin")
def webhook_form(source_id: str) -> str:
    """Show how the accounting software tells of changes."""
    return _page(source_id, Form())


@blueprint.post("/sources/<source_id>/webhook")
@require_permission("admin")
def save_webhook(source_id: str) -> Reply:
    """Keep the key for what it sends, or end that."""
    form = sent("remove")
    key = request.form.get("key", "").strip()  # never shown again
    if not form.values["remove"] and not (key.isascii() and 0 < len(key) <= MAX_KEY_LENGTH):
        form.errors["key"] = "Paste the key here."
        return _page(source_id, form), 422
    here = current_open_workspace().sources
    set_webhook_key(here, current_actor().device, source_id, "" if form.values["remove"] else key)
    flash_message("Ended." if form.values["remove"] else "Saved. Now check it there.")
    return redirect_to("pages.webhook_form", source_id=source_id)


def _page(source_id: str, form: Form) -> str:
    here = current_open_workspace().sources
    with here.database.reading() as session:
        source = find_source(session, here.workspace_id, source_id)
    if source.package not in SIGNATURE_HEADERS:
        raise SourceNotFound
    address = external_url("pages.accept_webhook", source_id=source_id)
    return render_template(
        "sources/webhook.html",
        source=source,
        address=address,
        reachable=address.startswith("https://"),
        form=form,
    )
