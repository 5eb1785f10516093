"""Keyed hashes that stand in the database for references of people who were erased.

Where a package's reference is typed text, such as QuickBooks Desktop's, it is the contact's name.
Once that person is erased, only an HMAC of it is kept: whoever has the reference and the key still
finds the link, and nobody reads a name out of it. A pseudonym is never a reference itself.
"""

from __future__ import annotations

import hmac
import json
import re

from crmlink.folding import fold

PREFIX = "erased:"
_PSEUDONYM = re.compile(PREFIX + r"[0-9a-f]{32}(?:-[0-9]+)?", re.IGNORECASE)  # a second has -2
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PURPOSE = b"crmlink pseudonyms"


def holds_pseudonym(text: str | None) -> bool:
    """Return whether a pseudonym is, or is part of, a text."""
    return text is not None and _PSEUDONYM.search(text) is not None


def may_name(reference: str | None) -> bool:
    """Return whether a reference may tell whose it is: it has letters and is no UUID.

    The reference of a record may be of any package, so its form decides.
    """
    if not reference or _UUID.fullmatch(reference) or _PSEUDONYM.fullmatch(reference):
        return False
    return any(sign.isalpha() for sign in reference)


class Pseudonyms:
    """Makes pseudonyms; their key follows from the secret key, which is not in the database."""

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.digest(secret_key.encode(), _PURPOSE, "sha256")

    def of(self, value: str) -> str:
        """Return the pseudonym of a value, the same for all that fold to one."""
        if _PSEUDONYM.fullmatch(value):
            return value
        return PREFIX + self._digest("value", value)

    def hidden(self, reference: str | None) -> str | None:
        """Return what is kept of a reference that nobody may read any more."""
        return self.of(reference) if reference and may_name(reference) else reference

    def forms(self, value: str | None) -> list[str]:
        """Return how a reference may be kept, as it is and hidden, for comparisons."""
        return [value, self.of(value)] if value else []

    def same(self, one: str | None, other: str | None) -> bool:
        """Return whether two references are one, either of which may be hidden."""
        if one == other:
            return True
        if not one or not other or not (holds_pseudonym(one) or holds_pseudonym(other)):
            return False
        return _first(self.of(one)) == _first(self.of(other))

    def sign_of(self, sort: str, *parts: str) -> str:
        """Return a hash of what an erased person can be known by again, such as their email."""
        return PREFIX + self._digest(sort, *parts)

    def _digest(self, sort: str, *parts: str) -> str:
        text = json.dumps([sort, *(fold(part.strip() if sort != "value" else part)
                                   for part in parts)])  # fmt: skip
        return hmac.digest(self._key, text.encode(), "sha256").hex()[:32]


def _first(pseudonym: str) -> str:
    """The pseudonym without what keeps two of one list apart."""
    return pseudonym[: len(PREFIX) + 32]
