"""Calls to a single sign-on provider, bounded in size and time.

Anonymous users can trigger these calls, and each blocks a thread until it ends.
"""

from __future__ import annotations

from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session

from crmlink.deadline import Deadline, WatchedAdapter

ANSWER_SECONDS = 8.0  # from connecting to the last byte
ANSWER_BYTES = 256 * 1024  # the largest real one holds a few keys
CHUNK_BYTES = 16 * 1024


class AnswerTooLarge(requests.RequestException):
    """The provider's response is larger than any of its documents."""


class ProviderAdapter(WatchedAdapter):
    """Adapter for requests that limits a response's bytes and seconds."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Return the complete response. Raises AnswerTooLarge and other RequestExceptions."""
        kwargs["stream"] = True
        with Deadline(ANSWER_SECONDS) as deadline:
            reply = super().send(request, *args, **kwargs)
            body = bytearray()
            with reply:
                for chunk in reply.iter_content(CHUNK_BYTES):
                    body += chunk
                    if len(body) > ANSWER_BYTES:
                        raise AnswerTooLarge
            if deadline.expired:
                raise requests.Timeout
        reply._content = bytes(body)  # where requests itself stores the body
        return reply


def bound_answers(session: OAuth2Session) -> None:
    """Make a session accept only bounded responses and follow no redirects."""
    session.mount("https://", ProviderAdapter())
    session.mount("http://", ProviderAdapter())
    session.max_redirects = 0
