"""Request log: one line per request with route, status and duration, never typed text.

Lines of unauthenticated requests have a budget, so that they cannot displace others; successful
public files and health checks are not logged.
"""

from __future__ import annotations

import time
import uuid

import structlog
from flask import Flask, Response, g, request

from crmlink.logs import LineBudget

STRANGERS_LINES = 60  # a minute
QUIET = {"static", "pages.health"}  # while they succeed
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

log = structlog.get_logger()


def init_request_log(app: Flask) -> None:
    """Give each request an id and a log line. Call it first: it must see every request."""
    budget = LineBudget("stranger", STRANGERS_LINES)

    @app.before_request
    def start_request() -> None:
        g.request_id = uuid.uuid4().hex[:12]
        g.started = time.perf_counter()

    @app.after_request
    def log_request(reply: Response) -> Response:
        reply.headers["X-Request-Id"] = g.request_id
        if _is_worth_a_line(reply, budget):
            _log(reply)
        return reply


def _is_worth_a_line(reply: Response, budget: LineBudget) -> bool:
    if "actor" in g:
        return True
    if request.endpoint in QUIET and reply.status_code < 400:
        return False
    return budget.take(str(reply.status_code))


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
    )
