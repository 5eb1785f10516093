"""Calls to a single sign-on provider: an answer has a size and an end, whatever the provider sends.

Strangers can cause these calls, and each holds a thread until it ends.
"""

from __future__ import annotations

from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session

from crmlink.deadline import Deadline, WatchedAdapter

ANSWER_SECONDS = 8.0  # from the connection to the last byte
ANSWER_BYTES = 256 * 1024  # the largest real one holds a few keys
CHUNK_BYTES = 16 * 1024


class AnswerTooLarge(requests.RequestException):
    """The provider sends more than any document of it holds."""


class ProviderAdapter(WatchedAdapter):
    """The requests adapter that gives an answer up which is too long, in bytes or in seconds."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Return the whole answer. Raises AnswerTooLarge and other RequestExceptions."""
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
        reply._content = bytes(body)  # as requests itself keeps what was read
        return reply


def bound_answers(session: OAuth2Session) -> None:
    """Let a session take bounded answers only, and follow no redirects."""
    session.mount("https://", ProviderAdapter())
    session.mount("http://", ProviderAdapter())
    session.max_redirects = 0
