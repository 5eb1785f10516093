"""create_app: wires the rooms together, nothing else."""

from __future__ import annotations

import logging
import time
import uuid

import structlog
from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from crmlink.api import register_api
from crmlink.installation import House, open_house
from crmlink.pages.blueprint import blueprint as pages
from crmlink.settings import Settings
from crmlink.web.auth import register_door, register_guard
from crmlink.web.rate_limits import register_limits
from crmlink.web.strict_parsing import register_strictness

log = structlog.get_logger()

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def create_app(settings: Settings, house: House | None = None) -> Flask:
    """The whole server as a WSGI application; opens the house unless it is given one."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app = Flask(__name__, static_folder="pages/static", template_folder="pages/templates")
    app.secret_key = settings.secret_key
    app.extensions["crmlink"] = house = house or open_house(settings)
    app.before_request(_begin)
    app.after_request(_finish)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    register_guard(app)
    register_limits(app, settings.requests_per_minute)
    register_door(app)
    register_strictness(app)
    register_api(app, house)
    app.register_blueprint(pages)
    return app


def _begin() -> None:
    g.request_id = uuid.uuid4().hex[:12]
    g.started = time.perf_counter()


def _finish(reply: Response) -> Response:
    for name, value in HEADERS.items():
        reply.headers.setdefault(name, value)
    if request.endpoint != "static":
        reply.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        reply.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    reply.headers["X-Request-Id"] = g.request_id
    actor = g.get("actor")
    log.info(
        "request",
        request_id=g.request_id,
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=reply.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 1),
        device=actor.device.public_id if actor else None,
    )
    return reply
