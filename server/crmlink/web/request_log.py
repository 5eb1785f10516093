"""Request log: one line per request with route, status and duration, never typed text.

Lines written before the sender is known count as anonymous, and ``logs`` limits those. Public files
and health checks are logged only on failure.
"""

from __future__ import annotations

import time
import uuid

import structlog
from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, unbind_contextvars

from crmlink.logs import for_stranger

QUIET = {"static", "pages.health", "metrics"}  # while they succeed
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

log = structlog.get_logger()


def init_request_log(app: Flask) -> None:
    """Give each request an id and a log line. Call it first: it must see every request."""

    @app.before_request
    def start_request() -> None:
        g.request_id = uuid.uuid4().hex[:12]
        g.started = time.perf_counter()
        bind_contextvars(request_id=g.request_id)  # to every line of this request
        g.was_for_stranger = for_stranger.get()
        for_stranger.set(True)

    @app.after_request
    def log_request(reply: Response) -> Response:
        reply.headers["X-Request-Id"] = g.request_id
        if "actor" in g or request.endpoint not in QUIET or reply.status_code >= 400:
            _log(reply)
        return reply

    @app.teardown_request
    def end_request(_error: BaseException | None) -> None:
        for_stranger.set(g.pop("was_for_stranger", False))
        unbind_contextvars("request_id", "workspace")


def _log(reply: Response) -> None:
    actor = g.get("actor")
    log.info(
        "request",
        request_id=g.request_id,
        method=request.method if request.method in METHODS else "other",
        route=request.url_rule.rule if request.url_rule else None,
        status=reply.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 1),
        device=actor.device.public_id if actor else None,
        workspace=actor.device.workspace_id if actor else None,
    )
