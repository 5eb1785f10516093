"""Every failure becomes problem details (RFC 9457), here and nowhere else."""

from __future__ import annotations

import json
import time
from typing import Any

import structlog
from flask import Flask, Response, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from crmlink.access.errors import AccessFailure, GrantFailure, NonceNeeded, TokenRefused
from crmlink.accounting.errors import AccountingError
from crmlink.commusoft.errors import CommusoftError
from crmlink.linking.errors import LinkingFailure, LinkNotMade
from crmlink.store import Link, MirroredRecord
from crmlink.web.auth import PUBLIC, ScopeMissing, house
from crmlink.web.problems import PROBLEMS, TYPE, Problem, problem, problem_of
from crmlink.web.rate_limits import limiter
from crmlink.web.serializers import link_shape, record_shape

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
# Facts that an answer may carry; the others only serve the sentence.
SHOWN = {
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


class IdempotencyKeyMissing(Exception):
    """A request that writes came without its key."""


def register_errors(app: Flask) -> None:
    for kind in (LinkingFailure, LinkNotMade, CommusoftError, AccountingError, AccessFailure):
        app.register_error_handler(kind, lambda error: answer(problem_of(error)))
    app.register_error_handler(TokenRefused, lambda _: _token_refused())
    app.register_error_handler(GrantFailure, no_grant)
    app.register_error_handler(CSRFError, lambda _: answer(problem("form-expired")))
    app.register_error_handler(
        ScopeMissing, lambda error: answer(problem("scope-missing", scope=error.scope))
    )
    app.register_error_handler(
        IdempotencyKeyMissing, lambda _: answer(problem("idempotency-key-missing"))
    )
    app.register_error_handler(Exception, _unexpected)


def answer(found: Problem) -> Response:
    """A reply: problem details to programs, a page to people; Retry-After where it is known."""
    to_program = request.path.startswith("/api/")
    reply = _details(found) if to_program else _page(found)
    if seconds := found.facts.get("retry_after"):
        reply.headers["Retry-After"] = str(max(1, round(seconds)))
    return reply


def _details(found: Problem) -> Response:
    body = {
        "type": TYPE + found.code,
        "title": found.title,
        "status": found.status,
        "detail": found.detail,
        "request_id": g.request_id,
    } | {name: _shape(value) for name, value in found.facts.items() if name in SHOWN}
    return Response(json.dumps(body, ensure_ascii=False), found.status, mimetype=PROBLEM_JSON)


def _page(found: Problem) -> Response:
    return Response(render_template("problem.html", problem=found), found.status)


def _token_refused() -> Response:
    reply = answer(problem("token-refused"))
    reply.headers["WWW-Authenticate"] = f'Bearer realm="crmlink", {DPOP_CHALLENGE}'
    return reply


def no_grant(error: GrantFailure) -> Response:
    """A problem that is also RFC 6749's error; at the API, that of RFC 9449."""
    reply = answer(problem(error.code, error=error.error))
    if isinstance(error, NonceNeeded) and request.endpoint not in PUBLIC:
        reply.status_code = 401
        reply.headers["WWW-Authenticate"] = f'{DPOP_CHALLENGE}, error="{error.error}"'
    return reply


def http_problem(error: HTTPException) -> Response:
    """Return the problem of an error that Flask or Werkzeug raised."""
    data = getattr(error, "data", None) or {}
    code = HTTP_CODES.get(error.code or 500, "internal-error")
    if code == "invalid-fields":
        errors = data.get("messages", {})
        if "_schema" in errors.get("json", {}) or not errors:
            code = "malformed-request"
        return answer(problem(code, errors=_sentences(errors)))
    if code == "too-many-requests":
        return answer(problem(code, retry_after=_seconds_to_wait()))
    if code == "internal-error" and error.code not in (None, 500):
        code = "malformed-request"
    reply = answer(problem(code))
    if isinstance(error, MethodNotAllowed):
        reply.headers["Allow"] = ", ".join(sorted(error.valid_methods or []))
    return reply


def _seconds_to_wait() -> float:
    limit = limiter.current_limit
    return max(1.0, limit.reset_at - time.time()) if limit else 60.0


def _unexpected(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return http_problem(error)
    if "desk" in g and house().desk is not g.desk:  # what it worked with is not there any more
        log.info("connection ended meanwhile", request_id=g.request_id)
        return answer(problem("connection-ended"))
    log.exception("unexpected", request_id=g.request_id)
    return answer(problem("internal-error"))


def _sentences(errors: dict[str, Any]) -> list[str]:
    """marshmallow's nested messages as a flat list: «postcode: Longer than maximum length 20.»"""
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


def _shape(value: Any) -> Any:
    match value:
        case MirroredRecord():
            return record_shape(value)
        case Link():
            return link_shape(value)
        case list():
            return [_shape(item) for item in value]
        case _:
            return value.isoformat() if hasattr(value, "isoformat") else value


assert set(HTTP_CODES.values()) <= set(PROBLEMS)  # noqa: S101 # a typo here would only show in a failure
