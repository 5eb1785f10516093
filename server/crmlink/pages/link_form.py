"""Linking as a form asked: the link's own page, or the form again with the problem."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from crmlink.accounting.errors import InvalidReference
from crmlink.commusoft.errors import CommusoftError
from crmlink.linking.decisions import Decision, confirm
from crmlink.linking.errors import LinkingError
from crmlink.pages.forms import flash_message
from crmlink.store import Link, LinkState
from crmlink.web.auth import current_actor, current_workspace
from crmlink.web.problems import problem_from_error, problem_from_link


def confirm_form(decision: Decision, page: Callable[[str], str]) -> Response | tuple[str, int]:
    """Link as the form asked, once for its key; ``page`` shows the form with a problem."""
    key = request.form.get("key", "")[:100] or uuid4().hex
    try:
        link = confirm(current_workspace(), decision, key, current_actor().device.id)
    except (LinkingError, CommusoftError, InvalidReference) as error:
        problem = problem_from_error(error)
        return page(problem.detail), problem.status
    _flash_outcome(link)
    return redirect(url_for("pages.link", link_id=link.id), 303)


def _flash_outcome(link: Link) -> None:
    if link.state is LinkState.LINKED:
        flash_message("Linked. Commusoft now shows the reference.")
    elif link.state is not LinkState.INTENDED and (found := problem_from_link(link)):
        flash_message(found.detail, "stop")  # otherwise its page shows the progress or the undo
