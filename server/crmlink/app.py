"""create_app: wires the rooms together, nothing else."""

from __future__ import annotations

import logging
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from crmlink.admin.pages import blueprint as pages
from crmlink.api import register_api
from crmlink.house import House, open_house
from crmlink.settings import Settings

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
}


def create_app(settings: Settings, house: House | None = None) -> Flask:
    """The whole server as a WSGI application; opens the house unless it is given one."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app = Flask(__name__, static_folder="admin/static", template_folder="admin/templates")
    app.secret_key = settings.secret_key
    app.extensions["crmlink"] = house = house or open_house(settings)
    app.before_request(_begin)
    app.after_request(_finish)
    register_api(app, house)
    app.register_blueprint(pages)
    return app


def _begin() -> None:
    g.request_id = uuid.uuid4().hex[:12]
    g.started = time.perf_counter()


def _finish(reply: Response) -> Response:
    for name, value in HEADERS.items():
        reply.headers.setdefault(name, value)
    if request.path.startswith("/api/v1"):
        reply.headers.setdefault("Cache-Control", "no-store")
    reply.headers["X-Request-Id"] = g.request_id
    device = g.get("device")
    log.info(
        "request",
        request_id=g.request_id,
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=reply.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 1),
        device=device.prefix if device else None,
    )
    return reply
