"""One HTTP exchange with Commusoft: bounded in time and size, with typed errors.

Independent of tokens and records. Credentials cannot leave the connection's own host: the URL is
always built from its base address, and redirects are never followed.
"""

import email.utils
import logging
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import IO, Any, Literal

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util.retry import Retry

from crmlink.commusoft.breaker import CircuitBreaker
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.errors import (
    CommusoftError,
    CommusoftServerError,
    CommusoftTimeout,
    CommusoftUnreachable,
    InvalidCommusoftResponse,
)
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.pace import PaceState
from crmlink.commusoft.rate_limiter import RateLimiter
from crmlink.commusoft.shared.account import SharedAccount
from crmlink.deadline import Deadline, WatchedAdapter, current_deadline
from crmlink.metrics import count_commusoft_call

SANDBOX_HEADER = "Commusoft-Sandbox"
_CHUNK = 64 * 1024
_IN_MEMORY = 1024 * 1024
_SMALL_REPLY = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `most` limits the bytes of the response; secrets stay out of the repr.

    `before_sending` is called when the slot is taken, right before the first byte is sent; an
    exception in it keeps the request from being sent.
    """

    method: Literal["GET", "PUT", "POST"]
    path: str
    most: int
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    before_sending: Callable[[], None] | None = field(default=None, repr=False)


@dataclass(slots=True)
class Response:
    """One complete response: status, headers and the body in a file (in memory if small)."""

    status: int
    headers: Mapping[str, str]
    body: IO[bytes] = field(repr=False)
    size: int

    def __enter__(self) -> "Response":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.body.close()

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters, "" if missing."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def start(self) -> bytes:
        """Return the first bytes that are not white space."""
        self.body.seek(0)
        start = self.body.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
        self.body.seek(0)
        return start

    def looks_like_html(self) -> bool:
        """Return whether the body is an HTML page, such as a sign-in page."""
        return self.start().startswith(b"<")

    def retry_after(self, most: float) -> float | None:
        """Return the requested wait in seconds, bounded; None without one."""
        return parse_retry_after(self.headers.get("Retry-After", ""), most)


def parse_retry_after(text: str, most: float) -> float | None:
    """Return the seconds of a `Retry-After` (a number or a date), between 0 and `most`."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,15}", text):
        return min(float(text), most)
    try:
        when = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, when - time.time()), most)


class _ReadRetry(Retry):
    """urllib3's Retry for reads alone, within the current deadline and the rate limit."""

    limiter: RateLimiter

    def new(self, **changes: Any) -> "_ReadRetry":
        """Return a copy with the same rate limiter."""
        retry = super().new(**changes)
        retry.limiter = self.limiter
        return retry

    def increment(self, method: str | None = None, *args: Any, **kwargs: Any) -> "_ReadRetry":
        """Return the next retry; raises the error for a write or after the deadline."""
        error, deadline = kwargs.get("error"), current_deadline()
        over = deadline is None or deadline.expired or isinstance(error, ReadTimeoutError)
        if error is not None and (method != "GET" or over):
            raise error
        return super().increment(method, *args, **kwargs)

    def sleep(self, response: Any = None) -> None:
        """Sleep before the next try, then reserve its start."""
        deadline = current_deadline()
        if deadline is not None:
            time.sleep(min(self.get_backoff_time(), deadline.remaining()))
            self.limiter.reserve_start(deadline)


class Transport:
    """HTTP session with one Commusoft address; thread-safe."""

    def __init__(
        self, connection: Connection, limits: ClientLimits, shared: SharedAccount | None = None
    ) -> None:
        self._base_url = connection.base_url
        self._limits = limits
        starts, states = (shared.starts, shared.states) if shared else (None, None)
        self._limiter = RateLimiter(limits, starts, states)
        self._breaker = CircuitBreaker(limits, shared=states)
        self._session = _session(connection, limits, self._limiter)
        self.sandbox = False
        _redact_tokens_in_logs()

    @property
    def last_error_code(self) -> str | None:
        """Code of the error of the last call; None if it got a response."""
        return self._breaker.last_error_code

    @property
    def background_per_second(self) -> float:
        """Calls per second available to background work."""
        return self._limiter.background_per_second

    def send(self, call: Request, deadline: Deadline) -> Response:
        """Return the complete response of any status. Raises `CommusoftError` without one."""
        self._breaker.admit()
        try:
            with self._limiter.slot(deadline):
                if call.before_sending is not None:
                    call.before_sending()
                reply = self._paced_exchange(call, deadline)
        except CommusoftError as error:
            self._breaker.failed(error)
            raise
        self._note_sandbox(reply)
        return reply

    @property
    def pace(self) -> PaceState | None:
        """The pace by Commusoft's answers, None if it is fixed."""
        return self._limiter.pace.present_state() if self._limiter.pace else None

    def _paced_exchange(self, call: Request, deadline: Deadline) -> Response:
        """Exchange, and let the pace follow from how that went."""
        pace, began = self._limiter.pace, time.monotonic()
        try:
            reply = self._exchange(call, deadline)
        except CommusoftError as error:
            count_commusoft_call(call.method, error.code, time.monotonic() - began)
            if pace is not None and isinstance(error, CommusoftTimeout | CommusoftUnreachable):
                pace.record_timeout()
            raise
        count_commusoft_call(call.method, reply.status, time.monotonic() - began)
        if pace is not None:
            is_small = reply.size < _SMALL_REPLY  # a list takes as long as it is long
            pace.record_response(time.monotonic() - began if is_small else None, reply.status)
        return reply

    def close_idle(self) -> None:
        """Close connections that no call uses."""
        self._session.close()

    def pause_for(self, seconds: float) -> None:
        """Send nothing for so many seconds."""
        self._limiter.pause_for(seconds)

    def _note_sandbox(self, reply: Response) -> None:
        if SANDBOX_HEADER in reply.headers:
            self.sandbox = True
        if reply.status >= 500:
            self._breaker.failed(CommusoftServerError(reply.status))
        else:
            self._breaker.succeeded()

    def _exchange(self, call: Request, deadline: Deadline) -> Response:
        failure: CommusoftError
        try:
            return self._receive(call, deadline)
        except (requests.RequestException, HTTPError, OSError) as error:
            failure = _failure(error, deadline)
        # Raised outside the handler, without the library's exception, which contains the URL.
        raise failure

    def _receive(self, call: Request, deadline: Deadline) -> Response:
        with self._session.request(
            call.method,
            self._base_url + call.path,
            params=dict(call.query),
            headers=dict(call.headers),
            data=call.body,
            timeout=(self._limits.connect_timeout, self._limits.read_timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            body, size = _spool(response, call.most, deadline)
            return Response(response.status_code, response.headers, body, size)


def _session(
    connection: Connection, limits: ClientLimits, limiter: RateLimiter
) -> requests.Session:
    session = requests.Session()
    retry = _ReadRetry(
        total=limits.read_retries,
        allowed_methods={"GET"},
        status_forcelist={500, 502, 504},
        backoff_factor=0.3,
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    retry.limiter = limiter
    adapter = WatchedAdapter(max_retries=retry, pool_maxsize=limits.max_concurrent)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    # Prefer JSON; the published profile's token is plain text only.
    session.headers["Accept"] = "application/json, */*;q=0.1"
    # What is read decides what is written: a cache on the way must ask Commusoft.
    session.headers["Cache-Control"] = "no-cache"
    # Authenticate by the token alone: no cookies, no password from a .netrc file.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = lambda request: request
    session.trust_env = not connection.is_loopback
    return session


def _spool(response: requests.Response, most: int, deadline: Deadline) -> tuple[IO[bytes], int]:
    """Return the body in a file and its size; closes the connection if it is too large."""
    body: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # handed on
    size = 0
    try:
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            if size > most:
                raise InvalidCommusoftResponse("an answer that is too large")
            body.write(chunk)
        if deadline.expired:
            raise CommusoftTimeout("no whole answer in time")
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return body, size


def _failure(error: Exception, deadline: Deadline) -> CommusoftError:
    """Return the error as a type; only the class of the library's exception is kept."""
    cause = type(error).__name__
    if deadline.expired or _is_timeout(error):
        return CommusoftTimeout(cause)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return InvalidCommusoftResponse("an answer that breaks off")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return InvalidCommusoftResponse("an answer that cannot be unpacked")
    return CommusoftUnreachable(cause)


def _is_timeout(error: Exception) -> bool:
    # During a body requests wraps the time-out as a connection error.
    inner = error.args[0] if error.args else None
    return isinstance(error, requests.ReadTimeout | ReadTimeoutError) or isinstance(
        inner, ReadTimeoutError
    )


class TokenRedactingFilter(logging.Filter):
    """Log filter that removes the value of `token=` from urllib3's messages."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record's arguments; returns True."""
        record.msg = re.sub(r"(token=)[^&\s'\"]*", r"\1***", record.getMessage())
        record.args = ()
        return True


_FILTER = TokenRedactingFilter()


def _redact_tokens_in_logs() -> None:
    # addFilter ignores a filter that is already added.
    for name in ("urllib3.connectionpool", "urllib3.util.retry", "urllib3.poolmanager"):
        logging.getLogger(name).addFilter(_FILTER)
