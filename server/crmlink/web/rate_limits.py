"""How much one device, or one address without a device, may ask in a while.

Only refused log-ins, passwords and codes count against their own, lower bounds, so that an office
behind one address can work. Counts are kept in memory, by each process.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter

PER_MINUTE = "CRMLINK_REQUESTS_PER_MINUTE"


def _who() -> str:
    actor = g.get("actor")
    return actor.device.public_id if actor else request.remote_addr or "unknown"


def _email() -> str:
    return request.form.get("email", "").strip().lower()


def _refused(reply: Response) -> bool:
    return reply.status_code >= 400


def _share(part: int, while_: str) -> Callable[[], str]:
    """A bound that grows with what the admin allows a device in a minute."""
    return lambda: f"{max(1, current_app.config[PER_MINUTE] // part)}/{while_}"


limiter = Limiter(
    key_func=_who,
    default_limits=[_share(1, "minute")],
    storage_uri="memory://",
    strategy="moving-window",
    headers_enabled=True,
)
pairing_limit = limiter.limit(_share(30, "minute"))
grant_limit = limiter.limit(_share(1, "minute"))
stranger_limit = limiter.limit(_share(20, "minute"), methods=["POST"], deduct_when=_refused)
email_limit = limiter.limit(
    _share(60, "15 minutes"), key_func=_email, methods=["POST"], deduct_when=_refused
)
code_limit = limiter.limit(_share(20, "minute"), deduct_when=_refused)


def register_limits(app: Flask, per_minute: int) -> None:
    """Hold every route to so many requests a minute."""
    app.config[PER_MINUTE] = per_minute
    limiter.init_app(app)
