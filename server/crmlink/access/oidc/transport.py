"""Calls to a single sign-on provider, bounded in size and time.

Anonymous users can trigger these calls, and each blocks a thread until it ends.
"""

from __future__ import annotations

from authlib.integrations.requests_client import OAuth2Session

from crmlink.bounded_http import BoundedAdapter

ANSWER_SECONDS = 8.0  # from connecting to the last byte
ANSWER_BYTES = 256 * 1024  # the largest real one holds a few keys


def bound_answers(session: OAuth2Session) -> None:
    """Make a session accept only bounded responses and follow no redirects."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter(ANSWER_BYTES, ANSWER_SECONDS))
    session.max_redirects = 0
