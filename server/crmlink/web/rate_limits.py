"""Rate limits per device, or per network without a device.

Only failed passwords, links and codes count against their own, lower limits, so that an office
behind one address can work. Counts are under keyed hashes: in memory of the one server of a SQLite
database, in the database where several processes share PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from flask import Flask, current_app, g, request
from flask_limiter import Limiter

from crmlink.access.attempts import MAX_KEY_LENGTH, Attempts, Bound, Counted, network_of
from crmlink.access.errors import InvalidCredentials, InvalidInvitation, PairingNotFound
from crmlink.access.known_browsers import KnownBrowser
from crmlink.access.people import people_by_email
from crmlink.access.shared_attempts import SharedAttempts
from crmlink.folding import normalise_login_email
from crmlink.sources.errors import ConnectorRefused
from crmlink.store import Database
from crmlink.web.auth import sign_in_context
from crmlink.web.request_windows import SCHEME as WINDOWS
from crmlink.web.shared_counts import SCHEME

PER_MINUTE = "CRMLINK_REQUESTS_PER_MINUTE"
KNOWN_BROWSER = "crmlink_known"  # the cookie
MINUTE, QUARTER, HOUR = 60, 15 * 60, 60 * 60  # seconds


def _client() -> str:
    """Return the rate limit key: the device, or the network of an anonymous user."""
    actor = g.get("actor")
    return actor.device.public_id if actor else network_of(request.remote_addr)


def _key(purpose: str, *parts: str) -> bytes:
    text = "\0".join(part[:MAX_KEY_LENGTH] for part in (purpose, *parts))
    return sign_in_context().keyed_hash("limit", text)[:16]


def _part(part: int) -> int:
    """Return a limit that scales with the requests a minute that the admin allows."""
    return max(1, int(current_app.config[PER_MINUTE]) // part)


def _fraction_of_limit(part: int) -> Callable[[], str]:
    return lambda: f"{_part(part)}/minute"


limiter = Limiter(
    key_func=lambda: _key("requests", _client()).hex(),
    default_limits=[_fraction_of_limit(1)],
    headers_enabled=True,
    in_memory_fallback_enabled=True,  # while the database does not answer
)
pairing_limit = limiter.limit(
    _fraction_of_limit(15)
)  # each browser sends two requests, the first without a nonce
package_limit = limiter.limit(_fraction_of_limit(10))  # each is most of a megabyte
token_limit = limiter.limit(_fraction_of_limit(1))


def guessing_password(email: str) -> AbstractContextManager[bool]:
    """Count a password tried at the sign-in page; yields whether the client just failed.

    Raises TooManyAttempts. A browser in which this person signed in before has a limit of its own.
    For all others there is one by email and network, one by network, and a slower one by email.
    """
    email = normalise_login_email(email)
    context = sign_in_context()
    known = KnownBrowser.read(context, request.cookies.get(KNOWN_BROWSER, ""))
    people = people_by_email(context, email)
    if known and any(known.knows(context, person) for person in people):
        own = Counted(_key("known browser", known.id, email), Bound(_part(60), QUARTER))
        return _attempts().guessing(InvalidCredentials, own)
    network = network_of(request.remote_addr)
    return _attempts().guessing(
        InvalidCredentials,
        Counted(_key("network", network), Bound(_part(20), MINUTE)),
        Counted(_key("email and network", email, network), Bound(_part(60), QUARTER)),
        Counted(_key("email", email), Bound(_part(6), HOUR)),
    )


def guessing_own_password() -> AbstractContextManager[bool]:
    """Count a signed-in person's try of their present password. Raises TooManyAttempts."""
    own = Counted(_key("own password", _client()), Bound(_part(20), MINUTE))
    return _attempts().guessing(InvalidCredentials, own)


def guessing_link() -> AbstractContextManager[bool]:
    """Count a try of a one-time link. Raises TooManyAttempts."""
    tried = Counted(_key("link", network_of(request.remote_addr)), Bound(_part(20), MINUTE))
    return _attempts().guessing(InvalidInvitation, tried)


def guessing_connector(source_id: str) -> AbstractContextManager[bool]:
    """Count a password of a Web Connector, by network and by source. Raises TooManyAttempts."""
    network = network_of(request.remote_addr)
    return _attempts().guessing(
        ConnectorRefused,
        Counted(_key("connector network", network), Bound(_part(20), MINUTE)),
        Counted(_key("connector", source_id), Bound(_part(20), QUARTER)),
    )


def guessing_code() -> AbstractContextManager[bool]:
    """Count a typed pairing code. Raises TooManyAttempts."""
    typed = Counted(_key("code", _client()), Bound(_part(20), MINUTE))
    return _attempts().guessing(PairingNotFound, typed)


def count_password_request(email: str) -> None:
    """Count a request for a new password, known address or not. Raises TooManyAttempts."""
    network = network_of(request.remote_addr)
    _attempts().begin(
        Counted(_key("password request", network), Bound(_part(60), QUARTER)),
        Counted(
            _key("password request for", normalise_login_email(email)), Bound(_part(200), HOUR)
        ),
    )


def count_sso_step() -> None:
    """Count a start or a callback of single sign-on. Raises TooManyAttempts."""
    network = network_of(request.remote_addr)
    _attempts().begin(Counted(_key("single sign-on", network), Bound(_part(10), MINUTE)))


def init_rate_limits(app: Flask, per_minute: int) -> None:
    """Limit every route to a number of requests a minute."""
    app.config[PER_MINUTE] = per_minute
    database: Database = app.extensions["crmlink"].database
    app.extensions["crmlink_attempts"] = (
        SharedAttempts(database) if database.is_shared else Attempts()
    )
    app.config["RATELIMIT_STORAGE_URI"] = f"{SCHEME if database.is_shared else WINDOWS}://"
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"database": database} if database.is_shared else {}
    # The limiter keeps the strategy of the first application that a process makes.
    limiter._strategy = "fixed-window" if database.is_shared else "moving-window"
    limiter.init_app(app)


def _attempts() -> Attempts:
    attempts: Attempts = current_app.extensions["crmlink_attempts"]
    return attempts
