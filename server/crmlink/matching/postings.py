"""Postings: which rows contain which number, for ranges of rows; they never change.

One range is a segment of the index.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlink.matching.columns import FLAG_BITS, Ints, TokenLists
from crmlink.matching.normalised import ADDRESS_BIT, MAX_ADDRESSES


@dataclass(frozen=True, slots=True)
class Postings:
    """Rows that contain each number, for one range of rows; immutable.

    `numbers` is None where `offsets` has an entry for each possible number.
    """

    numbers: Ints | None
    offsets: NDArray[np.int64]
    rows: Ints

    @classmethod
    def of(cls, numbers: Ints, rows: Ints, range_: int = 0) -> Postings:
        """Build from pairs of number and row, sorted by row.

        With `range_`, all numbers are smaller than it, and each gets an entry.
        """
        pairs = numbers.astype(np.int64)  # sorted in place: an order would take as much again
        pairs <<= 32
        pairs |= rows
        pairs.sort()
        sorted_rows = pairs.astype(np.int32)  # the lower half
        if range_:
            starts = np.arange(range_ + 1, dtype=np.int64) << 32
            return cls(None, pairs.searchsorted(starts), sorted_rows)
        pairs >>= 32
        fresh = np.flatnonzero(np.diff(pairs, prepend=-1))
        offsets = np.append(fresh, len(pairs)).astype(np.int64)
        return cls(pairs[fresh].astype(np.int32), offsets, sorted_rows)

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        numbers = 0 if self.numbers is None else self.numbers.nbytes
        return numbers + self.offsets.nbytes + self.rows.nbytes

    def find(self, number: int) -> Ints:
        """Return the rows that contain the number."""
        if self.numbers is None:
            return self.rows[self.offsets[number] : self.offsets[number + 1]]
        i = int(
            self.numbers.searchsorted(np.int32(number))
        )  # a plain int would convert the whole array
        if i == len(self.numbers) or self.numbers[i] != number:
            return self.rows[:0]
        return self.rows[self.offsets[i] : self.offsets[i + 1]]

    def find_all(self, numbers: Ints) -> list[Ints]:
        """Return the rows of each of the numbers that occurs."""
        if self.numbers is None or not len(self.numbers):
            return [self.find(number) for number in numbers.tolist()]
        positions = np.minimum(self.numbers.searchsorted(numbers), len(self.numbers) - 1)
        positions = positions[self.numbers[positions] == numbers]
        bounds = zip(
            self.offsets[positions].tolist(), self.offsets[positions + 1].tolist(), strict=True
        )
        return [self.rows[low:high] for low, high in bounds]


@dataclass(frozen=True, slots=True)
class Segment:
    """Postings of a range of rows."""

    low: int
    high: int
    names: Postings
    addresses: Postings
    codes: Postings
    trigrams: Postings

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        fields = (self.names, self.addresses, self.codes, self.trigrams)
        return sum(postings.nbytes for postings in fields)


def word_postings(lists: TokenLists, low: int, high: int, range_: int = 0) -> Postings:
    """Return which of the rows low to high - 1 have which number in their list."""
    values, rows = lists.between(low, high)
    return Postings.of(values >> FLAG_BITS, rows, range_)


def address_postings(lists: TokenLists, low: int, high: int) -> Postings:
    """Return which of the rows low to high - 1 have which word in an address."""
    return Postings.of(*address_words(lists, low, high))


def code_postings(codes: Ints, low: int) -> Postings:
    """Return which rows have which code; the table is that of the rows from low on."""
    rows, columns = np.nonzero(codes >= 0)
    return Postings.of(codes[rows, columns], (rows + low).astype(np.int32))


def address_words(lists: TokenLists, low: int, high: int) -> tuple[Ints, Ints]:
    """Return the words of the rows' addresses, each once a row, and the row of each."""
    values, rows = lists.between(low, high)
    words = values >> FLAG_BITS
    several = ((values >> ADDRESS_BIT) & (MAX_ADDRESSES - 1)) > 0
    if several.any():
        keys = rows.astype(np.int64) << 32 | words
        first = np.sort(np.unique(keys, return_index=True)[1])
        words, rows = words[first], rows[first]
    return words, rows
