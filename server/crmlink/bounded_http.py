"""HTTP adapter for servers of others: a response is bounded in bytes and seconds."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests

from crmlink.deadline import Deadline, WatchedAdapter
from crmlink.hosts import Host

CHUNK_BYTES = 16 * 1024


def may_use_proxy(address: str) -> bool:
    """Return whether a proxy that the environment names may lead to an address: not to this PC."""
    host = Host.from_text(urlsplit(address).netloc)
    return host is None or not host.is_loopback


class AnswerTooLarge(requests.RequestException):
    """The response is larger than any that is expected."""


class BoundedAdapter(WatchedAdapter):
    """Adapter for requests that receives the complete response within bytes and seconds."""

    def __init__(self, max_bytes: int, max_seconds: float) -> None:
        self._max_bytes, self._max_seconds = max_bytes, max_seconds
        super().__init__()

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Return the complete response. Raises AnswerTooLarge and other RequestExceptions."""
        kwargs["stream"] = True
        with Deadline(self._max_seconds) as deadline:
            reply = super().send(request, *args, **kwargs)
            body = bytearray()
            with reply:
                for chunk in reply.iter_content(CHUNK_BYTES):
                    body += chunk
                    if len(body) > self._max_bytes:
                        raise AnswerTooLarge
            if deadline.expired:
                raise requests.Timeout
        reply._content = bytes(body)  # where requests itself stores the body
        return reply
