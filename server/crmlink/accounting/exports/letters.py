"""Detection of the codec of 8-bit text, and of wrongly decoded letters.

One byte is é on one computer and Ž on another. The words show which: no name has a capital or a
fraction among small letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

CODECS = ("cp1252", "mac_roman", "cp850")  # Windows, old Macs, DOS
FROM_MAC = 3.0  # score of a Mac's own line ends or signs
MARGIN = 1.5  # lead from which the best codec counts as certain
MAX_WORDS = 3_000

_WORD = re.compile(rb"[A-Za-z'&\x80-\xff]*[\x80-\xff][A-Za-z'&\x80-\xff]*")
_COMMON = frozenset("àáâäãåæçèéêëìíîïñòóôöõøœùúûüßÀÁÂÄÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜŵŷŴŶ")
_APOSTROPHES = frozenset("\u2019\u2018")
_QUOTES = frozenset("\u201c\u201d\u201e\u2013\u2014\u2026\xa0")
_BEHIND_WORDS = frozenset("®™©°ºª")
_BESIDE_WORDS = frozenset("®™©°ºª£€$§·•")


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
    scores = {codec: sum(_worth(word, codec) for word in words) for codec in CODECS}
    scores["mac_roman" if from_mac else "cp1252"] += FROM_MAC if from_mac else 1.0
    scores["cp850"] -= 1.0
    best = max(CODECS, key=lambda codec: scores[codec])
    read = {codec: [word.decode(codec, "replace") for word in words] for codec in CODECS}
    rivals = [codec for codec in CODECS if read[codec] != read[best]]
    second = max((scores[codec] for codec in rivals), default=float("-inf"))
    return Reading(best, scores[best] - second >= MARGIN)


def _words(chunks: Iterable[bytes]) -> list[bytes]:
    """Return distinct words with a non-ASCII letter, at most MAX_WORDS."""
    words: dict[bytes, None] = {}
    for chunk in chunks:
        words.update(dict.fromkeys(_WORD.findall(chunk)))
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
    """Return whether a character is unlikely in its place in a name: MaryÕs CafŽ."""
    return any(_sign_worth(text, i) <= -1.0 for i, sign in enumerate(text) if not sign.isascii())


def _sign_worth(text: str, i: int) -> float:
    """Return a score: above 0 for a usual letter in its place, -1 or less for an impossible one."""
    sign = text[i]
    before, after = text[i - 1 : i] if i else "", text[i + 1 : i + 2]
    inside = before.isalpha() and after.isalpha()
    if sign.isalpha() and unicodedata.category(sign) in ("Lu", "Ll"):
        if _is_wrong_case(text, i):
            return -2.0
        return 1.0 if sign in _COMMON else -0.4
    if sign in _APOSTROPHES:
        return 1.0 if inside or before.isalpha() else 0.0
    if sign == "\ufffd" or unicodedata.category(sign) in ("Cc", "Co", "Cn"):
        return -3.0
    if sign in _BESIDE_WORDS and _beside_odd_sign(sign, before, after):
        return -2.0
    if inside or (sign not in _QUOTES | _BESIDE_WORDS and (before.isalpha() or after.isalpha())):
        return -2.0
    return 0.2 if sign in _QUOTES | _BESIDE_WORDS else -0.4


def _beside_odd_sign(sign: str, before: str, after: str) -> bool:
    """Return whether a sign is before a word instead of after it, or beside another sign."""
    others = [each for each in (before, after) if each and not each.isascii()]
    return (sign in _BEHIND_WORDS and after.isalpha()) or any(not o.isalpha() for o in others)


def _is_wrong_case(text: str, i: int) -> bool:
    """Return whether a capital follows a small letter, or a small letter is among capitals."""
    start, end = i, i + 1
    while start and (text[start - 1].isalpha() or text[start - 1] in "'\u2019"):
        start -= 1
    while end < len(text) and (text[end].isalpha() or text[end] in "'\u2019"):
        end += 1
    others = [sign for sign in text[start:i] + text[i + 1 : end] if sign.isalpha()]
    if text[i].isupper():
        return i > start and text[i - 1].islower()
    plain = [sign for sign in others if sign.isascii()]
    return len(plain) > 1 and all(sign.isupper() for sign in plain) and text[i] != "ß"
