"""Text files of any make: how their letters are written, what stands between their columns."""

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
# That a person may choose; the last two are those of old Macs and of DOS.
ENCODINGS = ("utf-8", "cp1252", "utf-16", "mac_roman", "cp850")
HEAD = 1 << 17  # bytes that are looked at to tell what a file is

_CHUNK = 1 << 20
_NO_LETTER = re.compile(r"[\udc80-\udcff]")  # a byte that is not UTF-8
_LETTER = re.compile(r"[^\x00-\x7f\udc80-\udcff]")
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x19\x1c-\x1f]")
_SEPARATOR = re.compile(r'"?sep=(?P<sign>[,;|\t])"?', re.IGNORECASE)


def detect_encoding(stream: BinaryIO) -> Reading:
    """How the file's letters are written, and whether that is certain: UTF-8, UTF-16 or one of the
    8-bit codecs of Windows, old Macs and DOS.

    The whole file is looked at, since its first strange letter may stand at its end. Raises
    ExportError (`encoding`, `not_a_list`).
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
    """The encoding that a person chose, one of ENCODINGS."""
    return Reading("utf-8-sig" if encoding == "utf-8" else encoding, True)  # with or without a BOM


def _is_from_mac(head: bytes) -> bool:
    """Whether a file's beginning says so, or its lines end as only a Mac ends them."""
    only_returns = b"\r" in head and b"\n" not in head
    return only_returns or b"Macintosh" in head


def _is_utf8(stream: BinaryIO) -> bool:
    """Whether more letters bear UTF-8 out than contradict it."""
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
    """The file as text, line ends as they are; what cannot be read becomes U+FFFD."""
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
    try:
        yield text
    finally:
        text.detach()


def head_of(stream: BinaryIO, encoding: str) -> str:
    """The file's first lines, whole ones as long as there are several."""
    with text_of(stream, encoding) as text:
        head = text.read(HEAD)
        more = text.read(1)
    if not more:
        return head
    last = max(head.rfind("\n"), head.rfind("\r"))
    return head[: last + 1] if last > 0 else head


def detect_delimiter(head: str) -> str:
    """What stands between the columns: what gives most lines the same number of them.

    A first line `sep=;`, as Excel understands it, decides.
    """
    told = _SEPARATOR.fullmatch(head.partition("\n")[0].strip(" \r\ufeff"))
    if told:
        return told["sign"]
    return max(DELIMITERS, key=lambda sign: _evenness(head, sign))


def with_its_spaces(head: str, delimiter: str) -> str:
    """The delimiter, with a space where the file has one between it and quotation marks."""
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
