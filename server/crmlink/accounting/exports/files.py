"""Opening of an export file, and its type by its first bytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from crmlink.accounting.exports.errors import ExportError

Source = Path | str | BinaryIO

MAX_MB = 200
_HEAD = 4096
_SIGNATURES = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
    (b"%PDF", "pdf"),
    (b"{\\rtf", "rtf"),
    (b"\x1f\x8b", "gzip"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
)
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body", b"<table", b"<meta")
_NAMED = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".iif": "iif", ".xlsx": "xlsx", ".xlsm": "xlsx",
    ".xls": "xls",
}  # fmt: skip


@contextmanager
def open_seekable(source: Source) -> Iterator[BinaryIO]:
    """Yield the file at its start, seekable; a given stream stays open afterwards.

    Raises ExportError (`unreadable`, `empty`, `too_large`).
    """
    if isinstance(source, (str, Path)):
        try:
            stream: BinaryIO = Path(source).open("rb")  # noqa: SIM115 - closed below
        except OSError as error:
            raise ExportError("unreadable") from error
        with stream:
            _measure(stream)
            yield stream
    elif source.seekable():
        _measure(source)
        yield source
    else:
        with TemporaryFile() as copy:
            shutil.copyfileobj(_SizeLimitedStream(source), copy)
            _measure(cast("BinaryIO", copy))
            yield cast("BinaryIO", copy)


class _SizeLimitedStream:
    """Stream that raises once more than the size limit was read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = MAX_MB * 2**20

    def read(self, size: int = -1) -> bytes:
        """Read like a file. Raises ExportError (`too_large`)."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ExportError("too_large", most=MAX_MB)
        return data


def _measure(stream: BinaryIO) -> None:
    size = stream.seek(0, 2)
    stream.seek(0)
    if size > MAX_MB * 2**20:
        raise ExportError("too_large", most=MAX_MB)
    if not size:
        raise ExportError("empty")


def sniff_type(stream: BinaryIO, filename: str) -> str:
    """Return the file's type, "xlsx" or "text", which must agree with its name.

    Raises ExportError (`not_as_named`, `not_a_list`, `old_excel`).
    """
    stream.seek(0)
    head = stream.read(_HEAD)
    file_type = _signature(head)
    stream.seek(0)
    named = _NAMED.get(Path(filename).suffix.lower())
    if file_type == "xls":
        raise ExportError("old_excel")
    if file_type == "zip" and named in (None, "xlsx"):
        return "xlsx"
    if file_type == "text" and named in (None, "csv", "iif"):
        return "text"
    if named is None:
        raise ExportError("not_a_list", found=file_type)
    raise ExportError(
        "not_as_named",
        filename=Path(filename).name,
        named=named,
        found="csv"
        if file_type == "text"
        else "xlsx"
        if b"[Content_Types].xml" in head
        else file_type,
    )


def _signature(head: bytes) -> str:
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(_PAGES):
        return "html"
    if start.startswith(b"<?xml"):
        return "html" if b"<html" in start else "xml"
    return "text"
