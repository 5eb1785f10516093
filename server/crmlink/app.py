"""Application factory: wires the rooms together, nothing else."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, request
from jinja2 import StrictUndefined

from crmlink.api import register_api
from crmlink.installation import Installation, open_installation
from crmlink.pages.blueprint import blueprint as pages
from crmlink.settings import Settings
from crmlink.web.auth import init_authentication, init_authorization
from crmlink.web.body_limits import init_body_limits
from crmlink.web.firm_requests import init_firm_requests
from crmlink.web.firm_turns import init_firm_turns
from crmlink.web.health_checks import init_health_checks
from crmlink.web.hosts import init_hosts
from crmlink.web.metrics import init_metrics
from crmlink.web.proxies import TrustedProxies
from crmlink.web.rate_limits import init_rate_limits
from crmlink.web.reachability import init_probes
from crmlink.web.recent_refusals import init_recent_refusals
from crmlink.web.request_log import init_request_log
from crmlink.web.strict_parsing import init_strict_parsing

CACHEABLE_ENDPOINTS = {"static", "packages.PackagesView"}  # the same for all users
SECURITY_HEADERS = {
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


def create_app(settings: Settings, installation: Installation | None = None) -> Flask:
    """Return the server as a WSGI application; opens the installation unless given one."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app = Flask(__name__, static_folder="pages/static", template_folder="pages/templates")
    app.jinja_env.undefined = StrictUndefined
    app.secret_key = settings.secret_key
    app.extensions["crmlink"] = installation = installation or open_installation(settings)
    init_request_log(app)
    app.after_request(_log_request)
    app.wsgi_app = TrustedProxies(  # type: ignore[method-assign]
        app.wsgi_app, settings.trusted_proxies, settings.proxy_addresses
    )
    init_metrics(app, settings, installation.database)
    init_hosts(app, settings)
    init_probes(app, installation.database)
    init_recent_refusals(app)
    init_authentication(app)
    init_rate_limits(app, settings.requests_per_minute)
    init_health_checks(app)
    init_firm_requests(app, installation.database)
    init_body_limits(app)
    init_authorization(app)
    init_firm_turns(app)
    init_strict_parsing(app)
    register_api(app, installation)
    app.register_blueprint(pages)
    return app


def _log_request(reply: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        reply.headers.setdefault(name, value)
    if request.endpoint not in CACHEABLE_ENDPOINTS or reply.status_code >= 400:
        reply.headers["Cache-Control"] = "no-store"  # whatever a view or a library said of it
        reply.headers.pop("ETag", None)
        reply.headers.pop("Last-Modified", None)
    if "retry_after" in g:  # the limiter would put the end of its window there
        reply.headers["Retry-After"] = g.retry_after
    if request.is_secure and request.host.partition(":")[0] != "localhost":
        reply.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return reply
