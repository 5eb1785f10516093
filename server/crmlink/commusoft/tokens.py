"""Access token: obtained with the credentials, cached until old or rejected."""

import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from crmlink.commusoft.connection import Connection
from crmlink.commusoft.errors import (
    CommusoftAuthError,
    CommusoftBusy,
    CommusoftServerError,
    CommusoftTimeout,
    InvalidCommusoftResponse,
)
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.request_body import JSON_TYPE
from crmlink.commusoft.shared.token import SharedToken
from crmlink.commusoft.transport import Request, Response, Transport
from crmlink.deadline import Deadline
from crmlink.strict_json import NotJSON, read_json

TOKEN_PATH = "/getToken"  # noqa: S105  # a path
TOKEN_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Token:
    """A token, when it was obtained (monotonic seconds), and in which shape."""

    text: str = field(repr=False)
    made: float
    shape: str


class TokenCache:
    """Cache of the current token, shared by all threads; obtains a new one only once.

    With ``shared`` all processes use one token.
    """

    def __init__(
        self,
        connection: Connection,
        transport: Transport,
        limits: ClientLimits,
        shared: SharedToken | None = None,
    ) -> None:
        self._shared = shared
        self._connection = connection
        self._transport = transport
        self._limits = limits
        self._lock = threading.Lock()
        self._token: Token | None = None

    def token(self, deadline: Deadline, rejected: Token | None = None) -> Token:
        """Return the current token; a new one if it is old or is the `rejected` one."""
        if not self._lock.acquire(timeout=deadline.remaining()):
            raise CommusoftTimeout("waiting for a token")
        try:
            current = self._token
            if current is None or current is rejected or self._is_old(current):
                self._token = None
                self._token = current = self._next(deadline, rejected)
            return current
        finally:
            self._lock.release()

    def _next(self, deadline: Deadline, rejected: Token | None) -> Token:
        """Return a token that another process has obtained, or obtain one for all."""
        if self._shared is None:
            return self._fetch(deadline)
        with self._shared.turn(deadline, rejected.text if rejected else None) as known:
            if known is not None:
                return Token(known.text, time.monotonic() - known.age, known.shape)
            token = self._fetch(deadline)
            self._shared.keep(token.text, token.shape)
            return token

    def _is_old(self, token: Token) -> bool:
        return time.monotonic() - token.made >= self._limits.token_ttl

    def _fetch(self, deadline: Deadline) -> Token:
        connection = self._connection
        credentials = {
            "clientId": connection.client_id,
            "username": connection.username,
            "password": connection.password,
            "applicationId": connection.application_id,
        }
        call = Request(
            "POST",
            TOKEN_PATH,
            TOKEN_BYTES,
            headers={"Content-Type": JSON_TYPE},
            body=json.dumps(credentials).encode(),
        )
        with self._transport.send(call, deadline) as reply:
            _check_status(reply, self._limits)
            text, shape = parse_token(reply)
        return Token(text, time.monotonic(), shape)


def _check_status(reply: Response, limits: ClientLimits) -> None:
    status = reply.status
    if 200 <= status < 300:
        return
    if status in (400, 401, 403, 422):
        raise CommusoftAuthError(f"no token: status {status}")
    if status in (429, 503):
        raise CommusoftBusy(reply.retry_after(limits.max_retry_after), f"status {status}")
    if status >= 500:
        raise CommusoftServerError(status)
    raise InvalidCommusoftResponse(f"no token: status {status}")


def parse_token(reply: Response) -> tuple[str, str]:
    """Return the token and its shape: `token`, `userToken`, `text` (plain or a JSON string).

    Raises `InvalidCommusoftResponse`.
    """
    try:
        text = reply.body.read().decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = ""
    document = _document(text)
    if isinstance(document, dict):
        for shape in ("token", "userToken"):
            if is_token(document.get(shape)):
                return document[shape], shape
    elif is_token(document):
        return document, "text"
    elif type(document) is int and is_token(text):
        return text, "text"
    raise InvalidCommusoftResponse("a reply without a token")


def _document(text: str) -> Any:
    try:
        return read_json(text)
    except NotJSON:
        return text


def is_token(value: Any) -> bool:
    """Return whether a value can be a token: printable, one word, no JSON or mark-up."""
    return (
        isinstance(value, str)
        and re.fullmatch(r"[\w.~+/=:|@$*!%-]{4,4096}", value, re.A) is not None
    )
