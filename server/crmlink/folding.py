"""Equality of texts that differ only in case or in the Unicode form of their letters.

Computed here alone: SQLite's lower() handles only ASCII, and PostgreSQL's depends on the database's
locale.
"""

from __future__ import annotations

import re
import unicodedata

_TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "professor",
        "rev",
        "revd",
        "sir",
        "lady",
        "dame",
    ]
)
_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_APOSTROPHES = re.compile("['\u2018\u2019`]")
_WORD = re.compile(r"[^\W_]+")
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


def spellings(name: str) -> frozenset[str]:
    """Return the forms in which a person's name is compared: as it is, and by its words alone.

    The words are without accents, titles, punctuation and remarks in brackets, in alphabetical
    order, so that *Holloway, Márgaret (Mrs)* is *Margaret Holloway*. A name with only one whole
    word is compared as it is: *Mr J Smith* is not *Mrs J Smith*.
    """
    whole = " ".join(fold(name).split())
    plain = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", _IN_BRACKETS.sub(" ", whole)))
    bare = "".join(sign for sign in plain if not unicodedata.combining(sign))
    words = [word for word in _WORD.findall(bare) if word not in _TITLES]
    several = sum(len(word) > 1 for word in words) > 1
    return frozenset((whole, " ".join(sorted(words))) if several else (whole,)) - {""}


def normalise_login_email(email: str) -> str:
    """Return the canonical form of an email for signing in.

    Only ASCII capitals become lower case. Other letters are unchanged, so a look-alike, such as İ
    or the Kelvin sign, never becomes a letter of another person's email.
    """
    return email.strip().translate(_LOWER)
