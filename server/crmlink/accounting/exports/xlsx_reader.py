"""XLSX workbooks, read row by row by openpyxl, with the shared strings on disk.

openpyxl keeps a workbook's shared strings in memory, which for a long list is most of the file.
Here they are written to a temporary file as they are parsed.
"""

from __future__ import annotations

import re
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO
from xml.etree.ElementTree import iterparse

from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.escape import unescape
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from crmlink.accounting.exports.errors import ExportError

Cell = Any  # str, int, float, bool, date, time, timedelta or None

MAX_UNPACKED_MB = 800
MAX_STRINGS_MB = 400
MAX_OTHER_MB = 32
MAX_PART_MB = 8  # of styles, themes and other parts that openpyxl parses into a tree
MAX_ROW_MB = 4  # of one row, or of one string, as XML
MAX_TRAILER_MB = 16  # after the rows of a sheet: links, merged cells, formats
MAX_ROWS = 2**20  # Excel's own limit, empty ones included
MAX_TEXTS = 10_000_000
MAX_PARTS = 2_000
MAX_COLUMNS = 256
MAX_SHEETS = 20

_ITEM = f"{{{SHEET_MAIN_NS}}}si"
_TEXT = f"{{{SHEET_MAIN_NS}}}t"
_ROWS_END = re.compile(rb"</(?:\w{1,8}:)?sheetData\s*>")
_RUN = f"{{{SHEET_MAIN_NS}}}r"


@contextmanager
def workbook(stream: BinaryIO) -> Iterator[Workbook]:
    """Yield a workbook to read rows from. Raises ExportError (`damaged`, `too_large_unpacked`)."""
    with translate_xlsx_errors(), TemporaryFile() as spilled:
        stream.seek(0)
        with zipfile.ZipFile(stream) as archive:
            _check_unpacked_size(archive)
        stream.seek(0)
        reader = _Reader(stream, spilled)
        reader.read()
        try:
            yield reader.wb
        finally:
            reader.archive.close()


@contextmanager
def translate_xlsx_errors() -> Iterator[None]:
    """Raise ExportError (`damaged`) for any error of openpyxl in a damaged workbook."""
    try:
        yield
    except (ExportError, MemoryError, GeneratorExit):
        raise
    except Exception as error:
        raise ExportError("damaged") from error


def sheet_names(book: Workbook) -> tuple[str, ...]:
    """Return the names of the worksheets that are read, in order."""
    return tuple(sheet.title for sheet in islice(book.worksheets, MAX_SHEETS))


def rows(book: Workbook, sheet: str) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the number and the values of each non-empty row.

    openpyxl's `iter_rows` would fill every gap with empty rows, of which a damaged file can request
    any number, and keep each row's height.
    """
    worksheet: Any = book[sheet]
    described: Any = book
    with worksheet._get_source() as source:
        measured = _LimitedPart(source)
        parser: Any = WorkSheetParser(
            measured,
            worksheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=described._date_formats,
            timedelta_formats=described._timedelta_formats,
        )
        parser.row_dimensions = _DiscardingDict()
        for count, (number, cells) in enumerate(parser.parse()):
            measured.start_item()
            if count > MAX_ROWS:
                raise ExportError("damaged")
            if values := _values(cells):
                yield number, values


class _LimitedPart:
    """Streamed part of the archive that raises once one piece of it is too long."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._since = 0
        self._most = MAX_ROW_MB * 2**20
        self._last = b""

    def start_item(self) -> None:
        """Start counting the next row or string."""
        self._since = 0

    def read(self, size: int = -1) -> bytes:
        """Read like a file. Raises ExportError (`too_large_unpacked`)."""
        chunk = self._source.read(size)
        self._since += len(chunk)
        if _ROWS_END.search(self._last + chunk):
            self._most = MAX_TRAILER_MB * 2**20
        self._last = chunk[-32:]
        if self._since > self._most:
            raise ExportError("damaged")
        return chunk


class _DiscardingDict(dict[str, Any]):
    """Dict that stores nothing."""

    def __setitem__(self, name: str, value: Any) -> None:
        pass


def _values(cells: list[dict[str, Any]]) -> list[Cell]:
    values: list[Cell] = []
    for cell in cells:
        i = cell["column"] - 1
        if cell["value"] is not None:
            i = min(i, MAX_COLUMNS)  # one more than is read, to know that there is one
            values.extend([None] * (i + 1 - len(values)))
            values[i] = _plain(cell["value"])
    return values


def _plain(cell: Cell) -> Cell:
    return unescape(cell) if isinstance(cell, str) and "_x" in cell else cell


def _check_unpacked_size(archive: zipfile.ZipFile) -> None:
    """Raise for an archive that unpacks to too much.

    zipfile returns no more of a part than it declares.
    """
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if "[Content_Types].xml" not in names:
        raise ExportError("not_a_list", found="zip")
    if "xl/workbook.bin" in names:
        raise ExportError("not_a_list", found="xlsb")
    total = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or total > MAX_UNPACKED_MB * 2**20:
        raise ExportError("too_large_unpacked", most=MAX_UNPACKED_MB)
    for part in parts:
        name = part.filename.lower()
        limit = MAX_UNPACKED_MB if "/worksheets/" in name else MAX_OTHER_MB
        limit = MAX_STRINGS_MB if name.endswith("sharedstrings.xml") else limit
        if part.file_size > limit * 2**20:
            raise ExportError("too_large_unpacked", most=limit)


class _Strings(Sequence[str]):
    """Shared strings in a file, with only their offsets in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ends = array("Q", [0])

    def append(self, text: str) -> None:
        """Append one string."""
        data = self._file.write(text.encode("utf-8", "replace"))
        self._ends.append(self._ends[-1] + data)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, i: Any) -> Any:
        if not 0 <= i < len(self):
            raise IndexError(i)
        start, end = self._ends[i], self._ends[i + 1]
        self._file.seek(start)
        return self._file.read(end - start).decode("utf-8")


class _Archive(zipfile.ZipFile):
    """ZIP archive that returns no large part as a whole."""

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        """Read a part. Raises ExportError for a large one."""
        part = name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)
        if part.file_size > MAX_PART_MB * 2**20:
            raise ExportError("too_large_unpacked", most=MAX_PART_MB)
        return super().read(name, pwd)


class _Sheet(ReadOnlyWorksheet):
    """Worksheet of unknown size: openpyxl would read all of it to find out."""

    def _get_size(self) -> None:
        pass


class _Reader(ExcelReader):
    """openpyxl's workbook reader, with the strings stored elsewhere."""

    def __init__(self, stream: BinaryIO, spilled: Any) -> None:
        super().__init__(stream, read_only=True, data_only=True, keep_links=False)
        self.archive = _Archive(stream)
        self._spilled = spilled

    def read_worksheets(self) -> None:
        """Read the list of worksheets, without their contents."""
        sheets: Any = self.parser.find_sheets()
        book: Any = self.wb
        for sheet, rel in sheets:
            if "chartsheet" in rel.Type:
                self.read_chartsheet(sheet, rel)
            elif rel.target in self.valid_files:
                book._sheets.append(_Sheet(book, sheet.name, rel.target, self.shared_strings))

    def read_strings(self) -> None:
        """Store the shared strings in the file."""
        strings: Any = _Strings(self._spilled)
        package: Any = self.package
        part = package.find(SHARED_STRINGS)
        if part is not None:
            with self.archive.open(part.PartName[1:]) as source:
                _store_strings(_LimitedPart(source), strings)
        self.shared_strings = strings


def _store_strings(source: _LimitedPart, strings: _Strings) -> None:
    events = iterparse(source, events=("start", "end"))  # noqa: S314 - expat bounds what entities do
    _, root = next(events)
    for event, node in events:
        if event == "end" and node.tag == _ITEM:
            strings.append(_text(node))
            root.clear()
            source.start_item()
            if len(strings) > MAX_TEXTS:
                raise ExportError("damaged")


def _text(node: Any) -> str:
    """Return the text of a string and its runs, without phonetic hints."""
    parts = [child if child.tag == _TEXT else child.find(_TEXT) for child in node
             if child.tag in (_TEXT, _RUN)]  # fmt: skip
    return "".join(part.text or "" for part in parts if part is not None)
