"""Error handlers: every error becomes problem details (RFC 9457)."""

from __future__ import annotations

import json
import time
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from crmlink.access.errors import (
    AccessError,
    InvalidToken,
    NonceNeeded,
    TokenRequestError,
    WorkspaceSuspended,
)
from crmlink.accounting.errors import AccountingError
from crmlink.commusoft.errors import CommusoftError
from crmlink.linking.errors import LinkFailed, LinkingError
from crmlink.sources.errors import SourceError
from crmlink.store import Link, MirroredRecord
from crmlink.store.quotas import QuotaReached
from crmlink.store.unavailable import unavailable
from crmlink.web.auth import PUBLIC_ENDPOINTS, MissingPermission, current_open_workspace
from crmlink.web.problem_texts import PROBLEMS
from crmlink.web.problems import (
    DATABASE_PROBLEMS,
    TYPE_PREFIX,
    Problem,
    database_problem,
    problem,
    problem_from_error,
)
from crmlink.web.rate_limits import limiter
from crmlink.web.serializers import serialize_link, serialize_record

log = structlog.get_logger()

PROBLEM_JSON = "application/problem+json"
DPOP_CHALLENGE = 'DPoP realm="crmlink", algs="ES256"'
HTTP_CODES = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-type",
    421: "misdirected",
    422: "invalid-fields",
    429: "too-many-requests",
}
# Parameters that a response may contain; others are for the sentence only.
PUBLIC_PARAMS = {
    "record",
    "holders",
    "current_reference",
    "contact_kind",
    "link",
    "errors",
    "by",
    "since",
    "retry_after",
    "error",
    "choice",
    "contact",
    "contacts",
    "position",
    "state",
}


class MissingIdempotencyKey(Exception):
    """A writing request has no idempotency key."""


def register_errors(app: Flask) -> None:
    """Register the error handlers."""
    for kind in (
        LinkingError,
        LinkFailed,
        CommusoftError,
        AccountingError,
        AccessError,
        SourceError,
        QuotaReached,
    ):
        app.register_error_handler(kind, lambda error: problem_response(problem_from_error(error)))
    app.register_error_handler(InvalidToken, lambda _: _token_refused())
    app.register_error_handler(
        WorkspaceSuspended, lambda error: problem_response(problem_from_error(error))
    )
    app.register_error_handler(TokenRequestError, token_error_response)
    app.register_error_handler(CSRFError, lambda _: problem_response(problem("form-expired")))
    app.register_error_handler(
        MissingPermission,
        lambda error: problem_response(problem("scope-missing", scope=error.scope)),
    )
    app.register_error_handler(
        MissingIdempotencyKey, lambda _: problem_response(problem("idempotency-key-missing"))
    )
    app.register_error_handler(Exception, _handle_unexpected)


def problem_response(found: Problem) -> Response:
    """Return problem details for API clients, a page for users; with Retry-After if known."""
    to_program = request.path.startswith("/api/")
    reply = _problem_json(found) if to_program else _problem_page(found)
    if seconds := found.facts.get("retry_after"):
        g.retry_after = str(max(1, round(seconds)))
    return reply


def _problem_json(found: Problem) -> Response:
    body = {
        "type": TYPE_PREFIX + found.code,
        "title": found.title,
        "status": found.status,
        "detail": found.detail,
        "request_id": g.request_id,
    } | {
        name: _serialize_param(value)
        for name, value in found.facts.items()
        if name in PUBLIC_PARAMS
    }
    return Response(json.dumps(body, ensure_ascii=False), found.status, mimetype=PROBLEM_JSON)


def _problem_page(found: Problem) -> Response:
    if found.code in DATABASE_PROBLEMS.values():  # the usual frame of a page asks the database
        page = current_app.jinja_env.get_template("no_database.html")
        shown = page.render(problem=found, request_id=g.request_id, uses_sandbox=False)
        return Response(shown, found.status)
    return Response(render_template("problem.html", problem=found), found.status)


def _token_refused() -> Response:
    reply = problem_response(problem("token-refused"))
    reply.headers["WWW-Authenticate"] = f'Bearer realm="crmlink", {DPOP_CHALLENGE}'
    return reply


def token_error_response(error: TokenRequestError) -> Response:
    """Return a problem that is also RFC 6749's error; at the API, RFC 9449's."""
    reply = problem_response(problem(error.code, error=error.error))
    if isinstance(error, NonceNeeded) and request.endpoint not in PUBLIC_ENDPOINTS:
        reply.status_code = 401
        reply.headers["WWW-Authenticate"] = f'{DPOP_CHALLENGE}, error="{error.error}"'
    return reply


def http_problem(error: HTTPException) -> Response:
    """Return the problem of an error raised by Flask or Werkzeug."""
    data = getattr(error, "data", None) or {}
    code = HTTP_CODES.get(error.code or 500, "internal-error")
    if code == "invalid-fields":
        errors = data.get("messages", {})
        if "_schema" in errors.get("json", {}) or not errors:
            code = "malformed-request"
        return problem_response(problem(code, errors=_flatten_messages(errors)))
    if code == "too-many-requests":
        return problem_response(problem(code, retry_after=_seconds_to_wait()))
    if code == "internal-error" and error.code not in (None, 500):
        code = "malformed-request"
    reply = problem_response(problem(code))
    if isinstance(error, MethodNotAllowed):
        reply.headers["Allow"] = ", ".join(sorted(error.valid_methods or []))
    return reply


def _seconds_to_wait() -> float:
    limit = limiter.current_limit
    return max(1.0, limit.reset_at - time.time()) if limit else 60.0


def _handle_unexpected(error: Exception) -> Response:
    error = getattr(error, "original_exception", None) or error  # of another problem's page
    if (cause := unavailable(error)) is not None:
        log.error("database unavailable", request_id=g.request_id, problem=_kind(error))
        return problem_response(database_problem(cause))
    if isinstance(error, HTTPException):
        return http_problem(error)
    if (
        "workspace" in g and current_open_workspace().context is not g.workspace
    ):  # its object no longer exists
        log.info("connection ended meanwhile", request_id=g.request_id)
        return problem_response(problem("connection-ended"))
    log.exception("unexpected", request_id=g.request_id)
    return problem_response(problem("internal-error"))


def _kind(error: Exception) -> str:
    """Return what kind of error it was of the driver, without its text, which may hold names."""
    return type(getattr(error, "orig", None) or error).__name__


def _flatten_messages(errors: dict[str, Any]) -> list[str]:
    """Return marshmallow's messages as a flat list.

    For example: «postcode: Longer than maximum length 20.»
    """
    found: list[str] = []

    def walk(value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, (*path, str(key)))
        else:
            field = ".".join(part for part in path[1:] if part != "_schema")
            for message in value if isinstance(value, list) else [value]:
                found.append(f"{field}: {message}" if field else str(message))

    walk(errors, ())
    return found


def _serialize_param(value: Any) -> Any:
    match value:
        case MirroredRecord():
            return serialize_record(value)
        case Link():
            return _serialize_param(serialize_link(value))
        case dict():
            return {name: _serialize_param(each) for name, each in value.items()}
        case list():
            return [_serialize_param(item) for item in value]
        case _:
            return value.isoformat() if hasattr(value, "isoformat") else value


assert set(HTTP_CODES.values()) <= set(PROBLEMS)  # noqa: S101 # a typo here would only show in a failure
