"""Routes of the web application: signing in, and what every page shares."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from werkzeug.wrappers import Response as AnyResponse

from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.commusoft.sandbox.web.link_table import add_link_tables
from crmlink.commusoft.sandbox.web.lists import add_lists
from crmlink.commusoft.sandbox.web.record_pages import add_record_pages
from crmlink.commusoft.sandbox.web.reports import add_reports
from crmlink.commusoft.sandbox.web.sessions import COOKIE, WebSessions
from crmlink.commusoft.sandbox.web.start_page import start_page

CREDENTIAL = "sandbox"
_PUBLIC = {"web.start", "web.log_in", "web.log_in_sent"}


def web(ledger: RecordStore, sessions: WebSessions) -> Blueprint:
    """Return the pages at the paths of Commusoft's web application; records are the ledger's."""
    blueprint = Blueprint("web", __name__)
    _add_guard(blueprint, sessions)
    _add_log_in(blueprint, sessions)

    @blueprint.get("/")
    def start() -> str:
        return start_page(ledger)

    change = _changer(ledger)
    add_lists(blueprint, ledger)
    add_record_pages(blueprint, ledger, change)
    add_link_tables(blueprint, ledger, change)
    add_reports(blueprint, ledger)
    return blueprint


def _add_guard(blueprint: Blueprint, sessions: WebSessions) -> None:
    @blueprint.before_request
    def require_session() -> AnyResponse | None:
        """Send strangers to the log-in page, and refuse forms of other sites."""
        cookie = request.cookies.get(COOKIE)
        if request.endpoint in _PUBLIC:
            return None
        if sessions.form_token(cookie) is None:
            if request.is_json:
                return make_response({"message": "Your session has expired."}, 401)
            return redirect(f"/login?next={quote(request.path)}", 303)
        if request.method == "POST":
            sent = request.headers.get("X-Form-Token") or request.form.get("form_token")
            if not sessions.accepts(cookie, sent):
                abort(403)
        return None

    @blueprint.context_processor
    def form_token() -> dict[str, Any]:
        return {"form_token": sessions.form_token(request.cookies.get(COOKIE))}


def _add_log_in(blueprint: Blueprint, sessions: WebSessions) -> None:
    @blueprint.get("/login")
    def log_in() -> str:
        return _log_in_page(_own_path(request.args.get("next")))

    @blueprint.post("/login")
    def log_in_sent() -> AnyResponse:
        names = ("logintype_username", "logintype_password")
        target = _own_path(request.form.get("next"))
        if any(request.form.get(name) != CREDENTIAL for name in names):
            return make_response(_log_in_page(target, wrong=True), 401)
        response = redirect(target, 303)
        response.set_cookie(COOKIE, sessions.start(), httponly=True, samesite="Lax")
        return response

    @blueprint.post("/logout")
    def log_out() -> AnyResponse:
        sessions.end(request.cookies.get(COOKIE))
        return redirect("/login", 303)


def add_page_headers(response: Response) -> Response:
    """Return the response with the headers of a page: only the sandbox's own files may run."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def problem_page(status: int, name: str) -> tuple[str, int]:
    """Return a page for an HTTP error."""
    return render_template("web/problem.html", name=name, form_token=None), status


def _changer(ledger: RecordStore) -> Callable[[SandboxRecord, dict[str, str]], SandboxRecord]:
    """Return the function that saves what a form changed."""

    def change(entry: SandboxRecord, values: dict[str, str]) -> SandboxRecord:
        changes = {name: value for name, value in values.items() if value != getattr(entry, name)}
        if not changes:
            return entry
        updated = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return ledger.change(entry, changes | {"updated": updated})

    return change


def _log_in_page(target: str, *, wrong: bool = False) -> str:
    return render_template(
        "web/log_in.html", next=target, wrong=wrong, credential=CREDENTIAL, form_token=None
    )


def _own_path(target: str | None) -> str:
    """Return the target if it is a page of this sandbox, else the list of customers."""
    if target is None or "\\" in target or not target.startswith("/") or target[1:2] == "/":
        return "/customers"
    adapter = current_app.url_map.bind_to_environ(request.environ)
    return target if adapter.test(target, method="GET") else "/customers"
