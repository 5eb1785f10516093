"""Calls to a package's API: bounded, to its own host alone, with typed errors."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal, Protocol

import requests
from urllib3.exceptions import HTTPError

from crmlink.bounded_http import AnswerTooLarge, BoundedAdapter, may_use_proxy
from crmlink.sources.errors import (
    SourceError,
    SourceFault,
    SourceLimited,
    SourceRefused,
    SourceUnreachable,
    SourceUnreadable,
)
from crmlink.sources.packages import SourcePackage, origin
from crmlink.store.base import utc_now
from crmlink.strict_json import NotJSON, read_json

MAX_SECONDS = 60.0
MAX_BYTES = 16 * 1024 * 1024  # a page has 1,000 contacts, of a few kB each
CONNECT_SECONDS = 10.0
DEFAULT_WAIT = timedelta(minutes=1)
MAX_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ApiReply:
    """A successful answer: its JSON document and headers.

    The document is None if nothing has changed since the time that was asked for.
    """

    document: Any
    headers: Mapping[str, str]


class Tokens(Protocol):
    """What a call is authorised by."""

    def header(self, *, renew: bool = False) -> str:
        """Return the Authorization header; ``renew`` after the package refused the last one.

        Raises SourceError.
        """
        ...


class Api:
    """One package's API with one sign-in; counts its calls."""

    def __init__(self, package: SourcePackage, tokens: Tokens) -> None:
        self.package, self._tokens = package, tokens
        self._session = bounded_session(package.addresses.api)
        self.calls = 0

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiReply:
        """Return what the API answers at a path below its address, or at a link of its own.

        Raises SourceError; a link to another host is SourceUnreadable and never followed.
        """
        return self._call("GET", path, params, headers)

    def delete(self, path: str) -> None:
        """Delete something; one that is gone already is fine. Raises SourceError."""
        self._call("DELETE", path, None, None)

    def _call(
        self,
        method: Literal["GET", "DELETE"],
        path: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> ApiReply:
        url = self._url(path)
        for renew in (False, True):
            sent = {**(headers or {}), "Authorization": self._tokens.header(renew=renew)}
            self.calls += 1
            reply = exchange(self._session, method, url, params=params, headers=sent)
            if reply.status_code != 401:
                break
        is_gone = method == "DELETE" and reply.status_code == 404
        is_unchanged = reply.status_code == 304 and "If-Modified-Since" in sent
        if not (is_gone or is_unchanged):
            check_status(reply)
        if method == "DELETE" or is_unchanged:
            return ApiReply(None, reply.headers)
        return ApiReply(document_of(reply), reply.headers)

    def _url(self, path: str) -> str:
        if path.startswith("/"):
            return self.package.addresses.api + path
        if origin(path) != self.package.addresses.api_origin:
            raise SourceUnreadable("a link to another host")
        return path


def bounded_session(address: str) -> requests.Session:
    """Return a session for an address, without cookies and passwords of this computer's files."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter(MAX_BYTES, MAX_SECONDS))
    session.trust_env = may_use_proxy(address)
    session.auth = lambda sent: sent  # or else a .netrc file's
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"Accept": "application/json", "User-Agent": "crmlink"})
    return session


def exchange(session: requests.Session, method: str, url: str, **more: Any) -> requests.Response:
    """Return a complete answer of any status. Raises SourceUnreachable or SourceUnreadable."""
    failure: SourceError
    try:
        return session.request(
            method, url, timeout=(CONNECT_SECONDS, MAX_SECONDS), allow_redirects=False, **more
        )
    except AnswerTooLarge:
        failure = SourceUnreadable("too large")
    except ValueError as error:  # a link or a token that cannot be sent
        failure = SourceUnreadable(type(error).__name__)
    except (requests.RequestException, HTTPError, OSError) as error:
        failure = SourceUnreachable(type(error).__name__)
    raise failure  # without the library's exception, which contains the URL


def check_status(reply: requests.Response) -> None:
    """Raise the error of an answer that is no success."""
    status = reply.status_code
    if 200 <= status < 300:
        return
    if status in (401, 403):
        raise SourceRefused(f"status {status}", company_only=status == 403)
    if status in (429, 503):
        raise SourceLimited(wait_until(reply), f"status {status}")
    if status >= 500:
        raise SourceFault(f"status {status}")
    raise SourceUnreadable(f"status {status}")


def document_of(reply: requests.Response) -> Any:
    """Return the JSON document of an answer. Raises SourceUnreadable."""
    try:
        return read_json(reply.content, control_characters=True)
    except NotJSON:
        raise SourceUnreadable("no JSON") from None


def wait_until(reply: requests.Response) -> datetime:
    """Return when to ask again, by `Retry-After`: at most a day away, without one a minute."""
    value = reply.headers.get("Retry-After", "").strip()
    wait = DEFAULT_WAIT
    if value.isascii() and value.isdigit() and len(value) < 10:
        wait = timedelta(seconds=int(value))
    elif value:
        try:
            wait = email.utils.parsedate_to_datetime(value) - utc_now()
        except (ValueError, TypeError, OverflowError, IndexError):
            wait = DEFAULT_WAIT
    return utc_now() + min(max(wait, timedelta(seconds=1)), MAX_WAIT)
