"""Inverted index of all records in memory: columns of words and codes, and their postings.

New rows become a segment before the next query; small segments are merged, so that updates are
cheap and a query reads few segments. A changed record gets a new row; removed rows are compacted
away once they are a quarter of all.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmlink.kinds import KINDS
from crmlink.matching.columns import (
    FLAG_BITS,
    MAP_ENTRY,
    Floats,
    GrowableArray,
    Ints,
    TokenLists,
    Vocabulary,
    memory_of_texts,
)
from crmlink.matching.normalised import (
    ADDRESS_BIT,
    EMAIL_FLAG,
    MAX_ADDRESSES,
    MAX_EMAILS,
    MAX_PHONES,
    SECONDARY,
    NormalisedDetails,
)
from crmlink.matching.postings import (
    Segment,
    address_postings,
    address_words,
    code_postings,
    word_postings,
)
from crmlink.matching.titles import Gender

# Columns of the code table. An address with the code of an earlier one has REPEATED minus the
# earlier column's number, so that each record counts once in the document frequency.
POSTCODES = slice(0, MAX_ADDRESSES)
OUTWARDS = slice(POSTCODES.stop, POSTCODES.stop + MAX_ADDRESSES)
EMAILS = slice(OUTWARDS.stop, OUTWARDS.stop + MAX_EMAILS)
DOMAINS = slice(EMAILS.stop, EMAILS.stop + MAX_EMAILS)
ACCOUNT = slice(DOMAINS.stop, DOMAINS.stop + 1)
PHONES = slice(ACCOUNT.stop, ACCOUNT.stop + MAX_PHONES)
CODE_WIDTH = PHONES.stop
REPEATED = -2
NO_STAMPS: Mapping[str, int] = MappingProxyType({})
# Bits of a record's marks; those before say which addresses are postal.
RETIRED = 1 << MAX_ADDRESSES
TITLES = ((Gender.MAN, RETIRED << 1), (Gender.WOMAN, RETIRED << 2))
TRIGRAM_BASE = 37
TRIGRAM_COUNT = TRIGRAM_BASE**3
_NO_TRIGRAMS = np.zeros(TRIGRAM_COUNT)  # of every index that holds no record
_NO_TRIGRAMS.setflags(write=False)
_LETTER_CODES = np.zeros(256, np.int32)
for _at, _letter in enumerate(b"abcdefghijklmnopqrstuvwxyz0123456789", 1):
    _LETTER_CODES[_letter] = _at


def trigrams(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Return the distinct trigrams of each text: their numbers, and the index of their text."""
    padded = [f" {text} " for text in texts]
    letters = _LETTER_CODES[np.frombuffer("".join(padded).encode("ascii", "replace"), np.uint8)]
    if len(letters) < 3:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    text_of = np.repeat(np.arange(len(texts)), [len(text) for text in padded])
    runs = (letters[:-2] * TRIGRAM_BASE + letters[1:-1]) * TRIGRAM_BASE + letters[2:]
    in_one_text = text_of[:-2] == text_of[2:]
    distinct = np.unique(text_of[:-2][in_one_text] * TRIGRAM_COUNT + runs[in_one_text])
    return (distinct % TRIGRAM_COUNT).astype(np.int32), (distinct // TRIGRAM_COUNT).astype(np.int32)


class InvertedIndex:
    """Rows of records. Threads may ask one that ``is_ready`` while nothing changes it."""

    def __init__(self) -> None:
        self.names, self.addresses, self.codes = Vocabulary(), Vocabulary(), Vocabulary()
        self.name_lists, self.address_lists, self.trigram_lists = (
            TokenLists(),
            TokenLists(),
            TokenLists(),
        )
        self._codes = GrowableArray(np.int32, -1)
        self._kinds = GrowableArray(np.int8)
        self._is_company = GrowableArray(np.bool_)
        self._marks = GrowableArray(np.int8)
        self._alive = GrowableArray(np.bool_)
        self.trigram_df = _NO_TRIGRAMS
        self._trigram_idf: Floats | None = None
        self.ids: list[str] = []
        self.email_texts: list[str] = []  # letters of each row's emails
        self._stamps = GrowableArray(np.uint64)
        self._rows: dict[str, int] = {}
        self.segments: list[Segment] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Whether each row is current."""
        return self._alive.view

    @property
    def kinds(self) -> NDArray[np.int8]:
        """Kind of each row: 0 if unknown, else its index in KINDS plus 1."""
        return self._kinds.view

    @property
    def is_company(self) -> NDArray[np.bool_]:
        """Whether each row's primary name is a company's."""
        return self._is_company.view

    @property
    def identifier_table(self) -> Ints:
        """Numbers of each row's codes, shape (rows, CODE_WIDTH), negative for none."""
        return self._codes.view.reshape(-1, CODE_WIDTH)

    def row_columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns with one value for each row."""
        return {
            "kinds": self._kinds.view,
            "is_company": self._is_company.view,
            "marks": self._marks.view,
            "stamps": self._stamps.view,
        }

    def set_rows(
        self,
        ids: list[str],
        email_texts: list[str],
        codes: Ints,
        columns: Mapping[str, NDArray[Any]],
    ) -> None:
        """Set all rows, every one current; words and lists are set by the caller."""
        self.ids, self.email_texts = ids, email_texts
        self._rows = {record_id: row for row, record_id in enumerate(ids)}
        self._codes = GrowableArray.holding(codes.ravel(), -1)
        self._kinds = GrowableArray.holding(columns["kinds"])
        self._is_company = GrowableArray.holding(columns["is_company"])
        self._marks = GrowableArray.holding(columns["marks"])
        self._stamps = GrowableArray.holding(columns["stamps"])
        self._alive = GrowableArray.holding(np.ones(len(ids), np.bool_))
        self.segments = []

    def memory(self) -> int:
        """Return about how many bytes it takes."""
        columns = (self._codes, self._kinds, self._is_company, self._marks, self._alive)
        lists = (self.name_lists, self.address_lists, self.trigram_lists)
        arrays = sum(each.nbytes for each in (*columns, self._stamps, *lists))
        words = sum(each.memory() for each in (self.names, self.addresses, self.codes))
        texts = memory_of_texts(self.ids) + memory_of_texts(self.email_texts)
        postings = sum(segment.nbytes for segment in self.segments)
        trigram_counts = 0 if self.trigram_df is _NO_TRIGRAMS else 2 * self.trigram_df.nbytes
        return arrays + words + texts + MAP_ENTRY * len(self._rows) + postings + trigram_counts

    def address_codes(self, rows: Ints, part: slice) -> Ints:
        """Return POSTCODES or OUTWARDS of each address, shape (rows, addresses), -1 for none."""
        table: Ints = self.identifier_table[rows, part]
        repeated = table <= REPEATED
        if repeated.any():
            earlier = np.where(repeated, REPEATED - table, 0)
            table = np.where(repeated, np.take_along_axis(table, earlier, axis=1), table)
        return table

    def postal(self, rows: Ints) -> NDArray[np.bool_]:
        """Return which addresses are for post alone, shape (rows, addresses)."""
        bits = np.arange(MAX_ADDRESSES)
        marked: NDArray[np.bool_] = (self._marks.view[rows][:, None] >> bits & 1) > 0
        return marked

    def retired(self, rows: Ints) -> NDArray[np.bool_]:
        """Return whether each record is marked as no longer in use."""
        marked: NDArray[np.bool_] = (self._marks.view[rows] & RETIRED) > 0
        return marked

    def marks(self, row: int) -> int:
        """Return the marks of a record: a bit for each postal address, RETIRED, its title."""
        return int(self._marks.view[row])

    def title(self, row: int) -> Gender:
        """Return whose the title of a record's person is."""
        marks = self.marks(row)
        return next((gender for gender, bit in TITLES if marks & bit), Gender.UNKNOWN)

    def stamps(self) -> dict[str, int]:
        """Return the stamp of each record, by its id."""
        stamps = self._stamps.view.tolist()
        return {record_id: stamps[row] for record_id, row in self._rows.items()}

    def add(
        self,
        records: Sequence[tuple[str, NormalisedDetails]],
        stamps: Mapping[str, int] = NO_STAMPS,
    ) -> None:
        """Add records, or replace those with the same id.

        A stamp tells later whether a record is still as it was added.
        """
        records = list({record_id: (record_id, details) for record_id, details in records}.values())
        self.remove(record_id for record_id, _ in records)
        first = len(self.ids)
        names: list[list[int]] = []
        addresses: list[list[int]] = []
        codes: list[int] = []
        for record_id, details in records:
            self._rows[record_id] = len(self.ids)
            self.ids.append(record_id)
            words = (*details.primary_name, *details.secondary_name)
            names.append([self.names.number(w) << FLAG_BITS | flag for w, flag in words])
            addresses.append(
                [
                    self.addresses.number(word) << FLAG_BITS | i << ADDRESS_BIT | flag
                    for i, address in enumerate(details.addresses)
                    for word, flag in address.words
                ]
            )
            codes += self._code_ids(details)
        self.name_lists.append(names)
        self.address_lists.append(addresses)
        self._codes.extend(codes)
        self._kinds.extend([KINDS.index(t.kind) + 1 if t.kind else 0 for _, t in records])
        self._is_company.extend(np.array([t.is_company for _, t in records], np.bool_))
        self._marks.extend([_marks(details) for _, details in records])
        self._alive.extend(np.ones(len(records), np.bool_))
        kept = [stamps.get(record_id, 0) for record_id, _ in records]
        self._stamps.extend(np.array(kept, np.uint64))
        email_texts = [" ".join(details.email_texts) for _, details in records]
        self.email_texts.extend(email_texts)
        self._add_trigrams([details for _, details in records], email_texts)
        self._count(first, len(self.ids), 1)

    def _code_ids(self, details: NormalisedDetails) -> list[int]:
        return [
            *self._numbered("p", [a.postcode for a in details.addresses], MAX_ADDRESSES),
            *self._numbered("o", [a.outward for a in details.addresses], MAX_ADDRESSES),
            *self._numbered("e", details.emails, MAX_EMAILS),
            *self._numbered("d", details.domains, MAX_EMAILS),
            *self._numbered("a", [details.account], 1),
            *self._numbered("+", details.phones, MAX_PHONES),
        ]

    def _numbered(self, letter: str, values: Sequence[str], width: int) -> list[int]:
        numbers = [self.codes.number(f"{letter}:{value}") if value else -1 for value in values]
        for i in range(1, len(numbers)):
            if numbers[i] >= 0 and (first := numbers.index(numbers[i])) < i:
                numbers[i] = REPEATED - first
        return numbers + [-1] * (width - len(numbers))

    def _add_trigrams(self, records: Sequence[NormalisedDetails], email_texts: list[str]) -> None:
        labels = [" ".join(word for word, _ in terms.primary_name) for terms in records]
        secondary = [" ".join(word for word, _ in terms.secondary_name) for terms in records]
        numbers, texts = trigrams(labels + secondary + email_texts)
        flags = np.array([0, SECONDARY, EMAIL_FLAG])[texts // max(1, len(records))]
        rows = texts % max(1, len(records))
        order = np.argsort(rows, kind="stable")
        sizes = np.bincount(rows[order], minlength=len(records))
        if sizes.max(initial=0) > 250:
            order = order[_within(rows[order], sizes, 250)]
            sizes = np.minimum(sizes, 250)
        bagged = (numbers[order] << FLAG_BITS | flags[order]).astype(np.int32)
        self.trigram_lists.extend(bagged, sizes.astype(np.int32))

    def _count(self, low: int, high: int, by: int) -> None:
        self.names.count(self.name_lists.between(low, high)[0] >> FLAG_BITS, by)
        self.addresses.count(address_words(self.address_lists, low, high)[0], by)
        codes = self.identifier_table[low:high]
        self.codes.count(codes[codes >= 0], by)
        if self.trigram_df is _NO_TRIGRAMS:
            self.trigram_df = np.zeros(TRIGRAM_COUNT)
        np.add.at(self.trigram_df, self.trigram_lists.between(low, high)[0] >> FLAG_BITS, by)
        self._trigram_idf = None

    @property
    def trigram_idf(self) -> Floats:
        """Inverse document frequency of each trigram; 0 for none."""
        rarity = self._trigram_idf
        if rarity is None:
            rarity = np.log1p((len(self) + 1.0) / (self.trigram_df + 1.0))
            rarity[0] = 0.0
            self._trigram_idf = rarity  # whole: others may ask meanwhile
        return rarity

    def holders_of_name(self, word: str) -> int:
        """Return the number of records that have a word in a name."""
        return self.names.holders(self.names.lookup(word))

    def remove(self, record_ids: Iterable[str]) -> None:
        """Remove records; unknown ids are ignored."""
        for record_id in record_ids:
            row = self._rows.pop(record_id, None)
            if row is not None:
                self._count(row, row + 1, -1)
                self._alive.view[row] = False

    def is_ready(self, by_prefix: bool = False) -> bool:
        """Return whether ``refresh`` has nothing to do, so that questions change nothing."""
        words = self._vocabularies() if by_prefix else ()
        return (
            self._segmented() == len(self.ids)
            and not self._has_many_removed()
            and all(each.is_sorted for each in words)
        )

    def refresh(self, by_prefix: bool = False) -> None:
        """Make added records searchable, ``by_prefix`` too; call before a query."""
        if self._has_many_removed():
            self._compact()
        if (done := self._segmented()) < len(self.ids):
            self._add_segment(done)
        for words in self._vocabularies() if by_prefix else ():
            words.sort()

    def _vocabularies(self) -> tuple[Vocabulary, ...]:
        return self.names, self.addresses, self.codes

    def _has_many_removed(self) -> bool:
        return len(self.ids) - len(self._rows) > max(1000, len(self.ids) // 4)

    def _segmented(self) -> int:
        return self.segments[-1].high if self.segments else 0

    def _add_segment(self, low: int) -> None:
        while self.segments and len(self.ids) - low >= (low - self.segments[-1].low) // 4:
            low = self.segments.pop().low
        self.segments.append(self._segment(low, len(self.ids)))

    def _segment(self, low: int, high: int) -> Segment:
        return Segment(
            low,
            high,
            word_postings(self.name_lists, low, high),
            address_postings(self.address_lists, low, high),
            code_postings(self.identifier_table[low:high], low),
            word_postings(self.trigram_lists, low, high, TRIGRAM_COUNT),
        )

    def _compact(self) -> None:
        rows = np.flatnonzero(self.alive).astype(np.int32)
        self.name_lists = self.name_lists.only(rows)
        self.address_lists = self.address_lists.only(rows)
        self.trigram_lists = self.trigram_lists.only(rows)
        self.set_rows(
            ids=[self.ids[row] for row in rows.tolist()],
            email_texts=[self.email_texts[row] for row in rows.tolist()],
            codes=self.identifier_table[rows],
            columns={name: column[rows] for name, column in self.row_columns().items()},
        )

    def rows_with_any(self, field: str, numbers: Ints) -> list[Ints]:
        """Return rows with one of the numbers in a field, removed rows too.

        `field` is `names`, `addresses` or `codes`.
        """
        return [
            rows for segment in self.segments for rows in getattr(segment, field).find_all(numbers)
        ]

    def table(self, field: str, rows: Ints) -> Ints:
        """Return the rows' numbers in `names`, `addresses` or `codes`, -1 for none."""
        if field == "codes":
            return self.identifier_table[rows]
        lists = self.name_lists if field == "names" else self.address_lists
        return lists.table(rows) >> FLAG_BITS


def _marks(terms: NormalisedDetails) -> int:
    postal = sum(1 << i for i, address in enumerate(terms.addresses) if address.is_postal)
    return postal | (RETIRED if terms.retired else 0) | dict(TITLES).get(terms.title, 0)


def _within(groups: Ints, sizes: NDArray[np.int64], limit: int) -> NDArray[np.bool_]:
    starts = np.cumsum(sizes) - sizes
    result: NDArray[np.bool_] = np.arange(len(groups)) - starts[groups] < limit
    return result
