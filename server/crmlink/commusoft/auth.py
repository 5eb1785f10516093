"""Authenticated requests: places the token, renews it, and obeys Retry-After."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import TokenPlace
from crmlink.commusoft.errors import (
    CommusoftAuthError,
    CommusoftBusy,
    CommusoftServerError,
    CommusoftTimeout,
    InvalidCommusoftResponse,
    WriteRejected,
)
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.shared.account import SharedAccount
from crmlink.commusoft.tokens import Token, TokenCache
from crmlink.commusoft.transport import Request, Response, Transport
from crmlink.deadline import Deadline

_UNAUTHENTICATED = (401, 403)
_REJECTED = (400, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 422)
_TEXT_TYPES = ("", "text/html", "text/plain")


class AuthenticatedTransport:
    """Reads and writes as one Commusoft user; thread-safe."""

    def __init__(
        self,
        connection: Connection,
        limits: ClientLimits,
        token_place: TokenPlace | None,
        shared: SharedAccount | None = None,
    ) -> None:
        self.limits = limits
        self.token_place = token_place
        self.transport = Transport(connection, limits, shared)
        token = shared.token_of(connection, limits) if shared else None
        self._token_cache = TokenCache(connection, self.transport, limits, token)
        self._lock = threading.Lock()
        self._write_refused: Token | None = None

    def token_shape(self, deadline: Deadline) -> str:
        """Return the shape in which the token was received, for the doctor."""
        return self._token_cache.token(deadline).shape

    def get(self, path: str, query: Mapping[str, str], most: int, deadline: Deadline) -> Response:
        """Return a JSON response or a 404; the caller closes it. Raises `CommusoftError`."""
        for token, place in self._token_candidates(deadline):
            call = _with_token(Request("GET", path, most, query), token, place)
            reply = self._send_with_retry_after(call, deadline)
            if self._is_authenticated(reply):
                self.token_place = place
                return _checked(reply)
            reply.body.close()
        if reply.status in _UNAUTHENTICATED:
            raise CommusoftAuthError(f"status {reply.status}")
        raise InvalidCommusoftResponse(f"a page for people: status {reply.status}")

    def _token_candidates(self, deadline: Deadline) -> Iterator[tuple[Token, TokenPlace]]:
        """Yield the token with each possible place, then a renewed token with each."""
        candidates: tuple[TokenPlace, ...] = ("header", "query")
        if self.token_place is not None:
            candidates = (self.token_place,)
        token = self._token_cache.token(deadline)
        for place in candidates:
            yield token, place
        token = self._token_cache.token(deadline, rejected=token)
        for place in candidates:
            yield token, place

    def _is_authenticated(self, reply: Response) -> bool:
        """Return whether the token was accepted.

        While the token's place is unknown, a sign-in page or redirect means that it was not.
        """
        if self.token_place is None and (_is_redirect(reply) or reply.looks_like_html()):
            return False
        return reply.status not in _UNAUTHENTICATED

    def _send_with_retry_after(self, call: Request, deadline: Deadline) -> Response:
        """Send a read, and repeat it after a short wait that Commusoft requested."""
        for _ in range(self.limits.read_retries + 1):
            reply = self.transport.send(call, deadline)
            wait = self._requested_wait(reply)
            if wait is None:
                return reply
            reply.body.close()
            # The next slot comes after the pause, or CommusoftBusy is raised if that is too long.
            self.transport.pause_for(wait)
        raise CommusoftBusy(wait, f"status {reply.status}")

    def _requested_wait(self, reply: Response) -> float | None:
        """Return the requested wait in seconds, None without one."""
        requested = reply.retry_after(self.limits.max_retry_after)
        if reply.status == 429:
            return self.limits.default_retry_after if requested is None else requested
        return requested if reply.status == 503 else None

    def write(
        self,
        method: Literal["PUT", "POST"],
        path: str,
        body: bytes,
        content_type: str,
        deadline: Deadline,
        before_sending: Callable[[], None] | None = None,
    ) -> None:
        """Send one request once. Raises `WriteRejected` if it was certainly not done.

        A rejected token is renewed, but the request is not repeated: `CommusoftBusy` with a wait of
        0 means that the caller may try again at once.
        """
        token = self._token_cache.token(deadline)
        call = Request(
            method,
            path,
            self.limits.record_bytes,
            headers={"Content-Type": content_type},
            body=body,
            before_sending=before_sending,
        )
        call = _with_token(call, token, self.token_place or "header")
        with self.transport.send(call, deadline) as reply:
            if reply.status in _UNAUTHENTICATED:
                self._renew_for_write(token, reply.status, deadline)
            wait = self._requested_wait(reply)
            if wait is not None:
                self.transport.pause_for(wait)
            _check_written(reply, wait)
        self._write_refused = None

    def _renew_for_write(self, token: Token, status: int, deadline: Deadline) -> None:
        with self._lock:
            refused_before = self._write_refused is token
            self._write_refused = renewed = self._token_cache.token(deadline, rejected=token)
        if refused_before or renewed is token:
            raise CommusoftAuthError(f"status {status}")
        raise CommusoftBusy(0.0, cause="the token was renewed")


def _with_token(call: Request, token: Token, place: TokenPlace) -> Request:
    headers, query = dict(call.headers), dict(call.query)
    if place == "header":
        headers["X-Auth-Token"] = token.text
    else:
        query["token"] = token.text
    return replace(call, query=query, headers=headers)


def _is_redirect(reply: Response) -> bool:
    return 300 <= reply.status < 400


def _checked(reply: Response) -> Response:
    """Return the response if it is JSON or a plain 404; else close it and raise an error."""
    try:
        _check_read(reply)
    except BaseException:
        reply.body.close()
        raise
    return reply


def _check_read(reply: Response) -> None:
    status = reply.status
    if status == 408:
        raise CommusoftTimeout("status 408")
    if status >= 500:
        raise CommusoftServerError(status)
    if _is_redirect(reply):
        raise InvalidCommusoftResponse(f"a redirect: status {status}")
    if reply.looks_like_html():
        raise InvalidCommusoftResponse(f"a page for people: status {status}")
    if status in (404, 410):
        return
    if not 200 <= status < 300:
        raise CommusoftServerError(status)
    _check_json(reply)


def _check_json(reply: Response) -> None:
    """Raise InvalidCommusoftResponse unless the response is JSON by its type.

    Text that looks like JSON is accepted too: PHP often sends the wrong type.
    """
    start, kind = reply.start(), reply.content_type
    if not start:
        raise InvalidCommusoftResponse("an empty answer")
    is_json = kind.endswith(("/json", "+json")) or kind in _TEXT_TYPES
    if not is_json or not start.startswith((b"{", b"[")):
        raise InvalidCommusoftResponse("an answer of the wrong type")


def _check_written(reply: Response, wait: float | None) -> None:
    status = reply.status
    if status == 429 or wait is not None:
        raise CommusoftBusy(wait, f"status {status}")
    if status in _REJECTED:
        raise WriteRejected(status)
    if status == 408:
        raise CommusoftTimeout("status 408")
    if _is_redirect(reply):
        raise InvalidCommusoftResponse(f"a redirect: status {status}")
    if status >= 400:
        raise CommusoftServerError(status)
    if reply.looks_like_html():
        raise InvalidCommusoftResponse("a page for people")
