"""UTF-8 that was read as Windows-1252 or Mac OS Roman and saved again: CafÃ© and Caf√© for Café."""

import re

_C1 = "\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d\u2018\u2019" \
      "\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178"  # fmt: skip
_NEXT = rf"[\x80-\xbf{_C1}]"  # a byte after the first of a letter, read as Windows-1252
_WINDOWS = re.compile(rf"[\xc2-\xc5]{_NEXT}|\xe2{_NEXT}{_NEXT}")
_MAC_FIRST = bytes(range(0xC2, 0xC6)).decode("mac_roman")
_MAC_NEXT = re.escape(bytes(range(0x80, 0xC0)).decode("mac_roman"))
_MAC = re.compile(rf"[{_MAC_FIRST}][{_MAC_NEXT}]|\u201a[{_MAC_NEXT}][{_MAC_NEXT}]")
_QUICK = re.compile(rf"[\xc2-\xc5\xe2\u201a{_MAC_FIRST}]")
_SIGNS = frozenset("\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u2022\u20ac\u2122\xa0\xa3\xa9\xae"
                   "\xb0\xb7\xba\xaa\xbd\xbc\xbe\xab\xbb\xa7\xb4")  # fmt: skip
_LETTERS = frozenset(
    map(chr, [*range(0xC0, 0xD7), *range(0xD8, 0xF7), *range(0xF8, 0x100),
              *range(0x104, 0x108), *range(0x10C, 0x10E), *range(0x118, 0x11C),
              *range(0x141, 0x145), *range(0x152, 0x154), *range(0x15A, 0x15C),
              *range(0x160, 0x162), *range(0x174, 0x178), *range(0x179, 0x17F)])
)  # fmt: skip
_MAX_DECODINGS = 3


def without_double_encoding(text: str) -> str:
    """Return the text with letters that were encoded twice put right; others are unchanged.

    Only what gives a letter of European names or a usual sign is taken for one.
    """
    for _ in range(_MAX_DECODINGS):
        if text.isascii() or not _QUICK.search(text):
            return text
        repaired = _MAC.sub(_from_mac, _WINDOWS.sub(_from_windows, text))
        if repaired == text:
            return text
        text = repaired
    return text


def _from_windows(match: re.Match[str]) -> str:
    return _decoded(b"".join(map(_windows_byte, match.group())), match.group())


def _windows_byte(sign: str) -> bytes:
    return sign.encode("latin-1" if ord(sign) < 0x100 else "cp1252")


def _from_mac(match: re.Match[str]) -> str:
    return _decoded(match.group().encode("mac_roman"), match.group())


def _decoded(data: bytes, otherwise: str) -> str:
    try:
        sign = data.decode("utf-8")
    except UnicodeError:
        return otherwise
    return sign if sign in _LETTERS or sign in _SIGNS else otherwise
