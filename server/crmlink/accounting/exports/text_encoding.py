"""Encoding and delimiter of text files."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.letters import Reading, likely_codec

DELIMITERS = (",", ";", "\t", "|")
# Offered to the user; the last three are those of old Macs, of Welsh, and of DOS.
ENCODINGS = ("utf-8", "cp1252", "utf-16", "mac_roman", "iso8859_14", "cp850")
HEAD = 1 << 17  # bytes read to detect the format

_CHUNK = 1 << 20
_NO_LETTER = re.compile(r"[\udc80-\udcff]")  # a byte that is not UTF-8
_LETTER = re.compile(r"[^\x00-\x7f\udc80-\udcff]")
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x19\x1c-\x1f]")
_SEPARATOR = re.compile(r'"?sep=(?P<sign>[,;|\t])"?', re.IGNORECASE)


def detect_encoding(stream: BinaryIO) -> Reading:
    """Return the file's encoding, and whether it is certain.

    It is UTF-8, UTF-16 or an 8-bit codec of Windows, old Macs or DOS. The whole file is read, since
    its first non-ASCII letter may be at its end. Raises ExportError (`encoding`, `not_a_list`).
    """
    stream.seek(0)
    head = stream.read(4096)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise ExportError("encoding")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Reading("utf-16", True)
    if head.startswith(codecs.BOM_UTF8):
        return Reading("utf-8-sig", True)
    pairs = len(head) // 2
    even, odd = head[::2].count(0), head[1::2].count(0)
    if pairs and odd > pairs * 0.4 and even < pairs * 0.1:
        return Reading("utf-16-le", True)
    if pairs and even > pairs * 0.4 and odd < pairs * 0.1:
        return Reading("utf-16-be", True)
    if len(_CONTROL.findall(head)) + head.count(0) > max(1, len(head) // 10):
        raise ExportError("not_a_list", found="binary")
    if _is_utf8(stream):
        return Reading("utf-8", True)
    stream.seek(0)
    return likely_codec(iter(lambda: stream.read(_CHUNK), b""), from_mac=_is_from_mac(head))


def encoding_asked(encoding: str) -> Reading:
    """Return the encoding that the user chose, one of ENCODINGS."""
    return Reading("utf-8-sig" if encoding == "utf-8" else encoding, True)  # with or without a BOM


def _is_from_mac(head: bytes) -> bool:
    """Return whether the file's start or its line ends show that a Mac wrote it."""
    only_returns = b"\r" in head and b"\n" not in head
    return only_returns or b"Macintosh" in head


def _is_utf8(stream: BinaryIO) -> bool:
    """Return whether more letters are valid UTF-8 than not."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    while True:
        chunk = stream.read(_CHUNK)
        text = decoder.decode(chunk, final=not chunk)
        if not text.isascii():
            bad += len(_NO_LETTER.findall(text))
            good += len(_LETTER.findall(text))
        if not chunk:
            break
    return good >= bad


@contextmanager
def text_of(stream: BinaryIO, encoding: str) -> Iterator[io.TextIOWrapper]:
    """Yield the file as text with unchanged line ends; undecodable bytes become U+FFFD.

    Raises ExportError (`encoding`) for UTF-16 that does not say its byte order.
    """
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
    try:
        yield text
    except UnicodeError as error:
        raise ExportError("encoding") from error
    finally:
        text.detach()


def head_of(stream: BinaryIO, encoding: str) -> str:
    """Return the file's first lines, only whole ones if there are several."""
    with text_of(stream, encoding) as text:
        head = text.read(HEAD)
        more = text.read(1)
    if not more:
        return head
    last = max(head.rfind("\n"), head.rfind("\r"))
    return head[: last + 1] if last > 0 else head


def detect_delimiter(head: str) -> str:
    """Return the delimiter that gives most lines the same number of columns.

    A first line `sep=;`, as Excel reads it, decides.
    """
    declared = _SEPARATOR.fullmatch(head.partition("\n")[0].strip(" \r\ufeff"))
    if declared:
        return declared["sign"]
    return max(DELIMITERS, key=lambda sign: _evenness(head, sign))


def with_its_spaces(head: str, delimiter: str) -> str:
    """Return the delimiter, with a space if the file has one before quotation marks."""
    lines = [line for line in head.splitlines() if line.strip()][:60]
    spaced = sum(f'{delimiter} "' in line for line in lines)
    return f"{delimiter} " if delimiter != "\t" and spaced * 3 >= len(lines) else delimiter


def _evenness(head: str, delimiter: str) -> tuple[int, int]:
    try:
        widths = [len(row) for row in csv.reader(io.StringIO(head, ""), delimiter=delimiter)]
    except csv.Error:
        return 0, 0
    several = Counter(width for width in widths if width > 1)
    if not several:
        return 0, 0
    width, lines = max(several.items(), key=lambda item: (item[1], item[0]))
    return lines, width
