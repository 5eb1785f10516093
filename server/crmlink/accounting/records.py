"""The rows of a text file, one at a time, so that one bad row spoils no other.

A quotation mark that is not closed would swallow the rows below it, at worst unseen. Such a row is
found out: it alone is bad, and the lines after it are read again.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from crmlink.accounting.exported import BadRow

MOST_LINE = 100_000  # characters
MOST_LINES = 50  # of one row
_MOST_RECORD = 120_000  # characters; the csv module stops at 131,072 in one value


@dataclass(frozen=True, slots=True)
class Record:
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

    def give_back(self) -> None:
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


class Records:
    """The rows of a text, and a BadRow for each that cannot be read.

    `width` is the number of columns once the header is known; without it a row of several lines
    is taken as it is.
    """

    def __init__(self, text: TextIO, delimiter: str) -> None:
        self._lines = _Lines(text)
        self._delimiter = delimiter
        self._reader = csv.reader(self._lines, delimiter=delimiter)
        self.width = 0

    def __iter__(self) -> Iterator[Record | BadRow]:
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
            elif again and self.width and self._count(cells) not in (0, self.width):
                facts = {"found": self._count(cells), "columns": self.width}
                yield BadRow(lines.taken[0].number, "cut_row", facts)
            else:
                yield Record(lines.taken[0].number, cells)

    def _given_up(self) -> BadRow:
        first = self._lines.taken[0]
        self._lines.give_back()
        alone = not first.whole or len(first.text) > _MOST_RECORD
        return BadRow(first.number, "line_too_long" if alone else "quote_open", {})

    def _swallowed(self, cells: list[str]) -> bool:
        """Whether a value of several lines looks like rows rather than like an address."""
        if self.width < 2:
            return False
        if self._count(cells) > self.width:
            return True
        return any(self._rows_in(cell) for cell in cells if "\n" in cell or "\r" in cell)

    def _count(self, cells: list[str]) -> int:
        """How many values there are, without empty ones beyond the header."""
        count = len(cells)
        while count > self.width and not cells[count - 1].strip():
            count -= 1
        return count

    def _rows_in(self, cell: str) -> bool:
        pieces = cell.splitlines()
        inner = any(self._parts(piece) >= self.width for piece in pieces[1:-1])
        # the end of one row and the beginning of another
        return inner or self._parts(pieces[0]) + self._parts(pieces[-1]) > self.width

    def _parts(self, text: str) -> int:
        """How many values a line would have; people put a space after a comma, programs none."""
        found = text.count(self._delimiter) - text.count(f"{self._delimiter} ") + 1
        return found - 1 if self.width == 2 and text.endswith(self._delimiter) else found
