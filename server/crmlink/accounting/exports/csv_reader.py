"""The rows of a text file, one at a time, so that one bad row spoils no other.

A quotation mark that is not closed would swallow the rows below it, at worst unseen. Such a row is
found out: it alone is bad, and the lines after it are read again.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from crmlink.accounting.exports.model import RejectedRow

MOST_LINE = 100_000  # characters
MOST_LINES = 50  # of one row
_BREAK = re.compile(r"\r\n|\r|\n")
_MOST_RECORD = 120_000  # characters; the csv module stops at 131,072 in one value


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The values of one row, and the line where it begins."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    whole: bool = True


class _Broken(Exception):
    """What is read here is longer than any row."""


class _Lines:
    """The lines of a text; those of the present row can be given back."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._number = 0
        self._again: deque[_Line] = deque()
        self.taken: list[_Line] = []
        self._size = 0
        self.ended = False

    def begin(self) -> bool:
        """Begin a row; whether its first line was read before."""
        self.taken.clear()
        self._size = 0
        self.ended = False
        return bool(self._again)

    def push_back(self) -> None:
        """Let all lines of the present row but its first be read again."""
        self._again.extendleft(reversed(self.taken[1:]))

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MOST_LINES or self._size > _MOST_RECORD:
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
        text = self._text.readline(MOST_LINE)
        if not text:
            return None
        self._number += 1
        if len(text) < MOST_LINE or text.endswith(("\n", "\r")):
            return _Line(self._number, text)
        while rest := self._text.readline(MOST_LINE):
            if rest.endswith(("\n", "\r")):
                break
        return _Line(self._number, "", whole=False)


class CsvReader:
    """The rows of a text, and a RejectedRow for each that cannot be read.

    `width` is the number of columns once the header is known; without it a row of several lines
    is taken as it is. A delimiter of two signs (", ") has spaces after it that do not count.
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
            again = lines.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (_Broken, csv.Error):
                yield self._given_up()
                continue
            if lines.ended or (len(lines.taken) > 1 and self._swallowed(cells)):
                yield self._given_up()
            elif again and self._cut(cells):
                facts = {"found": len(cells), "columns": self.width}
                yield RejectedRow(lines.taken[0].number, "cut_row", facts)
            else:
                yield CsvRow(lines.taken[0].number, cells)

    def _given_up(self) -> RejectedRow:
        first = self._lines.taken[0]
        self._lines.push_back()
        alone = not first.whole or len(first.text) > _MOST_RECORD
        return RejectedRow(first.number, "line_too_long" if alone else "quote_open", {})

    def _swallowed(self, cells: list[str]) -> bool:
        """Whether a value of several lines looks like rows rather than like an address.

        It does when it has as many delimiters as rows would have, and the last line would be a row
        by itself. Where it would not, a delimiter before a space is taken for a comma.
        """
        if self.width < 2:
            return False
        if len(cells) > self.width:
            return True
        last = self._lines.taken[-1].text
        row = last.count('"') % 2 == 0 and len(self._alone(last)) == self.width
        pieces = [_BREAK.split(cell) for cell in cells]
        return any(self._rows_in(each, spaced=row) for each in pieces if len(each) > 1)

    def _cut(self, cells: list[str]) -> bool:
        """Whether what follows an open quotation mark is anything but a whole row."""
        marks = sum(line.text.count('"') for line in self._lines.taken)
        return bool(self.width and cells) and (len(cells) != self.width or marks % 2 == 1)

    def _alone(self, line: str) -> list[str]:
        return next(csv.reader([line], delimiter=self._delimiter), [])

    def _rows_in(self, pieces: list[str], *, spaced: bool) -> bool:
        inner = any(self._parts(piece, spaced) >= self.width for piece in pieces[1:-1])
        # the end of one row and the beginning of another
        ends = self._parts(pieces[0], spaced) + self._parts(pieces[-1], spaced)
        return inner or ends > self.width

    def _parts(self, text: str, spaced: bool) -> int:
        """How many values a line would have."""
        found = text.count(self._delimiter) + 1
        return found if spaced else found - text.count(f"{self._delimiter} ")
