"""Pseudonyms: keyed hashes that replace references of erased people in the database.

Where a package's reference is typed text, such as QuickBooks Desktop's, it is the contact's name.
After erasure only its HMAC is stored: with the reference and the key the link can still be found,
but no name can be read from it. A pseudonym is never itself a reference.
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
    """Return whether a text is or contains a pseudonym."""
    return text is not None and _PSEUDONYM.search(text) is not None


def may_name(reference: str | None) -> bool:
    """Return whether a reference may identify a person: it has letters and is no UUID.

    A record's reference may be any package's, so its form decides.
    """
    if not reference or _UUID.fullmatch(reference) or _PSEUDONYM.fullmatch(reference):
        return False
    return any(sign.isalpha() for sign in reference)


class Pseudonyms:
    """Maker of pseudonyms, with a key derived from the secret key outside the database."""

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.digest(secret_key.encode(), _PURPOSE, "sha256")

    def of(self, value: str) -> str:
        """Return the pseudonym of a value, the same for all values that fold to one."""
        if _PSEUDONYM.fullmatch(value):
            return value
        return PREFIX + self._digest("value", value)

    def hidden(self, reference: str | None) -> str | None:
        """Return a reference as its pseudonym if it may identify a person."""
        return self.of(reference) if reference and may_name(reference) else reference

    def forms(self, value: str | None) -> list[str]:
        """Return the forms in which a reference may be stored, for comparison."""
        return [value, self.of(value)] if value else []

    def same(self, reference: str | None, other: str | None) -> bool:
        """Return whether two references are equal, either of which may be a pseudonym."""
        if reference == other:
            return True
        if not reference or not other or not (holds_pseudonym(reference) or holds_pseudonym(other)):
            return False
        return _first(self.of(reference)) == _first(self.of(other))

    def sign_of(self, data_type: str, *parts: str) -> str:
        """Return a hash of data that identifies an erased person, such as their email."""
        return PREFIX + self._digest(data_type, *parts)

    def _digest(self, data_type: str, *parts: str) -> str:
        text = json.dumps([data_type, *(fold(part.strip() if data_type != "value" else part)
                                   for part in parts)])  # fmt: skip
        return hmac.digest(self._key, text.encode(), "sha256").hex()[:32]


def _first(pseudonym: str) -> str:
    """Return the pseudonym without the suffix that distinguishes two of one list."""
    return pseudonym[: len(PREFIX) + 32]
