"""Rows of a text file, read one at a time, so that a bad row does not affect others.

An unclosed quotation mark would swallow the rows below it, possibly unnoticed. Such a row is
detected: only it is rejected, and the following lines are read again.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from crmlink.accounting.exports.model import RejectedRow

MAX_LINE_LENGTH = 100_000  # characters
MAX_ROW_LINES = 50
_BREAK = re.compile(r"\r\n|\r|\n")
_MAX_ROW_LENGTH = 120_000  # characters; the csv module's limit is 131,072 for one value


@dataclass(frozen=True, slots=True)
class CsvRow:
    """Values of one row, and the line where it starts."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the text; `whole` is False if it was too long to read."""

    number: int
    text: str
    whole: bool = True


class _Broken(Exception):
    """The text being read is longer than any row."""


class _Lines:
    """Iterator of a text's lines that can push back those of the current row."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._number = 0
        self._again: deque[_Line] = deque()
        self.taken: list[_Line] = []
        self._size = 0
        self.ended = False

    def begin(self) -> bool:
        """Start a row; returns whether its first line is read for the second time."""
        self.taken.clear()
        self._size = 0
        self.ended = False
        return bool(self._again)

    def push_back(self) -> None:
        """Make all lines of the current row but its first be read again."""
        self._again.extendleft(reversed(self.taken[1:]))

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MAX_ROW_LINES or self._size > _MAX_ROW_LENGTH:
            raise _Broken
        line = self._again.popleft() if self._again else self._read()
        if line is None:
            self.ended = True
            raise StopIteration
        self.taken.append(line)
        self._size += len(line.text)
        if not line.whole:
            raise _Broken
        return line.text

    def _read(self) -> _Line | None:
        text = self._text.readline(MAX_LINE_LENGTH)
        if not text:
            return None
        self._number += 1
        if len(text) < MAX_LINE_LENGTH or text.endswith(("\n", "\r")):
            return _Line(self._number, text)
        while rest := self._text.readline(MAX_LINE_LENGTH):
            if rest.endswith(("\n", "\r")):
                break
        return _Line(self._number, "", whole=False)


class CsvReader:
    """Iterator of a text's rows, with a RejectedRow for each unreadable one.

    `width` is the number of columns once the header is known; before that a row of several lines is
    accepted as it is. A delimiter of two characters (", ") ignores spaces after it.
    """

    def __init__(self, text: TextIO, delimiter: str) -> None:
        self._lines = _Lines(text)
        self._delimiter = delimiter[0]
        self._reader = csv.reader(
            self._lines, delimiter=delimiter[0], skipinitialspace=len(delimiter) > 1, strict=True
        )
        self.width = 0

    def __iter__(self) -> Iterator[CsvRow | RejectedRow]:
        lines = self._lines
        while True:
            was_pushed_back = lines.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (_Broken, csv.Error):
                yield self._reject_row()
                continue
            if lines.ended or (len(lines.taken) > 1 and self._swallowed(cells)):
                yield self._reject_row()
            elif was_pushed_back and self._cut(cells):
                facts = {"found": len(cells), "columns": self.width}
                yield RejectedRow(lines.taken[0].number, "cut_row", facts)
            else:
                yield CsvRow(lines.taken[0].number, cells)

    def _reject_row(self) -> RejectedRow:
        first = self._lines.taken[0]
        self._lines.push_back()
        alone = not first.whole or len(first.text) > _MAX_ROW_LENGTH
        return RejectedRow(first.number, "line_too_long" if alone else "quote_open", {})

    def _swallowed(self, cells: list[str]) -> bool:
        """Return whether a value of several lines looks like rows rather than like an address.

        It does if it has as many delimiters as rows would have and its last line alone would be a
        row. If not, a delimiter before a space counts as a comma.
        """
        if self.width < 2:
            return False
        if len(cells) > self.width:
            return True
        last = self._lines.taken[-1].text
        row = last.count('"') % 2 == 0 and len(self._alone(last)) == self.width
        pieces = [_BREAK.split(cell) for cell in cells]
        return any(self._rows_in(parts, spaced=row) for parts in pieces if len(parts) > 1)

    def _cut(self, cells: list[str]) -> bool:
        """Return whether the text after an open quotation mark is not a whole row."""
        marks = sum(line.text.count('"') for line in self._lines.taken)
        return bool(self.width and cells) and (len(cells) != self.width or marks % 2 == 1)

    def _alone(self, line: str) -> list[str]:
        return next(csv.reader([line], delimiter=self._delimiter), [])

    def _rows_in(self, pieces: list[str], *, spaced: bool) -> bool:
        inner = any(self._parts(piece, spaced) >= self.width for piece in pieces[1:-1])
        # the end of one row and the start of another
        ends = self._parts(pieces[0], spaced) + self._parts(pieces[-1], spaced)
        return inner or ends > self.width

    def _parts(self, text: str, spaced: bool) -> int:
        """Return the number of values a line would have."""
        count = text.count(self._delimiter) + 1
        return count if spaced else count - text.count(f"{self._delimiter} ")
