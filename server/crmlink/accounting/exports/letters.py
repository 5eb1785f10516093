"""Detection of the codec of 8-bit text, and of wrongly decoded letters.

One byte is é on one computer and Ž on another. The words show which: no name has a capital or a
fraction among small letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from crmlink.values.double_encoding import without_double_encoding

CODECS = ("cp1252", "mac_roman", "iso8859_14", "cp850")  # Windows, old Macs, Welsh, DOS
FROM_MAC = 3.0  # score of a Mac's own line ends or signs
_BEFORE_WORDS = {"cp1252": 1.0, "mac_roman": 0.0, "iso8859_14": 0.5, "cp850": -1.0}
MARGIN = 1.5  # lead from which the best codec counts as certain
MAX_WORDS = 3_000
MAX_WORD_LENGTH = 40  # letters; a longer word is judged in pieces

_WORD = re.compile(rb"[A-Za-z'&\x80-\xff]{1,%d}" % MAX_WORD_LENGTH)
_COMMON = frozenset("àáâäãåæçèéêëìíîïñòóôöõøœùúûüßÀÁÂÄÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜŵŷŴŶ")
_APOSTROPHES = {"\u2019": 1.2, "\u2018": 0.2}
_QUOTES = frozenset("\u201c\u201d\u201e\u2013\u2014\u2026\xa0")
_BEHIND_WORDS = frozenset("®™©°ºª")
_BESIDE_WORDS = frozenset("®™©°ºª£€$§·•")
_PRICES = frozenset("£€$")
_OPENING = frozenset("\u201e\u201a")
_WELSH = frozenset("ŵŷŴŶ")  # vowels, where Windows-1252 has Icelandic consonants
_ICELANDIC = frozenset("ðþÐÞ")
_VOWEL = re.compile(r"[aeiouáéíóúöæ]", re.IGNORECASE)
_ALONE = frozenset("ÀÁÉÓàáéó")  # words by themselves
_SMALL_IN_FRONT = re.compile(r"(?:h|n|t|mc|mac|nic|mhic|de|le|la|fitz)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """The likeliest codec of 8-bit text, and whether it is certain."""

    codec: str
    is_certain: bool


def likely_codec(chunks: Iterable[bytes], *, from_mac: bool) -> Reading:
    """Return the likeliest codec by the words it gives.

    `from_mac`: other signs show that the text comes from a Mac.
    """
    words = _words(chunks)
    worth = {codec: sum(_worth(word, codec) for word in words) for codec in CODECS}
    before = _BEFORE_WORDS | ({"mac_roman": FROM_MAC, "cp1252": 0.0} if from_mac else {})
    scores = {codec: worth[codec] + before[codec] for codec in CODECS}
    best = max(CODECS, key=lambda codec: scores[codec])
    read = {codec: [word.decode(codec, "replace") for word in words] for codec in CODECS}
    rivals = [codec for codec in CODECS if read[codec] != read[best]]
    lead = scores[best] - max((scores[codec] for codec in rivals), default=float("-inf"))
    # Line ends alone make no letter certain, nor do words that make no sense in any codec.
    makes_sense = worth[best] >= max([0.0, *(worth[codec] for codec in rivals)])
    return Reading(best, lead >= MARGIN and makes_sense)


def _words(chunks: Iterable[bytes]) -> list[bytes]:
    """Return distinct words with a non-ASCII letter, at most MAX_WORDS."""
    words: dict[bytes, None] = {}
    for chunk in chunks:
        words |= {word: None for word in _WORD.findall(chunk) if not word.isascii()}
        if len(words) >= MAX_WORDS:
            break
    return list(words)[:MAX_WORDS]


def _worth(word: bytes, codec: str) -> float:
    try:
        text = word.decode(codec)
    except UnicodeDecodeError:
        return -3.0
    return sum(_sign_worth(text, i) for i, sign in enumerate(text) if not sign.isascii())


def is_doubtful(text: str) -> bool:
    """Return whether a letter is unlikely in its place in a name (MaryÕs) or encoded twice."""
    return without_double_encoding(text) != text or any(
        _sign_worth(text, i) <= -1.0 for i, sign in enumerate(text) if not sign.isascii()
    )


def _sign_worth(text: str, i: int) -> float:
    """Return a score: above 0 for a usual letter in its place, -1 or less for an impossible one."""
    sign = text[i]
    before, after = text[i - 1 : i] if i else "", text[i + 1 : i + 2]
    inside = before.isalpha() and after.isalpha()
    if sign.isalpha() and unicodedata.category(sign) in ("Lu", "Ll"):
        return _letter_worth(text, i, before, after)
    if sign in _APOSTROPHES:
        return _APOSTROPHES[sign] if inside or before.isalpha() else 0.0
    if sign == "\xa0":
        return 0.2
    if sign == "\ufffd" or unicodedata.category(sign) in ("Cc", "Co", "Cn"):
        return -3.0
    if sign in _BESIDE_WORDS and _beside_odd_sign(sign, before, after):
        return -2.0
    if inside or (sign not in _QUOTES | _BESIDE_WORDS and (before.isalpha() or after.isalpha())):
        return -2.0
    if sign in _OPENING and before.isalpha():
        return -2.0
    return 0.2 if sign in _QUOTES | _BESIDE_WORDS else -0.4


def _letter_worth(text: str, i: int, before: str, after: str) -> float:
    sign = text[i]
    if _is_wrong_case(text, i) or not unicodedata.name(sign, "").startswith("LATIN"):
        return -2.0
    has_vowel = bool(_VOWEL.match(before) or _VOWEL.match(after))
    if sign in _ICELANDIC and not has_vowel:
        return -2.0
    if sign in _WELSH and has_vowel:
        return 0.0
    if not (before.isalpha() or after.isalpha() or sign in _ALONE):
        return -0.25
    return 1.0 if sign in _COMMON else -0.4


def _beside_odd_sign(sign: str, before: str, after: str) -> bool:
    """Return whether a sign is before a word instead of after it, or beside another sign."""
    others = [each for each in (before, after) if each and not each.isascii()]
    return (sign in _BEHIND_WORDS | _PRICES and after.isalpha()) or any(
        not o.isalpha() for o in others
    )


def _is_wrong_case(text: str, i: int) -> bool:
    """Return whether a capital follows a small letter, or a small letter is among capitals.

    Gaelic capitals follow a small letter or a prefix: *hÉigeartaigh*, *McÉwan*.
    """
    start, end = i, i + 1
    first, last = max(0, i - MAX_WORD_LENGTH), min(len(text), i + MAX_WORD_LENGTH)
    while start > first and (text[start - 1].isalpha() or text[start - 1] in "'\u2019"):
        start -= 1
    while end < last and (text[end].isalpha() or text[end] in "'\u2019"):
        end += 1
    others = [sign for sign in text[start:i] + text[i + 1 : end] if sign.isalpha()]
    if text[i].isupper():
        in_front = text[start:i]
        return bool(in_front) and text[i - 1].islower() and not _SMALL_IN_FRONT.fullmatch(in_front)
    if text[i + 1 : i + 2].isupper():
        return True
    plain = [sign for sign in others if sign.isascii()]
    return len(plain) > 1 and all(sign.isupper() for sign in plain) and text[i] != "ß"
