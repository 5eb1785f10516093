"""Limit on ``/healthz`` and ``/readyz``, counted in memory: both answer while PostgreSQL hangs."""

from __future__ import annotations

from flask import Flask, Response, current_app, g, jsonify, request
from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter

from crmlink.access.attempts import network_of
from crmlink.web.problems import problem
from crmlink.web.rate_limits import MINUTE, PER_MINUTE, limiter
from crmlink.web.reachability import PROBE_HEADER
from crmlink.web.request_windows import RequestWindows

EXTENSION = "crmlink_health_checks"


def init_health_checks(app: Flask) -> None:
    """Count the health checks of each network in this process."""
    app.extensions[EXTENSION] = MovingWindowRateLimiter(RequestWindows())
    app.before_request(_count)


@limiter.request_filter
def _is_health_check() -> bool:
    """Return whether it is one. A probe of an address is not: it needs the database."""
    return request.endpoint == "pages.health" and PROBE_HEADER not in request.headers


def _count() -> tuple[Response, int] | None:
    if not _is_health_check():
        return None
    counts: MovingWindowRateLimiter = current_app.extensions[EXTENSION]
    most = RateLimitItemPerMinute(current_app.config[PER_MINUTE])
    if counts.hit(most, network_of(request.remote_addr)):
        return None
    refused = problem("too-many-requests", retry_after=MINUTE)
    g.retry_after = str(MINUTE)
    return jsonify(status=refused.title), refused.status
