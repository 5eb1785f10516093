"""Equality of texts that differ only in case or in the Unicode form of their letters.

Computed here alone: SQLite's lower() handles only ASCII, and PostgreSQL's depends on the database's
locale.
"""

from __future__ import annotations

import unicodedata

_LOWER = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}


def compose(text: str) -> str:
    """Return a text in NFC, the Unicode form in which all external texts are stored."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return the form in which equal names, references and contacts' emails are identical."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", decomposed.casefold())


def normalise_login_email(email: str) -> str:
    """Return the canonical form of an email for signing in.

    Only ASCII capitals become lower case. Other letters are unchanged, so a look-alike, such as İ
    or the Kelvin sign, never becomes a letter of another person's email.
    """
    return email.strip().translate(_LOWER)
