"""KashFlow's session: user name and password, then characters of the memorable word.

The two requests are those of KashFlow's public page about its session token. Neither the password
nor the word is kept, and the session's token is only in the memory of the process that reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import requests
import structlog

from crmlink.sources.api import bounded_session, check_status, document_of, exchange
from crmlink.sources.errors import SignInWrong, SourceError, SourceRefused, SourceUnreadable
from crmlink.sources.packages import SourcePackage

MAX_POSITION = 100
MAX_ASKED = 10  # characters
MAX_TOKEN_LENGTH = 1_000
REFUSED = (400, 401, 403, 404, 422)  # of a sign-in: wrong, or a locked user

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AskedCharacters:
    """What KashFlow asks for after the password: positions in the memorable word, from 1."""

    positions: tuple[int, ...]
    temporary_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """A session's token, which is never written anywhere."""

    package: SourcePackage
    token: str = field(repr=False)

    def header(self, *, renew: bool = False) -> str:
        """Return the Authorization header. Raises SourceRefused to renew: a person has to."""
        if renew:
            raise SourceRefused("session over")
        return f"KfToken {self.token}"

    def end(self) -> None:
        """End the session at KashFlow, where it ends by itself too."""
        headers, address = {"Authorization": self.header()}, self.package.addresses.token
        try:
            reply = exchange(bounded_session(address), "DELETE", address, headers=headers)
            check_status(reply)
        except SourceError as error:
            log.info("session not ended", package=self.package.id, problem=error.code)


def begin_session(package: SourcePackage, user_name: str, password: str) -> AskedCharacters:
    """Return the characters that KashFlow asks for. Raises SignInWrong or another SourceError."""
    document = _sent(package, "POST", {"UserName": user_name, "Password": password})
    return AskedCharacters(_positions(document), _token(document, "TemporaryToken"))


def finish_session(
    package: SourcePackage, asked: AskedCharacters, characters: Sequence[str]
) -> tuple[SessionTokens, Mapping[str, Any]]:
    """Return a session, and what KashFlow says of it, such as its company.

    ``characters`` are in the order of the positions. Raises SignInWrong or another SourceError.
    """
    if len(characters) != len(asked.positions) or any(len(each) != 1 for each in characters):
        raise SignInWrong("characters")
    document = _sent(
        package,
        "PUT",
        {
            "TemporaryToken": asked.temporary_token,
            "MemorableWordList": [
                {"Position": position, "Value": value}
                for position, value in zip(asked.positions, characters, strict=True)
            ],
        },
    )
    return SessionTokens(package, _token(document, "SessionToken")), document


def _sent(
    package: SourcePackage, method: Literal["POST", "PUT"], body: Mapping[str, Any]
) -> Mapping[str, Any]:
    address = package.addresses.token
    reply: requests.Response = exchange(bounded_session(address), method, address, json=body)
    if reply.status_code in REFUSED:
        raise SignInWrong(f"status {reply.status_code}")
    check_status(reply)
    document = document_of(reply)
    if not isinstance(document, Mapping):
        raise SourceUnreadable("no session")
    return document


def _positions(document: Mapping[str, Any]) -> tuple[int, ...]:
    found = document.get("MemorableWordList")
    asked = [each.get("Position") for each in found if isinstance(each, Mapping)] if (
        isinstance(found, list)
    ) else []  # fmt: skip
    positions = tuple(each for each in asked if isinstance(each, int) and 0 < each <= MAX_POSITION)
    if not positions or len(set(positions)) != len(asked) or len(asked) > MAX_ASKED:
        raise SourceUnreadable("no positions")
    return positions


def _token(document: Mapping[str, Any], name: str) -> str:
    token = document.get(name)
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_LENGTH:
        raise SourceUnreadable("no token")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SourceUnreadable("no token")
    return token
