"""Compact growing columns in numpy arrays: words as numbers, and lists of them.

Rows are only added; the index above skips removed rows until it compacts its columns.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
FLAG_BITS = 3
MAP_ENTRY = 96  # bytes that a dictionary from text to number takes for each
FIRST_SIZE = 1_024  # values of an array that holds any
MAX_PREFIX_WORDS = 5_000
MAX_INSERTED_WORDS = 30  # more new words than this are sorted in, not inserted


def memory_of_texts(texts: Sequence[str]) -> int:
    """Return about how many bytes a list of different texts takes."""
    return 64 * len(texts) + sum(map(len, texts))


class GrowableArray:
    """One-dimensional array with amortised appending; `view` is the part in use."""

    def __init__(self, dtype: Any, fill: int = 0) -> None:
        self._fill = fill
        self._array: NDArray[Any] = np.full(0, fill, dtype)
        self.size = 0

    @classmethod
    def holding(cls, values: NDArray[Any], fill: int = 0) -> "GrowableArray":
        """Return an array that begins with these values, not copied."""
        array = cls(values.dtype, fill)
        array._array, array.size = values, len(values)
        return array

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return self._array.nbytes

    @property
    def view(self) -> NDArray[Any]:
        """The part in use, not copied."""
        return self._array[: self.size]

    def extend(self, values: Sequence[int] | NDArray[Any]) -> None:
        """Append the values."""
        end = self.size + len(values)
        self.grow_to(end)
        self._array[end - len(values) : end] = values

    def grow_to(self, size: int) -> None:
        """Grow to `size` values; new ones hold the fill value."""
        if size > len(self._array):
            wanted = max(size, len(self._array) * 3 // 2, FIRST_SIZE)
            bigger = np.full(wanted, self._fill, self._array.dtype)
            bigger[: self.size] = self.view
            self._array = bigger
        self.size = max(self.size, size)


class Vocabulary:
    """Words, their numbers, and the number of rows that contain each."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._frequencies = GrowableArray(np.int32)
        self._sorted: list[str] = []
        self._in_order = np.empty(0, np.int32)  # numbers of the sorted words

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def holding(cls, words: list[str], frequencies: Ints) -> "Vocabulary":
        """Return a vocabulary of these words, numbered in this order."""
        vocabulary = cls()
        vocabulary.words = words
        vocabulary._numbers = {word: number for number, word in enumerate(words)}
        vocabulary._frequencies = GrowableArray.holding(frequencies)
        return vocabulary

    def memory(self) -> int:
        """Return about how many bytes it takes: words, their numbers, and their order."""
        more = 0 if not self._sorted else 8 * len(self._sorted) + self._in_order.nbytes
        number = MAP_ENTRY * len(self.words)
        return memory_of_texts(self.words) + number + self._frequencies.nbytes + more

    @property
    def frequencies(self) -> Ints:
        """The number of rows that contain each word, by its number."""
        self._frequencies.grow_to(len(self.words))
        return self._frequencies.view

    def in_use(self) -> tuple[list[str], Ints, Ints]:
        """Return the words in use, in the same order, their frequencies, and their new numbers."""
        used = self.frequencies > 0
        words = [word for word, is_used in zip(self.words, used.tolist(), strict=True) if is_used]
        return words, self.frequencies[used], np.cumsum(used, dtype=np.int32) - np.int32(1)

    def number(self, word: str) -> int:
        """Return the word's number, assigning one to a new word."""
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self.words)
            self.words.append(word)
        return number

    def lookup(self, word: str) -> int:
        """Return the word's number, or -1."""
        return self._numbers.get(word, -1)

    def with_prefix(self, letters: str, limit: int) -> Ints:
        """Return numbers of words in use with this prefix, most frequent first, at most `limit`."""
        self.sort()
        low = bisect_left(self._sorted, letters)
        high = min(bisect_left(self._sorted, letters + "\uffff"), low + MAX_PREFIX_WORDS)
        numbers = self._in_order[low:high]
        frequencies = self.document_frequency(numbers)
        order = np.argsort(-frequencies, kind="stable")[:limit]
        result: Ints = numbers[order][frequencies[order] > 0]
        return result

    @property
    def is_sorted(self) -> bool:
        """Whether prefixes can be looked up without sorting."""
        return len(self._sorted) == len(self.words)

    def sort(self) -> None:
        """Sort words that are new, for prefixes."""
        fresh = self.words[len(self._sorted) :]
        if len(fresh) > MAX_INSERTED_WORDS:
            self._sorted = sorted(self._sorted + fresh)
            self._in_order = np.array([self._numbers[word] for word in self._sorted], np.int32)
            return
        for word in fresh:
            i = bisect_left(self._sorted, word)
            self._sorted.insert(i, word)
            self._in_order = np.insert(self._in_order, i, self._numbers[word])

    def count(self, numbers: NDArray[Any], by: int) -> None:
        """Add `by` (1 or -1) to the document frequency of each number."""
        self._frequencies.grow_to(len(self.words))
        np.add.at(self._frequencies.view, numbers, by)

    def document_frequency(self, numbers: NDArray[Any]) -> Floats:
        """Return how many rows contain each number; 0 for -1."""
        self._frequencies.grow_to(len(self.words))
        if not len(self.words):
            return np.zeros(np.shape(numbers))
        return np.where(numbers >= 0, self._frequencies.view[numbers], 0).astype(np.float64)

    def holders(self, number: int) -> int:
        """Return how many rows contain a number; 0 for -1."""
        return int(self._frequencies.view[number]) if 0 <= number < self._frequencies.size else 0


class TokenLists:
    """A list of flagged numbers for each row; each value is number << FLAG_BITS | flags."""

    def __init__(self) -> None:
        self._values = GrowableArray(np.int32)
        self._starts = GrowableArray(np.int64)
        self._sizes = GrowableArray(np.uint8)

    @classmethod
    def holding(cls, values: Ints, sizes: NDArray[np.uint8]) -> "TokenLists":
        """Return the lists of these sizes."""
        lists = cls()
        ends = np.cumsum(sizes, dtype=np.int64)
        lists._starts = GrowableArray.holding(ends - sizes)
        lists._sizes = GrowableArray.holding(sizes)
        lists._values = GrowableArray.holding(values)
        return lists

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return self._values.nbytes + self._starts.nbytes + self._sizes.nbytes

    @property
    def values(self) -> Ints:
        """All values, list after list."""
        return self._values.view

    @property
    def sizes(self) -> NDArray[np.uint8]:
        """The length of each list."""
        return self._sizes.view

    def append(self, lists: Sequence[Sequence[int]]) -> None:
        """Append the lists of the next rows."""
        values = [value for one in lists for value in one]
        self.extend(np.array(values, np.int32), np.array([len(one) for one in lists], np.int32))

    def extend(self, values: Ints, sizes: Ints) -> None:
        """Append lists: all values, and the size of each list."""
        ends = np.cumsum(sizes, dtype=np.int64)
        self._starts.extend(self._values.size + ends - sizes)
        self._sizes.extend(sizes)
        self._values.extend(values)

    def of(self, row: int) -> Ints:
        """Return the row's list."""
        start = int(self._starts.view[row])
        values: Ints = self._values.view[start : start + int(self._sizes.view[row])]
        return values

    def between(self, low: int, high: int) -> tuple[Ints, Ints]:
        """Return all values of the rows low to high - 1, and the row of each value."""
        if low >= high:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        start = int(self._starts.view[low])
        sizes = self._sizes.view[low:high]
        stop = int(self._starts.view[high - 1]) + int(sizes[-1])
        rows = np.repeat(np.arange(low, high, dtype=np.int32), sizes)
        return self._values.view[start:stop], rows

    def table(self, rows: Ints) -> Ints:
        """Return the lists as a matrix, shape (rows, longest list), padded with -1."""
        sizes = self._sizes.view[rows].astype(np.int64)
        columns = np.arange(int(sizes.max(initial=1)) or 1)
        inside = columns < sizes[:, None]
        positions = np.where(inside, self._starts.view[rows][:, None] + columns, 0)
        if not self._values.size:
            return np.full(positions.shape, -1, np.int32)
        return np.where(inside, self._values.view[positions], -1).astype(np.int32)

    def only(self, rows: Ints) -> "TokenLists":
        """Return a copy with these rows alone, in ascending order, renumbered from 0."""
        is_kept = np.zeros(len(self.sizes), np.bool_)
        is_kept[rows] = True
        values = self.values[np.repeat(is_kept, self.sizes)]
        return TokenLists.holding(values, self.sizes[rows])
