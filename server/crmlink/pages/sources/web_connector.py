"""/quickbooks: what the Web Connector calls; /sources/<id>/connector: its file and password.

The first is open to strangers, and does nothing without the Web Connector's password. Its errors
are answers of the protocol, since the Web Connector shows nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog
from flask import Response as FlaskResponse
from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.access.errors import TooManyAttempts, WorkspaceSuspended
from crmlink.pages.blueprint import blueprint
from crmlink.pages.sources.sketches import SKETCHES
from crmlink.pages.sources.steps import QUICKBOOKS_DESKTOP
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import ConnectorRefused, SessionOver, SourceError
from crmlink.sources.quickbooks_desktop.connectors import (
    NewPassword,
    add_connector,
    connector_of,
    open_session,
    replace_password,
)
from crmlink.sources.quickbooks_desktop.session import (
    close_session,
    error_of_session,
    next_request,
    note_unreachable,
    receive_answer,
)
from crmlink.sources.quickbooks_desktop.soap import (
    NotACall,
    Result,
    answer_to,
    connector_file,
    fault,
    read_call,
    service_description,
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
from crmlink.web.problems import problem_from_error, trouble
from crmlink.web.rate_limits import guessing_connector
from crmlink.web.source_senders import workspace_of_connector

NAME = "QuickBooks Desktop"  # until the first reading names the company
TYPE = "text/xml; charset=utf-8"
FAILED = -1
NOTHING_WRONG = "No error."

log = structlog.get_logger()

Parameters = Mapping[str, str]
Method = Callable[[str, Parameters], Result]


@blueprint.get("/quickbooks/<source_id>")
def web_connector_description(source_id: str) -> FlaskResponse:
    """Describe the service to the Web Connector, which asks for that before it signs in."""
    url = external_url("pages.web_connector", source_id=source_id)
    return FlaskResponse(service_description(url), content_type=TYPE)


@blueprint.post("/quickbooks/<source_id>")
def web_connector(source_id: str) -> FlaskResponse:
    """Answer one call of the Web Connector."""
    try:
        call = read_call(request.get_data())
    except NotACall as error:
        log.info("no call of a web connector", cause=str(error))
        return FlaskResponse(fault("This is no call of the Web Connector."), 400, content_type=TYPE)
    result = ANSWERS[call.method](source_id, call.parameters)
    return FlaskResponse(answer_to(call.method, result), content_type=TYPE)


def _authenticate(source_id: str, sent: Parameters) -> Result:
    password = sent["strPassword"]
    try:
        with guessing_connector(source_id):
            ticket = open_session(_sources(password), source_id, sent["strUserName"], password)
    except (ConnectorRefused, TooManyAttempts, WorkspaceSuspended) as error:
        log.info("web connector refused", problem=error.code)
        return ("", "nvu")
    return (ticket, "")  # the company file that is open


def _send_request(source_id: str, sent: Parameters) -> Result:
    ticket = sent["ticket"]
    try:
        return next_request(_in_session(ticket), source_id, ticket, sent["strCompanyFileName"])
    except (SourceError, WorkspaceSuspended):
        return ""  # it asks for the error then


def _receive(source_id: str, sent: Parameters) -> Result:
    ticket, failed = sent["ticket"], bool(sent["hresult"].strip())
    try:
        ctx = _in_session(ticket)
        return receive_answer(ctx, source_id, ticket, sent["response"], failed=failed)
    except (SourceError, WorkspaceSuspended):
        return FAILED


def _last_error(source_id: str, sent: Parameters) -> Result:
    ticket = sent["ticket"]
    try:
        code = error_of_session(_in_session(ticket), source_id, ticket)
    except (SourceError, WorkspaceSuspended) as error:
        return problem_from_error(error).detail
    return trouble(code).detail if code else NOTHING_WRONG


def _connection_error(source_id: str, sent: Parameters) -> Result:
    with suppress(SessionOver, WorkspaceSuspended):
        note_unreachable(_in_session(sent["ticket"]), source_id, sent["ticket"])
    return "done"


def _close(source_id: str, sent: Parameters) -> Result:
    with suppress(SessionOver, WorkspaceSuspended):
        close_session(_in_session(sent["ticket"]), source_id, sent["ticket"])
    return "OK"


def _sources(secret: str) -> SourceContext:
    """Return the sources of the workspace whose Web Connector has this password or ticket.

    Raises ConnectorRefused or WorkspaceSuspended.
    """
    return enter_workspace(workspace_of_connector(sign_in_context(), secret)).sources


def _in_session(ticket: str) -> SourceContext:
    """Return the sources of a ticket's workspace. Raises SessionOver or WorkspaceSuspended."""
    try:
        return _sources(ticket)
    except ConnectorRefused:
        raise SessionOver from None


ANSWERS: Mapping[str, Method] = {
    "serverVersion": lambda _source, _sent: "crmlink",
    "clientVersion": lambda _source, _sent: "",  # any version will do
    "authenticate": _authenticate,
    "sendRequestXML": _send_request,
    "receiveResponseXML": _receive,
    "connectionError": _connection_error,
    "getLastError": _last_error,
    "closeConnection": _close,
}


@blueprint.get("/sources/quickbooks-desktop")
@require_permission("admin")
def connector_form() -> str:
    """Show how QuickBooks Desktop is connected."""
    return render_template(
        "sources/connector.html",
        steps=QUICKBOOKS_DESKTOP,
        sketches=SKETCHES["quickbooks_desktop"],
        reachable=_is_reachable(),
    )


@blueprint.post("/sources/quickbooks-desktop")
@require_permission("admin")
def add_web_connector() -> str:
    """Make a Web Connector, and show its password once."""
    made = add_connector(current_open_workspace().sources, current_actor().device, NAME)
    return _password_page(made)


@blueprint.post("/sources/<source_id>/connector-password")
@require_permission("admin")
def replace_connector_password(source_id: str) -> str:
    """Replace the password of a Web Connector, and show the new one once."""
    here = current_open_workspace().sources
    return _password_page(replace_password(here, current_actor().device, source_id))


@blueprint.get("/sources/<source_id>/connector.qwc")
@require_permission("admin")
def connector_download(source_id: str) -> Response:
    """Send the file for the Web Connector; the password is not in it."""
    here = current_open_workspace().sources
    with here.database.reading() as session:
        connector = connector_of(session, here, source_id)
    values = {
        "AppName": "crmlink",
        "AppID": "",
        "AppURL": external_url("pages.web_connector", source_id=source_id),
        "AppDescription": "Reads customers and suppliers for crmlink",
        "AppSupport": external_url("pages.sources"),
        "UserName": connector.user_name,
        "OwnerID": connector.owner_id,
        "FileID": connector.file_id,
    }
    return FlaskResponse(
        connector_file(values, current_installation().settings.sync_minutes),
        content_type="application/xml",
        headers={"Content-Disposition": 'attachment; filename="crmlink.qwc"'},
    )


def _password_page(made: NewPassword) -> str:
    return render_template(
        "sources/connector_password.html",
        made=made,
        steps=QUICKBOOKS_DESKTOP,
        sketches=SKETCHES["quickbooks_desktop"],
        reachable=_is_reachable(),
    )


def _is_reachable() -> bool:
    """Return whether the Web Connector accepts this server's address."""
    url = external_url("pages.sources")
    return url.startswith(("https://", "http://localhost:", "http://localhost/"))
