"""Known browsers: other people's wrong passwords do not lock out who signed in there before.

A signed cookie identifies the browser by a random id and its people by keyed hashes, which depend
on the password's hash: a new password forgets the browsers of the old one. A known browser has a
limit of its own, so that a copied cookie does not allow free guessing.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select

from crmlink.access.context import KeyedContext
from crmlink.store import Person

KNOWN_BROWSER_TTL = timedelta(days=365)
MAX_PEOPLE = 8  # of one browser, which may be shared
MAX_COOKIE_LENGTH = 2_000
HASH_LENGTH = 32  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class KnownBrowser:
    """A browser's random id, and the hashes of people who signed in there, the latest last."""

    id: str
    people: tuple[str, ...] = ()

    @classmethod
    def read(cls, access: KeyedContext, cookie: str) -> Self | None:
        """Return the contents of a cookie; None if it is invalid or too old."""
        if not cookie or len(cookie) > MAX_COOKIE_LENGTH:
            return None
        try:
            content: Any = _serializer(access).loads(
                cookie, max_age=int(KNOWN_BROWSER_TTL.total_seconds())
            )
            return cls(str(content["id"]), tuple(map(str, content["people"])))
        except (BadData, KeyError, TypeError):
            return None

    def knows(self, access: KeyedContext, person: Person | None) -> bool:
        """Return whether this person signed in here, with the present password."""
        if person is None:
            return False
        wanted = _hash(access, person)
        return any(hmac.compare_digest(each, wanted) for each in self.people)


def remember(access: KeyedContext, cookie: str, person_id: int) -> str:
    """Return the cookie with a person added who has just signed in."""
    known = KnownBrowser.read(access, cookie) or KnownBrowser(secrets.token_hex(8))
    with access.database.reading() as session:
        own = _hash(access, session.scalars(select(Person).filter_by(id=person_id)).one())
    people = [each for each in known.people if each != own][-MAX_PEOPLE + 1 :]
    content = {"id": known.id, "people": [*people, own]}
    return str(_serializer(access).dumps(content))


def _hash(access: KeyedContext, person: Person) -> str:
    mark = f"{person.public_id}\0{person.password_hash or ''}"
    return access.keyed_hash("known browser", mark).hex()[:HASH_LENGTH]


def _serializer(access: KeyedContext) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(access.secret_key, salt="known browser")
