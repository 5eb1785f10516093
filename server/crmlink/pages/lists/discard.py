"""/lists/…/discard: delete a list of which nothing was written."""

from __future__ import annotations

from flask import url_for
from werkzeug.wrappers import Response

from crmlink.batches.drafts import discard_batch, require_unwritten
from crmlink.batches.progress import overview
from crmlink.pages.blueprint import (
    Confirmation,
    blueprint,
    confirmation_page,
    has_permission,
    redirect_to,
)
from crmlink.pages.forms import flash_message
from crmlink.pages.lists.overview import name_of
from crmlink.plurals import counted
from crmlink.store import BatchState
from crmlink.web.auth import (
    MissingPermission,
    current_actor,
    current_workspace,
    require_permission,
)


@blueprint.get("/lists/<batch_id>/discard")
@require_permission("collect")
def ask_discard(batch_id: str) -> str:
    """Show what discarding a list means, or why it is kept."""
    require_unwritten(current_workspace(), batch_id)
    found = overview(current_workspace(), batch_id)
    contacts = counted(found.counts.rows, "contact")
    return confirmation_page(
        Confirmation(
            title=f"Delete “{name_of(found.batch)}”?",
            sentences=(
                f"Its {contacts} and every decision made on this list are deleted.",
                "Nothing in Commusoft changes.",
            ),
            button="Delete the list",
            back=url_for("pages.list_detail", batch_id=batch_id),
        )
    )


@blueprint.post("/lists/<batch_id>/discard")
@require_permission("collect")
def discard_list(batch_id: str) -> Response:
    """Delete a list of which nothing was written."""
    batch = overview(current_workspace(), batch_id).batch
    if batch.state is not BatchState.DRAFT:
        _require_permission("batch")
    discard_batch(current_workspace(), batch_id, current_actor().device.id)
    flash_message(f"“{name_of(batch)}” was deleted.")
    return redirect_to("pages.lists")


def _require_permission(permission: str) -> None:
    """Raise MissingPermission unless the user has a permission."""
    if not has_permission(permission):
        raise MissingPermission(permission)
