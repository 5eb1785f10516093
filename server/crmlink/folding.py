"""Equality of texts that differ only in case or in the Unicode form of their letters.

Computed here alone: SQLite's lower() handles only ASCII, and PostgreSQL's depends on the database's
locale.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Literal

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
# No word, or one of the two letters that NFKD makes a mark of.
_LONG_RUN = re.compile(r"(?:[^\w\x00-\x7f]|[\uff9e\uff9f]){32,}")
_LOWER = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}


def compose(text: str) -> str:
    """Return a text in NFC, the Unicode form in which all external texts are stored."""
    return text if text.isascii() else normal_form("NFC", text)


def normal_form(form: Literal["NFC", "NFD", "NFKD"], text: str) -> str:
    """Return a text in a Unicode form, in time linear in its length.

    Python sorts the marks above and below one letter by insertion; there may be a million.
    """
    ordered = _LONG_RUN.sub(lambda run: "".join(_ordered(form, run.group())), text)
    return unicodedata.normalize(form, ordered)


def _ordered(form: str, run: str) -> Iterator[str]:
    """Yield the signs with each letter's marks in the canonical order of Unicode."""
    decomposed: Literal["NFD", "NFKD"] = "NFKD" if form == "NFKD" else "NFD"
    signs = (sign for each in run for sign in unicodedata.normalize(decomposed, each))
    for _, alike in groupby(signs, key=lambda sign: unicodedata.combining(sign) > 0):
        yield from sorted(alike, key=unicodedata.combining)


def fold(text: str) -> str:
    """Return the form in which equal names, references and contacts' emails are identical."""
    if text.isascii():
        return text.lower()
    return normal_form("NFC", normal_form("NFD", text).casefold())


def spellings(name: str) -> frozenset[str]:
    """Return the forms in which a person's name is compared: as it is, and by its words alone.

    The words are without accents, titles, punctuation and remarks in brackets, in alphabetical
    order, so that *Holloway, Márgaret (Mrs)* is *Margaret Holloway*. A name with only one whole
    word is compared as it is: *Mr J Smith* is not *Mrs J Smith*.
    """
    whole = " ".join(fold(name).split())
    plain = normal_form("NFKD", _APOSTROPHES.sub("", _IN_BRACKETS.sub(" ", whole)))
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
