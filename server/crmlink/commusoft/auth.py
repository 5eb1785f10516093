"""Authenticated calls: the right token in the right place, and patience where it is asked for."""

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
from crmlink.commusoft.tokens import Token, TokenCache
from crmlink.commusoft.transport import Request, Response, Transport
from crmlink.deadline import Deadline

_REFUSALS = (401, 403)
_NOT_DONE = (400, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 422)
_TEXT_TYPES = ("", "text/html", "text/plain")


class AuthenticatedTransport:
    """Reads and writes as one Commusoft user; safe to share between threads."""

    def __init__(
        self, connection: Connection, patience: ClientLimits, token_place: TokenPlace | None
    ) -> None:
        self.patience = patience
        self.token_place = token_place
        self.transport = Transport(connection, patience)
        self._keeper = TokenCache(connection, self.transport, patience)
        self._guard = threading.Lock()
        self._write_refused: Token | None = None

    def token_shape(self, deadline: Deadline) -> str:
        """The shape that the token came in, for the doctor."""
        return self._keeper.token(deadline).shape

    def get(self, path: str, query: Mapping[str, str], most: int, deadline: Deadline) -> Response:
        """A JSON answer or a 404, to be closed by the caller. Raises `CommusoftError`."""
        for token, place in self._ways_in(deadline):
            call = _with_token(Request("GET", path, most, query), token, place)
            reply = self._send_patiently(call, deadline)
            if self._lets_in(reply):
                self.token_place = place
                return _checked(reply)
            reply.body.close()
        if reply.status in _REFUSALS:
            raise CommusoftAuthError(f"status {reply.status}")
        raise InvalidCommusoftResponse(f"a page for people: status {reply.status}")

    def _ways_in(self, deadline: Deadline) -> Iterator[tuple[Token, TokenPlace]]:
        """The token in each place that may be right, then a new token the same way."""
        places: tuple[TokenPlace, ...] = ("header", "query")
        if self.token_place is not None:
            places = (self.token_place,)
        token = self._keeper.token(deadline)
        for place in places:
            yield token, place
        token = self._keeper.token(deadline, refused=token)
        for place in places:
            yield token, place

    def _lets_in(self, reply: Response) -> bool:
        """Whether the token was taken; a log-in page says no while its place is not known."""
        if self.token_place is None and (_redirects(reply) or reply.looks_like_html()):
            return False
        return reply.status not in _REFUSALS

    def _send_patiently(self, call: Request, deadline: Deadline) -> Response:
        """A read, sent again after a wait that Commusoft asked for, if it is short."""
        for _ in range(self.patience.read_again + 1):
            reply = self.transport.send(call, deadline)
            wait = self._wait_asked(reply)
            if wait is None:
                return reply
            reply.body.close()
            # While held, the next turn comes after the wait, or not at all when that is too long.
            self.transport.hold(wait)
        raise CommusoftBusy(wait, f"status {reply.status}")

    def _wait_asked(self, reply: Response) -> float | None:
        """Seconds to be silent, None when the answer asks for no wait."""
        asked = reply.retry_after(self.patience.retry_after_most)
        if reply.status == 429:
            return self.patience.wait_unsaid if asked is None else asked
        return asked if reply.status == 503 else None

    def write(
        self,
        method: Literal["PUT", "POST"],
        path: str,
        body: bytes,
        content_type: str,
        deadline: Deadline,
        before_sending: Callable[[], None] | None = None,
    ) -> None:
        """One request, sent once. Raises `WriteRejected` when it was surely not done.

        A token refused here is renewed, but the request is not sent again: `CommusoftBusy` with
        no wait says that the next attempt may come at once.
        """
        token = self._keeper.token(deadline)
        call = Request(
            method,
            path,
            self.patience.record_bytes,
            headers={"Content-Type": content_type},
            body=body,
            before_sending=before_sending,
        )
        call = _with_token(call, token, self.token_place or "header")
        with self.transport.send(call, deadline) as reply:
            if reply.status in _REFUSALS:
                self._renew_for_write(token, reply.status, deadline)
            wait = self._wait_asked(reply)
            if wait is not None:
                self.transport.hold(wait)
            _check_written(reply, wait)
        self._write_refused = None

    def _renew_for_write(self, token: Token, status: int, deadline: Deadline) -> None:
        with self._guard:
            twice = self._write_refused is token
            self._write_refused = fresh = self._keeper.token(deadline, refused=token)
        if twice or fresh is token:
            raise CommusoftAuthError(f"status {status}")
        raise CommusoftBusy(0.0, cause="the token was renewed")


def _with_token(call: Request, token: Token, place: TokenPlace) -> Request:
    headers, query = dict(call.headers), dict(call.query)
    if place == "header":
        headers["X-Auth-Token"] = token.text
    else:
        query["token"] = token.text
    return replace(call, query=query, headers=headers)


def _redirects(reply: Response) -> bool:
    return 300 <= reply.status < 400


def _checked(reply: Response) -> Response:
    """The reply when it is JSON or a plain 404; closed, and an error raised, otherwise."""
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
    if _redirects(reply):
        raise InvalidCommusoftResponse(f"a redirect: status {status}")
    if reply.looks_like_html():
        raise InvalidCommusoftResponse(f"a page for people: status {status}")
    if status in (404, 410):
        return
    if not 200 <= status < 300:
        raise CommusoftServerError(status)
    _check_json(reply)


def _check_json(reply: Response) -> None:
    """JSON by its type, or text that is JSON by its looks: PHP often sends the wrong type."""
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
    if status in _NOT_DONE:
        raise WriteRejected(status)
    if status == 408:
        raise CommusoftTimeout("status 408")
    if _redirects(reply):
        raise InvalidCommusoftResponse(f"a redirect: status {status}")
    if status >= 400:
        raise CommusoftServerError(status)
    if reply.looks_like_html():
        raise InvalidCommusoftResponse("a page for people")
