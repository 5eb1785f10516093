"""When two texts are the same but for capitals, or for the Unicode form of their letters.

Worked out here and nowhere else: SQLite's lower() knows ASCII alone, and PostgreSQL's depends on
the locale of its database.
"""

from __future__ import annotations

import unicodedata

_LOWER = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}


def compose(text: str) -> str:
    """Return a text in the one form (NFC) in which all texts from outside are kept."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return what is the same for names, references and contacts' emails that count as one."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", decomposed.casefold())


def normalise_login_email(email: str) -> str:
    """Return the one spelling of an email that a person logs in with.

    Only ASCII's capitals are made small. Other letters stay as they are, so that a look-alike, such
    as İ or the Kelvin sign, never becomes the letter of somebody else's email.
    """
    return email.strip().translate(_LOWER)
