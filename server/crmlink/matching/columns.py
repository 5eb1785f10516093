"""Compact columns that grow: words as numbers, and who holds which, in numpy arrays.

Rows are only ever added; a row that is given up is skipped by the index above until it
builds its columns anew.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
FLAG_BITS = 3
MOST_WORDS_LOOKED_AT = 5_000
FEW_WORDS = 30  # new ones that are put among the sorted ones, rather than sorting anew


class GrowableArray:
    """A one-dimensional array with cheap appending; `view` is the part in use."""

    def __init__(self, dtype: Any, fill: int = 0) -> None:
        self._fill = fill
        self._array: NDArray[Any] = np.full(1024, fill, dtype)
        self.size = 0

    @property
    def view(self) -> NDArray[Any]:
        return self._array[: self.size]

    def extend(self, values: Sequence[int] | NDArray[Any]) -> None:
        end = self.size + len(values)
        self.grow_to(end)
        self._array[end - len(values) : end] = values

    def grow_to(self, size: int) -> None:
        """Make room for `size` values, new ones holding the fill value."""
        if size > len(self._array):
            bigger = np.full(max(size, len(self._array) * 3 // 2), self._fill, self._array.dtype)
            bigger[: self.size] = self.view
            self._array = bigger
        self.size = max(self.size, size)


class Vocabulary:
    """Words and their numbers, with the number of rows that hold each."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._held = GrowableArray(np.int32)
        self._sorted: list[str] = []
        self._in_order = np.empty(0, np.int32)  # the numbers of the sorted words

    def __len__(self) -> int:
        return len(self.words)

    def number(self, word: str) -> int:
        """The word's number, given to it now if it is new."""
        found = self._numbers.get(word)
        if found is None:
            found = self._numbers[word] = len(self.words)
            self.words.append(word)
        return found

    def lookup(self, word: str) -> int:
        """The word's number, or -1."""
        return self._numbers.get(word, -1)

    def with_prefix(self, letters: str, most: int) -> Ints:
        """Numbers of held words with this beginning, those of most rows first, at most `most`."""
        self._sort()
        low = bisect_left(self._sorted, letters)
        high = min(bisect_left(self._sorted, letters + "\uffff"), low + MOST_WORDS_LOOKED_AT)
        numbers = self._in_order[low:high]
        held = self.held(numbers)
        order = np.argsort(-held, kind="stable")[:most]
        found: Ints = numbers[order][held[order] > 0]
        return found

    def _sort(self) -> None:
        fresh = self.words[len(self._sorted) :]
        if len(fresh) > FEW_WORDS:
            self._sorted = sorted(self._sorted + fresh)
            self._in_order = np.array([self._numbers[word] for word in self._sorted], np.int32)
            return
        for word in fresh:
            at = bisect_left(self._sorted, word)
            self._sorted.insert(at, word)
            self._in_order = np.insert(self._in_order, at, self._numbers[word])

    def count(self, numbers: NDArray[Any], by: int) -> None:
        """Say that one row more (`by` 1) or less (-1) holds each of the numbers."""
        self._held.grow_to(len(self.words))
        np.add.at(self._held.view, numbers, by)

    def held(self, numbers: NDArray[Any]) -> Floats:
        """How many rows hold each number; 0 for -1."""
        self._held.grow_to(len(self.words))
        if not len(self.words):
            return np.zeros(np.shape(numbers))
        return np.where(numbers >= 0, self._held.view[numbers], 0).astype(np.float64)


class TokenLists:
    """A bag of flagged numbers for each row. The value in a bag is number << FLAG_BITS | flags."""

    def __init__(self) -> None:
        self._values = GrowableArray(np.int32)
        self._starts = GrowableArray(np.int64)
        self._sizes = GrowableArray(np.uint8)

    def append(self, bag: Sequence[int] | Ints) -> None:
        self._starts.extend([self._values.size])
        self._sizes.extend([len(bag)])
        self._values.extend(bag)

    def extend(self, values: Sequence[int] | Ints, sizes: Sequence[int] | Ints) -> None:
        """Many bags at once: all values, and the size of each bag."""
        ends = np.cumsum(sizes, dtype=np.int64)
        self._starts.extend(self._values.size + ends - sizes)
        self._sizes.extend(sizes)
        self._values.extend(values)

    def of(self, row: int) -> Ints:
        start = int(self._starts.view[row])
        bag: Ints = self._values.view[start : start + int(self._sizes.view[row])]
        return bag

    def between(self, low: int, high: int) -> tuple[Ints, Ints]:
        """All values of the rows from low to high, and the row of each."""
        if low >= high:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        start = int(self._starts.view[low])
        sizes = self._sizes.view[low:high]
        stop = int(self._starts.view[high - 1]) + int(sizes[-1])
        rows = np.repeat(np.arange(low, high, dtype=np.int32), sizes)
        return self._values.view[start:stop], rows

    def table(self, rows: Ints) -> Ints:
        """The bags as a matrix, shape (rows, longest bag), -1 where a bag has ended."""
        sizes = self._sizes.view[rows].astype(np.int64)
        places = np.arange(int(sizes.max(initial=1)) or 1)
        inside = places < sizes[:, None]
        at = np.where(inside, self._starts.view[rows][:, None] + places, 0)
        if not self._values.size:
            return np.full(at.shape, -1, np.int32)
        return np.where(inside, self._values.view[at], -1).astype(np.int32)

    def only(self, rows: Ints) -> "TokenLists":
        """A copy with these rows alone, renumbered from 0."""
        copy = TokenLists()
        sizes = self._sizes.view[rows].astype(np.int64)
        inside = np.arange(int(sizes.max(initial=0))) < sizes[:, None]
        copy.extend(self.table(rows)[:, : inside.shape[1]][inside], sizes.astype(np.int32))
        return copy


@dataclass(frozen=True, slots=True)
class Postings:
    """Which rows hold a number, for one stretch of rows; immutable.

    `numbers` is None where `offsets` has a place for each number there may be.
    """

    numbers: Ints | None
    offsets: NDArray[np.int64]
    rows: Ints

    @classmethod
    def of(cls, numbers: Ints, rows: Ints, range_: int = 0) -> "Postings":
        """From pairs of number and row, in order of rows; `range_` if all are smaller."""
        order = np.argsort(numbers, kind="stable")
        if range_:
            held = np.bincount(numbers, minlength=range_)
            return cls(None, np.append(0, np.cumsum(held)), rows[order])
        ordered = numbers[order]
        fresh = np.flatnonzero(np.diff(ordered, prepend=-1))
        offsets = np.append(fresh, len(ordered)).astype(np.int64)
        return cls(ordered[fresh], offsets, rows[order])

    def find(self, number: int) -> Ints:
        if self.numbers is None:
            return self.rows[self.offsets[number] : self.offsets[number + 1]]
        at = int(self.numbers.searchsorted(np.int32(number)))  # a plain int would copy it all
        if at == len(self.numbers) or self.numbers[at] != number:
            return self.rows[:0]
        return self.rows[self.offsets[at] : self.offsets[at + 1]]

    def find_all(self, numbers: Ints) -> list[Ints]:
        """The rows of each of the numbers that some row holds."""
        if self.numbers is None or not len(self.numbers):
            return [self.find(number) for number in numbers.tolist()]
        at = np.minimum(self.numbers.searchsorted(numbers), len(self.numbers) - 1)
        at = at[self.numbers[at] == numbers]
        bounds = zip(self.offsets[at].tolist(), self.offsets[at + 1].tolist(), strict=True)
        return [self.rows[low:high] for low, high in bounds]
